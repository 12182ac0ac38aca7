"""`-r` and `-w`: the report of mtr 0.95, with our notes after its columns."""

from collections.abc import Sequence

from tui_trace.core.sanitize import sanitize
from tui_trace.report.finding_lines import finding_lines
from tui_trace.report.formatting import (
    IP_INFO,
    OWN_IP_INFO,
    all_ip_info,
    began,
    describe_probe,
    format_notes,
    hostname,
    hosts,
    mpls_text,
)
from tui_trace.report.hop_notes import full_notes
from tui_trace.report.mtr_fields import FIELDS, ReportField, ReportLayout
from tui_trace.report.owner_lines import owner_lines
from tui_trace.report.path_tables import path_lines
from tui_trace.report.run_summary import other_runs
from tui_trace.report.way_report import way_lines
from tui_trace.session.data_warnings import all_warnings
from tui_trace.session.snapshot import Hop, Run, Snapshot

_NARROW = 33
"""Characters of the host column and what stands before it."""
_BRANCH = ".|-- "
_PLACE = 3
"""Characters of the hop's number."""


def render_text(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Return the run in force as a table, and below it the other runs; times in ms.

    Unless `wide`, names are cut to mtr's width. Addresses never are: half of one is another.
    """
    start = began(snapshot, "%Y-%m-%dT%H:%M:%S%z")
    lines = [f"Start: {start}  {describe_probe(snapshot)}", *table_lines(snapshot, layout)]
    lines += way_lines(snapshot)
    lines += path_lines(snapshot, runs, layout)
    lines += [*other_runs(snapshot, runs), *finding_lines(snapshot)]
    lines += owner_lines(snapshot)
    lines += [*all_warnings(snapshot), *format_notes(snapshot)]
    return "\n".join(lines) + "\n"


def table_lines(snapshot: Snapshot, layout: ReportLayout) -> list[str]:
    """Return the table of the run in force with its heading."""
    table = [(hop, _hosts(snapshot, hop, layout)) for hop in snapshot.run.hops]
    machine = f"HOST: {hostname(snapshot)}"
    width = _width(table, layout, len(machine))
    lines = [f"{machine:{width}.{width}}{_titles(layout)}".rstrip()]
    for hop, texts in table:
        lines.append(
            f"{texts[0]:{width}.{width}}{_values(hop, layout)}  {full_notes(hop)}".rstrip()
        )
        lines += [text[:width] for text in texts[1:]]
        lines += [f"{'':{_PLACE + len(_BRANCH) - 1}}[{mpls_text(label)}]" for label in hop.labels]
    return lines


def _hosts(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> list[str]:
    """Return the left part of a hop's lines, one for each host that answered."""
    names = hosts(snapshot, hop, layout)
    if layout.about is None:
        heads = [f"{hop.ttl:{_PLACE}}{_BRANCH}", *[" " * (_PLACE + len(_BRANCH))] * len(names)]
        return [head + name for head, name in zip(heads, names, strict=False)]
    room = IP_INFO[layout.about].width
    known = [f"{text:{room - 1}} " for text in all_ip_info(snapshot, hop, layout.about)]
    heads = [f"{hop.ttl:{_PLACE}}. ", *[" " * (_PLACE + 2)] * len(names)]
    return [head + text + name for head, text, name in zip(heads, known, names, strict=False)]


def _width(table: list[tuple[Hop, list[str]]], layout: ReportLayout, machine: int) -> int:
    in_full = [
        len(text)
        for hop, texts in table
        for text, responder in zip(texts, hop.responders, strict=False)
        if layout.wide or layout.both or text.endswith(sanitize(responder.address))
    ]
    # where something stands before the hosts, mtr leaves one more space behind them
    in_full = [length + (layout.about is not None) for length in in_full]
    # mtr has no such columns: they are not taken from the names
    ours = IP_INFO[layout.about].width if layout.about in OWN_IP_INFO else 0
    least = machine if layout.wide else _NARROW + ours
    return max([least, *in_full])


def _titles(layout: ReportLayout) -> str:
    return "".join(
        " " if letter == " " else f"{FIELDS[letter].title:>{FIELDS[letter].width}}"
        for letter in layout.fields
    )


def _values(hop: Hop, layout: ReportLayout) -> str:
    return "".join(
        " " if letter == " " else _value(FIELDS[letter], hop) for letter in layout.fields
    )


def _value(field: ReportField, hop: Hop) -> str:
    value = field.value(hop)
    text = "-" if value is None else f"{value:.{field.digits}f}"
    if field is FIELDS["L"] and text != "100.0":
        # as mtr has it: the column has no room for the sign of a whole loss
        text += "%"
    return f" {text:>{field.width - 1}}"
