"""From a source to standard output: one sink for each kind of report."""

import os
import sys

import msgspec

from tui_trace.report import markdown, mtr_csv, mtr_json, text
from tui_trace.report.collector import Collector
from tui_trace.report.fields import Layout
from tui_trace.report.jsonl import JsonLines
from tui_trace.report.progress import Progress
from tui_trace.source import Sink, Source, SourceError
from tui_trace.stopping import Stopping

RENDERERS = {
    "text": text.render,
    "json": mtr_json.render,
    "csv": mtr_csv.render,
    "markdown": markdown.render,
}


class Report(msgspec.Struct, frozen=True):
    """What is printed, and how."""

    kind: str
    """One of `RENDERERS`, or `lines` for the stream itself."""
    layout: Layout = Layout()


def printed(source: Source, report: Report) -> None:
    """Run the source and print; blocks. `SourceError` if nothing can be written.

    SIGINT, SIGTERM and SIGHUP end it in order: what was measured is printed.
    """
    with Stopping(lambda _: source.stop()):
        _print(source, report)


def _print(source: Source, report: Report) -> None:
    if report.kind == "lines":
        lines = JsonLines(sys.stdout.buffer, source.stop)
        source.run(lines)
        if lines.failure is not None:
            raise _unwritten(lines.failure)
        return
    collector = Collector()
    sink: Sink = collector
    if sys.stderr.isatty():
        sink = Progress(collector, sys.stderr)
    source.run(sink)
    write(RENDERERS[report.kind](collector.snapshot(), report.layout, collector.runs()))


def write(shown: str) -> None:
    """Print a text; a reader that went away is nobody's trouble, all else is a `SourceError`."""
    try:
        sys.stdout.write(shown)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise _unwritten(error) from error


def _unwritten(error: OSError) -> SourceError:
    return SourceError(f"cannot write: {error.strerror}")
