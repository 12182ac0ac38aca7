"""`--markdown`: the report as a table for tickets (GitHub Flavored Markdown)."""

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.report.formatting import (
    ABOUT,
    all_ip_info,
    began,
    describe_probe,
    format_notes,
    hostname,
    hosts,
    notes_text,
    probed,
    run_troubles,
    session_troubles,
)
from tui_trace.report.mtr_fields import ReportLayout, chosen
from tui_trace.report.run_summary import how_far, others, probing, verdicts
from tui_trace.session.snapshot import Hop, Run, Snapshot

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@^=\"'])")


def render_markdown(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Every run that sent anything as a table, at any moment; times in ms. No text is markup.

    Of several runs, what sets them apart stands above. Without `runs`, the one in force.
    """
    start = began(snapshot).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    shown = probing(runs)
    if snapshot.earlier and shown:
        count = f", {len(shown)} runs" if len(shown) > 1 else ""
        lines = [f"{_plain(hostname())} → {_plain(probed(snapshot))}, {start}{count}"]
        if told := verdicts(shown):
            lines += ["", *(f"- {_plain(sentence)}" for sentence in told)]
        for run in shown:
            settings = describe_settings(run.settings, snapshot.family)
            words = f"Run {run.number}: {settings}; {how_far(run)}"
            lines += ["", f"**{_plain(sanitize(words))}**", ""]
            lines += _table(replace(snapshot, run=run), layout)
            lines += [f"\n{_plain(text)}" for text in run_troubles(run)]
    else:
        lines = [f"{_plain(hostname())} → {_plain(describe_probe(snapshot))}, {start}", ""]
        lines += _table(snapshot, layout)
        below = [*others(snapshot, runs), *run_troubles(snapshot.run)]
        lines += [f"\n{_plain(text)}" for text in below]
    lines += [
        f"\n{_plain(text)}" for text in (*session_troubles(snapshot), *format_notes(snapshot))
    ]
    return "\n".join(lines) + "\n"


def _table(snapshot: Snapshot, layout: ReportLayout) -> list[str]:
    about = [ABOUT[layout.about].title] if layout.about is not None else []
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
        yield f"{field.value(hop):.{field.digits}f}{percent}"
    yield _plain(notes_text(hop))


def _line(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
