"""`-C`: the comma-separated values of mtr 0.95, ours behind its columns.

The header is mtr's to the letter, to its last comma, and its blank column counts the drops. Behind
it stand `Addresses` (all that answered, latest first), `Late`, `Duplicates`, `Marks`, `Reached`
(1: it is the target), `P50`, `P90`, `P99` in ms, `Repeats`, `Vantage` (the machine that probes
leave from; empty: this one), `City`, `Exchange`, and `Hops_Back` (over how many hops the last
answer came back). Where the figures are those of the last minute, `Seconds` says of how long.

What holds a comma or a quote is quoted (RFC 4180), and a host that a spreadsheet would take for a
formula stands behind an apostrophe.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.formatting import all_ip_info, hosts, known_addresses
from tui_trace.report.mtr_fields import FIELDS, ReportLayout
from tui_trace.session.hops_back import hops_back
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.snapshot import Hop, Run, Snapshot

_BEFORE = ("Mtr_Version", "Start_Time", "Status", "Host", "Hop", "Ip")
_BEHIND = (
    *("Addresses", "Late", "Duplicates", "Marks", "Reached", "P50", "P90", "P99"),
    *("Repeats", "Vantage", "City", "Exchange", "Hops_Back"),
)
_FORMULA = ("=", "+", "-", "@")


def render_csv(snapshot: Snapshot, layout: ReportLayout, _runs: Sequence[Run] = ()) -> str:
    """Return the run in force, one line per hop; times in ms."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    asn = ("Asn",) if layout.about == 0 else ()
    titles = (" " if letter == " " else FIELDS[letter].title for letter in layout.fields)
    window = () if snapshot.window is None else ("Seconds",)
    writer.writerow([*_BEFORE, *asn, *titles, *_BEHIND, *window])
    writer.writerows([_row(snapshot, hop, layout) for hop in snapshot.run.hops])
    return text.getvalue()


def _row(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> list[str]:
    return [
        f"tui-trace.{sanitize(snapshot.version)}",
        str(snapshot.wall // NS_PER_S) if snapshot.wall else "",
        "OK",
        _harmless(sanitize(snapshot.target)),
        str(hop.ttl),
        _harmless(hosts(snapshot, hop, layout)[0]),
        *(all_ip_info(snapshot, hop, 0)[:1] if layout.about == 0 else ()),
        *_values(hop, layout),
        _harmless(" ".join(known_addresses(hop))),
        str(hop.late),
        str(hop.duplicates),
        _harmless(" ".join(sanitize(mark) for mark in hop.marks)),
        str(int(hop.is_target)),
        *_percentiles(hop),
        str(hop.repeats),
        _harmless(sanitize(snapshot.vantage)),
        *_where(snapshot, hop),
        "" if (back := hops_back(hop.reply_ttl, hop.ttl)) is None else str(back),
        *(() if snapshot.window is None else (str(snapshot.window // NS_PER_S),)),
    ]


def _where(snapshot: Snapshot, hop: Hop) -> tuple[str, str]:
    if not hop.responders:
        return "", ""
    labels = HostLabels(snapshot.who)
    latest = hop.responders[0].address
    return _harmless(labels.city(latest)), _harmless(labels.exchange(latest))


def _values(hop: Hop, layout: ReportLayout) -> Iterator[str]:
    for letter in layout.fields:
        field = FIELDS["D" if letter == " " else letter]
        value = field.value(hop)
        yield "" if value is None else f"{value:.{2 if field.digits else 0}f}"


def _percentiles(hop: Hop) -> Iterator[str]:
    for value in (hop.figures.p50, hop.figures.p90, hop.figures.p99):
        yield "" if value is None else f"{value / NS_PER_MS:.2f}"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
