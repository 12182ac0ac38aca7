"""Files with results of other programs, and what they become."""

from pathlib import Path

from tests.helpers.places import ROOT
from tui_trace.core.events import Event
from tui_trace.report.collector import Collector
from tui_trace.results.detect import read_sessions
from tui_trace.results.result_input import ResultInput
from tui_trace.results.result_source import ResultSource
from tui_trace.session.snapshot import Snapshot

FOLDER = ROOT / "tests" / "data" / "results"
"""Of mtr 0.95 and scamper on routers in namespaces; `atlas.json` from the public format."""


def sessions_of(path: Path) -> list[list[Event]]:
    """All events of each session."""
    with ResultInput(str(path)) as source:
        return [list(events) for events in read_sessions(source)]


def snapshots_of(path: Path) -> list[Snapshot]:
    """The end of each session, by the source that reports use."""
    found = []
    with ResultInput(str(path)) as source:
        for events in read_sessions(source):
            collector = Collector()
            ResultSource(source.name, events, source.stop).run(collector)
            collector.runs()
            found.append(collector.snapshot())
    return found
