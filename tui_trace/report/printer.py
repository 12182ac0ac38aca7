"""From a source to standard output: one sink for each kind of report."""

import sys

import msgspec

from tui_trace.core.stopping import Stopping
from tui_trace.core.stream import Sink, Source
from tui_trace.report import markdown, mtr_csv, mtr_json, mtr_text
from tui_trace.report.collector import Collector
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.progress import Progress

RENDERERS = {
    "text": mtr_text.render_text,
    "json": mtr_json.render_json,
    "csv": mtr_csv.render_csv,
    "markdown": markdown.render_markdown,
}


FOR_PROGRAMS = ("json", "csv")
"""Kinds that are UTF-8 in every locale (RFC 8259 §8.1); the others are in the user's encoding."""


class Report(msgspec.Struct, frozen=True):
    """What is printed, and how."""

    kind: str
    """One of `RENDERERS`, or `lines` for the stream itself."""
    layout: ReportLayout = ReportLayout()


def print_report(source: Source, report: Report) -> None:
    """Run the source and print; blocks. `OSError` if nothing can be written.

    SIGINT, SIGTERM and SIGHUP end it in order: what was measured is printed.
    """
    with Stopping(lambda _: source.stop()):
        _print(source, report)


def _print(source: Source, report: Report) -> None:
    if report.kind == "lines":
        lines = JsonLines(sys.stdout.buffer, source.stop)
        source.run(lines)
        if lines.failure is not None:
            raise lines.failure
        return
    collector = Collector()
    sink: Sink = collector
    if sys.stderr.isatty():
        sink = Progress(collector, sys.stderr)
    source.run(sink)
    shown = RENDERERS[report.kind](collector.snapshot(), report.layout, collector.runs())
    write(shown, for_programs=report.kind in FOR_PROGRAMS)


def write(shown: str, *, for_programs: bool = False) -> None:
    """Print a text, in UTF-8 if it is `for_programs`; `OSError` if it cannot be written."""
    if for_programs:
        sys.stdout.buffer.write(shown.encode())
    else:
        sys.stdout.write(shown)
    sys.stdout.flush()
