"""`--html`: the report as one file for a ticket, which loads nothing and runs nothing.

The document is built as a tree by `xml.etree`, whose serialiser escapes every text: there is no
place where text from outside could become markup.
"""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.report.finding_lines import cut_words, dated_clock, state_lines
from tui_trace.report.formatting import (
    IP_INFO,
    all_ip_info,
    describe_probe,
    format_notes,
    hostname,
    hosts,
    probed,
)
from tui_trace.report.hop_notes import full_notes
from tui_trace.report.html_strip import strip_svg
from tui_trace.report.html_style import FOOT, HEAD
from tui_trace.report.mtr_fields import ReportLayout, chosen
from tui_trace.report.path_tables import HEAD as PATH_HEAD
from tui_trace.report.path_tables import path_tables
from tui_trace.report.run_summary import describe_progress, other_runs, probed_runs, run_differences
from tui_trace.report.stretch_text import path_lines, stretch_span, target_figures
from tui_trace.report.way_report import way_tables
from tui_trace.session.data_warnings import run_warnings, session_warnings
from tui_trace.session.finding import Episode
from tui_trace.session.finding_text import describe_episode
from tui_trace.session.snapshot import Hop, Run, Snapshot
from tui_trace.session.way_text import describe_ways

_BAD_LOSS = 1.0
"""Percent from which on a loss stands out."""


def render_html(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    """Return a document with figures, time strip, a table at each episode, and all tables."""
    page = ET.Element("main")
    _add(page, "h1", f"{hostname(snapshot)} → {probed(snapshot)}")
    _add(page, "p", describe_probe(snapshot))
    _add(page, "p", stretch_span(snapshot))
    _add(page, "p", target_figures(snapshot.run))
    strip = strip_svg(snapshot)
    if strip is not None:
        page.append(strip)
    _episodes(page, snapshot, layout)
    _runs(page, snapshot, layout, runs)
    _paths(page, snapshot, layout, runs)
    _ways(page, snapshot)
    _notes(page, snapshot)
    _add(page, "footer", f"tui-trace {snapshot.version}; RTTs in ms")
    ET.indent(page, space="")
    return f"{HEAD}{ET.tostring(page, encoding='unicode', method='html')}\n{FOOT}"


def _add(parent: ET.Element, tag: str, text: str = "", kind: str = "") -> ET.Element:
    """Add an element with a text, made harmless, and return it."""
    element = ET.SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = sanitize(text, MESSAGE_LIMIT)
    return element


def _episodes(page: ET.Element, snapshot: Snapshot, layout: ReportLayout) -> None:
    count = len(snapshot.episodes)
    _add(page, "h2", f"Episodes: {count}" if count else "No episode")
    if not count:
        _add(page, "p", "Nothing was seen to be wrong, and the path did not move.")
    during = snapshot.during or (None,) * count
    for number, (episode, run) in enumerate(zip(snapshot.episodes, during, strict=True), 1):
        _episode(page, snapshot, number, episode, run=run, layout=layout)
    for line in state_lines(snapshot):
        _add(page, "p", line)


def _episode(
    page: ET.Element,
    snapshot: Snapshot,
    number: int,
    episode: Episode,
    *,
    run: Run | None,
    layout: ReportLayout,
) -> None:
    finding = episode.finding
    section = _add(page, "section", kind="episode harm" if finding.harm else "episode")
    told = describe_episode(episode, dated_clock(snapshot))
    _add(section, "h3", f"{number}. {told}{cut_words(snapshot, episode)}")
    where = f"hop {finding.hop}" if finding.hop is not None else "the whole path"
    _add(section, "p", f"{finding.kind}, {finding.sure}, {where}", "dim")
    if run is not None:
        _table(section, snapshot, run, layout, "What was measured meanwhile")


def _runs(page: ET.Element, snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run]) -> None:
    shown = probed_runs(runs) if snapshot.earlier else []
    _add(page, "h2", "All of it" if snapshot.episodes else "Hops")
    if not shown:
        _table(page, snapshot, snapshot.run, layout, "")
        for line in (*other_runs(snapshot, runs), *run_warnings(snapshot.run)):
            _add(page, "p", line)
        return
    for sentence in run_differences(shown):
        _add(page, "p", sentence)
    for run in shown:
        settings = describe_settings(run.settings, snapshot.family)
        caption = f"Run {run.number}: {settings}; {describe_progress(run)}"
        _table(page, snapshot, run, layout, caption)
        for line in run_warnings(run):
            _add(page, "p", line)


def _table(
    parent: ET.Element, snapshot: Snapshot, run: Run, layout: ReportLayout, caption: str
) -> None:
    about = [] if layout.about is None else [IP_INFO[layout.about].title]
    fields = chosen(layout)
    table = ET.SubElement(_add(parent, "div", kind="scroll"), "table")
    if caption:
        _add(table, "caption", caption)
    head = _add(table, "tr")
    for title in ("#", *about):
        _add(head, "th", title)
    _add(head, "th", "Host", "host")
    for field in fields:
        _add(head, "th", field.title)
    _add(head, "th", "Notes", "notes")
    for hop in run.hops:
        row = _add(table, "tr")
        _add(row, "td", str(hop.ttl))
        if layout.about is not None:
            _lines(row, all_ip_info(snapshot, hop, layout.about), "")
        _lines(row, hosts(snapshot, hop, layout), "host")
        for title, text in _values(hop, layout):
            is_bad = title == "Loss%" and (hop.loss_percent or 0.0) >= _BAD_LOSS
            _add(row, "td", text, "bad" if is_bad else "")
        _add(row, "td", full_notes(hop), "notes")


def _values(hop: Hop, layout: ReportLayout) -> Iterator[tuple[str, str]]:
    for field in chosen(layout):
        value = field.value(hop)
        percent = "%" if field.title.endswith("%") else ""
        yield field.title, "" if value is None else f"{value:.{field.digits}f}{percent}"


def _lines(row: ET.Element, texts: Sequence[str], kind: str) -> None:
    cell = _add(row, "td", texts[0], kind)
    for text in texts[1:]:
        ET.SubElement(cell, "br").tail = sanitize(text)


def _paths(page: ET.Element, snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run]) -> None:
    lines = list(path_lines(snapshot, layout))
    if lines:
        _add(page, "h2", "Paths")
    for line in lines:
        _add(page, "p", line)
    for heading, rows in path_tables(snapshot, runs, layout):
        _plain_table(page, heading, PATH_HEAD, rows)


def _ways(page: ET.Element, snapshot: Snapshot) -> None:
    search = snapshot.ways.latest
    if search is None:
        return
    _add(page, "h2", f"Ways by {describe_settings(search.settings, snapshot.family)}")
    for sentence in describe_ways(snapshot.ways):
        _add(page, "p", sentence)
    for head, rows in way_tables(search):
        _plain_table(page, "", head, rows)


def _plain_table(
    page: ET.Element, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = ET.SubElement(_add(page, "div", kind="scroll"), "table")
    if caption:
        _add(table, "caption", caption)
    for tag, cells in (("th", head), *(("td", row) for row in rows)):
        row = _add(table, "tr")
        for place, cell in enumerate(cells):
            _add(row, tag, cell, "host" if place == 1 else "")


def _notes(page: ET.Element, snapshot: Snapshot) -> None:
    lines = [*format_notes(snapshot), *session_warnings(snapshot)]
    if lines:
        _add(page, "h2", "Notes")
    for line in lines:
        _add(page, "p", line)
