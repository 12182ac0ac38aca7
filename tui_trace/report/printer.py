"""The reports, and the run of a source that ends with one on standard output."""

import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
from msgspec.structs import replace

from tui_trace.core.running import run_together
from tui_trace.core.stopping import Stopping
from tui_trace.core.stream import Sink, Source, SourceError
from tui_trace.report import html_style
from tui_trace.report.collector import Collector
from tui_trace.report.finding_lines import is_fine
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.progress import Progress
from tui_trace.session.joint_findings import find_joint, with_joint
from tui_trace.session.snapshot import Run, Snapshot


class ReportKind(NamedTuple):
    """A report that is printed once the source has ended."""

    render: Callable[[Snapshot, ReportLayout, Sequence[Run]], str]
    """Returns the whole text; the last argument is all runs of the session."""
    for_programs: bool = False
    """The text is UTF-8 in every locale (RFC 8259 §8.1); else it is in the user's encoding."""
    together: Callable[[Sequence[Snapshot], ReportLayout], str] | None = None
    """Returns what stands behind the texts of several sessions: what they say together."""
    there_and_back: Callable[[Sequence[Snapshot], ReportLayout], str] | None = None
    """The same of the way to a place and the way back."""
    separator: str = "\n"
    """What stands between the texts of several sessions."""
    brackets: tuple[str, str] = ("", "")
    """What stands around several texts."""


def _imported(module: str, function: str) -> Callable[..., str]:
    """Return a function of a module of this package that is imported when it is called.

    One report is printed, and a start should not pay for the others.
    """

    def call(*arguments: object) -> str:
        found = getattr(importlib.import_module(f"tui_trace.report.{module}"), function)
        return str(found(*arguments))

    return call


_render_whole = _imported("mtr_text", "render_text")
_render_stretch = _imported("stretch_text", "render_stretch")


def _render_text(snapshot: Snapshot, layout: ReportLayout, runs: Sequence[Run] = ()) -> str:
    render = _render_whole if snapshot.stretch is None else _render_stretch
    return render(snapshot, layout, runs)


REPORTS = {
    "text": ReportKind(
        _render_text,
        together=_imported("vantage_table", "render_together"),
        there_and_back=_imported("there_and_back_text", "render_there_and_back"),
    ),
    "json": ReportKind(
        _imported("mtr_json", "render_json"),
        for_programs=True,
        separator=",\n",
        brackets=("[\n", "]\n"),
    ),
    "csv": ReportKind(_imported("mtr_csv", "render_csv"), for_programs=True, separator=""),
    "markdown": ReportKind(
        _imported("markdown", "render_markdown"),
        together=_imported("markdown", "render_together"),
        there_and_back=_imported("markdown", "render_both_ways"),
    ),
    "html": ReportKind(
        _imported("html", "render_html"),
        for_programs=True,
        brackets=(html_style.HEAD, html_style.FOOT),
    ),
}
"""Every report by its name, which is the value of `options.output.Output`."""


class Report(msgspec.Struct, frozen=True):
    """The kind and the layout of what is printed."""

    kind: str
    """One of `REPORTS`, or `lines` for the stream itself."""
    layout: ReportLayout = ReportLayout()
    graph: Path | None = None
    """A new file for the ways as a graph; None: no file."""
    reverse: bool = False
    """Two sessions are the way to a place, and the way back."""
    during: Callable[[Source, Snapshot], tuple[Run | None, ...]] | None = None
    """What was measured during each episode of a source's session; None: that is not shown."""

    def text(self, source: Source, snapshot: Snapshot, runs: Sequence[Run]) -> str:
        """Return the text for the session of this source."""
        if self.during is not None:
            snapshot = replace(snapshot, during=self.during(source, snapshot))
        return REPORTS[self.kind].render(snapshot, self.layout, runs)


def print_report(source: Source, report: Report) -> bool:
    """Run the source, then print the report; blocks. `OSError` if it cannot be written.

    Return whether the target was reached and nothing harmful is certain.
    SIGINT, SIGTERM and SIGHUP end it in order: what was measured is printed.
    """
    return print_reports((source,), report, source.stop)


def print_together(
    sources: Sequence[Source], report: Report, failed: Callable[[str], object]
) -> bool:
    """Run the sources at the same time, then print their reports, one after another; blocks.

    `failed` gets a line on each that cannot be probed. Return whether all others are fine; see
    `print_report`.
    """

    def stop() -> None:
        for source in sources:
            source.stop()

    is_lines = report.kind == "lines"
    sinks: list[JsonLines | Collector] = [
        JsonLines(sys.stdout.buffer, stop, number) if is_lines else Collector()
        for number, _ in enumerate(sources, 1)
    ]
    shown: list[Sink] = list(sinks)
    if sys.stderr.isatty() and not is_lines:
        # it began last
        shown[-1] = Progress(shown[-1], sys.stderr)
    with Stopping(lambda _: stop()):
        failures = run_together(zip(sources, shown, strict=True))
    for error in failures.values():
        failed(str(error))
    done = [sink for source, sink in zip(sources, sinks, strict=True) if source not in failures]
    broken = [sink.failure for sink in done if isinstance(sink, JsonLines) and sink.failure]
    if broken:
        raise broken[0]
    collected = {
        source: sink
        for source, sink in zip(sources, sinks, strict=True)
        if source not in failures and isinstance(sink, Collector)
    }
    if collected:
        kind = REPORTS[report.kind]
        with _Texts(kind) as texts:
            alone = [one.snapshot() for one in collected.values()]
            found = find_joint(alone)
            snapshots = [with_joint(one, found) for one in alone]
            for snapshot, (source, one) in zip(snapshots, collected.items(), strict=True):
                texts.add(report.text(source, snapshot, one.runs()))
            together = kind.there_and_back if report.reverse else kind.together
            text = together(snapshots, report.layout) if together is not None else ""
            if text:
                texts.add(text)
    return all(is_fine(sink.snapshot()) for sink in done)


def print_reports(sources: Iterable[Source], report: Report, stop: Callable[[], object]) -> bool:
    """Run one source after another, and print a report of each, as `print_report` does.

    Of several, JSON is a list of what one gives. `stop` ends the source that runs, and the
    iterator. Return whether all is fine everywhere.
    """
    fine = True
    stopped = False

    def end(_: int) -> None:
        nonlocal stopped
        stopped = True
        stop()

    with Stopping(end), _Texts(REPORTS.get(report.kind)) as texts:
        for number, source in enumerate(sources):
            if number and stopped:
                break
            if number and report.graph is not None:
                raise SourceError("--dot writes the ways of one session; here are several")
            fine = _print(source, report, texts) and fine
    return fine


class _Texts:
    """A context in which one text is printed as it is, and several as their kind joins them."""

    def __init__(self, kind: ReportKind | None) -> None:
        """None: the stream itself is printed, and no text."""
        self._kind = kind or ReportKind(_render_text)
        self._count = 0
        self._held = ""

    def __enter__(self) -> Self:
        return self

    def add(self, text: str) -> None:
        """Print a text; the first one waits for the second, or for the end."""
        self._count += 1
        if self._count == 1:
            self._held = text
            return
        if self._count == 2:
            self._write(self._kind.brackets[0] + self._joined(self._held))
        self._write(self._kind.separator + self._joined(text))

    def __exit__(self, *_: object) -> None:
        """Print what is left."""
        if self._count:
            last = self._kind.brackets[1] and "\n" + self._kind.brackets[1]
            self._write(self._held if self._count == 1 else last)

    def _joined(self, text: str) -> str:
        begin, end = self._kind.brackets
        return text.removeprefix(begin).removesuffix(end).rstrip("\n") if begin else text

    def _write(self, text: str) -> None:
        write(text, for_programs=self._kind.for_programs)


def _print(source: Source, report: Report, texts: _Texts) -> bool:
    if report.kind == "lines":
        lines = JsonLines(sys.stdout.buffer, source.stop)
        source.run(lines)
        if lines.failure is not None:
            raise lines.failure
        return _finish(lines.snapshot(), report)
    collector = Collector()
    sink: Sink = collector
    if sys.stderr.isatty():
        sink = Progress(collector, sys.stderr)
    source.run(sink)
    snapshot = collector.snapshot()
    texts.add(report.text(source, snapshot, collector.runs()))
    return _finish(snapshot, report)


def print_snapshot(snapshot: Snapshot, runs: Sequence[Run], report: Report) -> bool:
    """Print a report of a session that is folded already; return whether all is fine."""
    kind = REPORTS[report.kind]
    write(kind.render(snapshot, report.layout, runs), for_programs=kind.for_programs)
    return _finish(snapshot, report)


def _finish(snapshot: Snapshot, report: Report) -> bool:
    """Write the graph, if it was asked for; return whether all is fine."""
    if report.graph is not None:
        from tui_trace.report.way_report import way_graph

        with report.graph.open("x", encoding="utf-8") as file:
            file.write(way_graph(snapshot))
    return is_fine(snapshot)


def write(text: str, *, for_programs: bool = False) -> None:
    """Print a text, in UTF-8 if it is `for_programs`; `OSError` if it cannot be written."""
    if for_programs:
        sys.stdout.buffer.write(text.encode())
    else:
        sys.stdout.write(text)
    sys.stdout.flush()
