"""A table for each path of a run that took several, in reports for people."""

from collections.abc import Iterator, Sequence

from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.finding_lines import dated_clock
from tui_trace.report.formatting import SILENT
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.path_figures import PathFigures, PathRow, figures_by_path
from tui_trace.session.snapshot import Run, Snapshot

HEAD = ("#", "Host", "Loss%", "Snt", "Best", "Avg", "Wrst")
_HOST = 32


def path_tables(
    snapshot: Snapshot, runs: Sequence[Run], layout: ReportLayout
) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Return, for each path of the run in force, a heading and its rows with the cells of `HEAD`.

    Nothing if it took one path only, or if `runs`, all of the session, are not given.
    """
    run = next((run for run in runs if run.number == snapshot.run.number), None)
    labels = HostLabels(snapshot.who, layout.label_mode)
    for figures in figures_by_path(snapshot, run) if run is not None else ():
        yield _heading(snapshot, figures), [_cells(row, labels) for row in figures.rows]


def path_lines(snapshot: Snapshot, runs: Sequence[Run], layout: ReportLayout) -> Iterator[str]:
    """Return the tables as lines of text."""
    for heading, rows in path_tables(snapshot, runs, layout):
        yield heading
        width = max([_HOST, *(len(row[1]) for row in rows)])
        for number, host, *figures in rows:
            yield f"{number:>3}.  {host:{width}}" + "".join(f"{text:>8}" for text in figures)


def _heading(snapshot: Snapshot, figures: PathFigures) -> str:
    clock = dated_clock(snapshot)
    visits = [v for v in figures.path.visits if v.run == snapshot.run.number]
    spans = ", ".join(f"{clock(v.since)}–{clock(v.until)[11:]}" for v in visits[-3:])
    more = "… " if len(visits) > 3 else ""
    return f"Path {figures.path.letter}, {figures.rounds} rounds, {more}{spans}:"


def _cells(row: PathRow, labels: HostLabels) -> tuple[str, ...]:
    host = ", ".join(labels.host(address) for address in row.hop.addresses[:3]) or SILENT
    loss = "" if row.loss_percent is None else f"{row.loss_percent:.1f}%"
    times = ("" if ns is None else f"{ns / NS_PER_MS:.1f}" for ns in (row.min, row.mean, row.max))
    return (str(row.hop.ttl), host, loss, str(row.decided), *times)
