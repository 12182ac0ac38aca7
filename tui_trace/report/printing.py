"""From a source to standard output: one sink for each kind of report."""

import sys

import msgspec

from tui_trace.report import markdown, mtr_csv, mtr_json, text
from tui_trace.report.collector import Collector
from tui_trace.report.fields import Layout
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.progress import Progress
from tui_trace.source import Sink, Source
from tui_trace.stopping import Stopping

RENDERERS = {
    "text": text.render,
    "json": mtr_json.render,
    "csv": mtr_csv.render,
    "markdown": markdown.render,
}


FOR_PROGRAMS = ("json", "csv")
"""Kinds that are UTF-8 in every locale (RFC 8259 §8.1); the others are in the user's encoding."""


class Report(msgspec.Struct, frozen=True):
    """What is printed, and how."""

    kind: str
    """One of `RENDERERS`, or `lines` for the stream itself."""
    layout: Layout = Layout()


def printed(source: Source, report: Report) -> None:
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
