"""`--markdown`: the report as a table for tickets (GitHub Flavored Markdown)."""

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.report.finding_lines import finding_lines
from tui_trace.report.formatting import (
    IP_INFO,
    all_ip_info,
    began,
    describe_probe,
    format_notes,
    hostname,
    hosts,
    probed,
)
from tui_trace.report.hop_notes import full_notes
from tui_trace.report.mtr_fields import ReportLayout, chosen
from tui_trace.report.owner_lines import owner_lines
from tui_trace.report.path_tables import HEAD, path_tables
from tui_trace.report.run_summary import describe_progress, other_runs, probed_runs, run_differences
from tui_trace.report.there_and_back_text import render_there_and_back
from tui_trace.report.vantage_table import GROUP, joint_texts, vantage_table
from tui_trace.report.way_report import way_tables
from tui_trace.session.data_warnings import run_warnings, session_warnings
from tui_trace.session.last_minute import describe_window
from tui_trace.session.snapshot import Hop, Run, Snapshot
from tui_trace.session.vantages import vantage_groups
from tui_trace.session.way_text import describe_ways

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@^=\"'])")


_RULE = ["--:", ":--", *["--:"] * (len(HEAD) - 2)]


def render_markdown(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Return a table for every run that sent a probe; times in ms. No text from outside is markup.

    Of several runs, what sets them apart stands above. Without `runs`, the one in force.
    """
    start = began(snapshot, "%Y-%m-%d %H:%M:%S %z")
    shown = probed_runs(runs)
    if snapshot.earlier and shown:
        count = f", {len(shown)} runs" if len(shown) > 1 else ""
        lines = [f"{_plain(hostname(snapshot))} → {_plain(probed(snapshot))}, {start}{count}"]
        if sentences := run_differences(shown):
            lines += ["", *(f"- {_plain(sentence)}" for sentence in sentences)]
        for run in shown:
            settings = describe_settings(run.settings, snapshot.family)
            words = f"Run {run.number}: {settings}; {describe_progress(run)}"
            lines += ["", f"**{_plain(sanitize(words))}**", ""]
            if snapshot.window is not None and run.number == snapshot.run.number:
                lines += [f"Figures of the {describe_window(snapshot.window)}", ""]
            lines += _table(replace(snapshot, run=run), layout)
            lines += [f"\n{_plain(text)}" for text in run_warnings(run)]
    else:
        lines = [f"{_plain(hostname(snapshot))} → {_plain(describe_probe(snapshot))}, {start}", ""]
        if snapshot.window is not None:
            lines += [f"Figures of the {describe_window(snapshot.window)}", ""]
        lines += _table(snapshot, layout)
        below = [*other_runs(snapshot, runs), *run_warnings(snapshot.run)]
        lines += [f"\n{_plain(text)}" for text in below]
    lines += _ways(snapshot)
    for heading, rows in path_tables(snapshot, runs, layout):
        lines += ["", f"**{_plain(heading)}**", "", _line(list(HEAD)), _line(_RULE)]
        lines += [_line([_plain(cell) for cell in row]) for row in rows]
    if owners := list(owner_lines(snapshot)):
        lines += ["", *(f"- {_plain(text)}" for text in owners)]
    if said := list(finding_lines(snapshot)):
        lines += ["", *(f"- {_plain(text)}" for text in said)]
    lines += [
        f"\n{_plain(text)}" for text in (*session_warnings(snapshot), *format_notes(snapshot))
    ]
    return "\n".join(lines) + "\n"


def render_together(snapshots: Sequence[Snapshot], layout: ReportLayout) -> str:
    """Return what several sessions show together; empty: nothing."""
    lines: list[str] = []
    for group in vantage_groups(snapshots):
        table = vantage_table(group, layout.label_mode)
        titles = [
            title
            for name in table.names
            for title in (f"{_plain(name)} {_plain(GROUP[0])}", *GROUP[1:])
        ]
        lines += [f"**{_plain(table.heading)}**", "", _line(["Host", *titles])]
        lines += [_line([":--", *["--:"] * len(titles)])]
        for row in table.rows:
            cells = [text for one in row.cells for text in (one.ttl, one.loss, one.mean)]
            lines.append(_line([_plain(row.host), *cells]))
        lines.append("")
    lines += [f"- {_plain(text)}" for text in joint_texts(snapshots)]
    return "\n".join(lines) + "\n" if lines else ""


def render_both_ways(snapshots: Sequence[Snapshot], layout: ReportLayout) -> str:
    """Return the way to a place and the way back, side by side, as preformatted text."""
    text = render_there_and_back(snapshots, layout)
    return f"```text\n{text.replace('`', chr(39))}```\n" if text else ""


def _ways(snapshot: Snapshot) -> Iterator[str]:
    search = snapshot.ways.latest
    if search is None:
        return
    yield f"\n**Ways by {_plain(describe_settings(search.settings, snapshot.family))}**\n"
    yield from (f"- {_plain(sentence)}" for sentence in describe_ways(snapshot.ways))
    for head, rows in way_tables(search):
        yield f"\n{_line(head)}\n{_line(['--:', *[':--'] * (len(head) - 1)])}"
        yield from (_line([_plain(cell) for cell in row]) for row in rows)


def _table(snapshot: Snapshot, layout: ReportLayout) -> list[str]:
    about = [IP_INFO[layout.about].title] if layout.about is not None else []
    titles = [field.title for field in chosen(layout)]
    head = ["#", *about, "Host", *titles, "Notes"]
    rule = ["--:", *[":--"] * len(about), ":--", *["--:"] * len(titles), ":--"]
    rows = [_line(_row(snapshot, hop, layout)) for hop in snapshot.run.hops]
    return [_line(head), _line(rule), *rows]


def _row(snapshot: Snapshot, hop: Hop, layout: ReportLayout) -> Iterator[str]:
    yield str(hop.ttl)
    if layout.about is not None:
        yield "<br>".join(_plain(text) for text in all_ip_info(snapshot, hop, layout.about))
    yield "<br>".join(_plain(name) for name in hosts(snapshot, hop, layout))
    for field in chosen(layout):
        percent = "%" if field.title.endswith("%") else ""
        value = field.value(hop)
        yield "" if value is None else f"{value:.{field.digits}f}{percent}"
    yield _plain(full_notes(hop))


def _line(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
