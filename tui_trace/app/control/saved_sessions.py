"""Other sessions to compare with: recordings, and what other programs measured."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tui_trace.app.render.saved_session_lines import ListedSession
from tui_trace.core import error_messages
from tui_trace.core.bounded_files import error_reason, read_start
from tui_trace.core.durations import local_minute
from tui_trace.core.events import Event, SessionBegan
from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.core.stream import SourceError
from tui_trace.recording import (
    Recording,
    RecordingError,
    SessionInfo,
    find_recording,
    list_sessions,
)
from tui_trace.redaction.redactor import Redactor
from tui_trace.report.collector import Collector
from tui_trace.report.run_summary import probed_runs
from tui_trace.results.rounds import same_address
from tui_trace.session.run_origin import Origin, target_drift
from tui_trace.session.snapshot import AddressInfo, Run, Snapshot

if TYPE_CHECKING:
    from tui_trace.results.result_input import ResultInput

MOST_LISTED = 200
"""Recordings of a list, those of the same target first."""
MOST_SESSIONS = 8
"""Sessions of one file that are read: the first of the same target."""
_EVENTS_IN_A_ROW = 64
_REST = 0.0005
"""Seconds between two rows of events."""
_HEAD = 4096
"""Bytes in which the first one that is no space stands."""


class SavedSession(NamedTuple):
    """A session that was read whole."""

    origin: Origin
    runs: tuple[Run, ...]
    """Those that sent a probe, with their outcomes; one at least."""
    who: dict[str, AddressInfo]


Listed: TypeAlias = tuple[ListedSession, ...]
Found: TypeAlias = tuple[SavedSession, ...] | str
"""What was read, or one line that says why it was not."""


def origin_of(snapshot: Snapshot, name: str, runs: int) -> Origin:
    """Return the session as the origin of its runs; `runs` is how many of them probed."""
    return Origin(
        name,
        snapshot.wall,
        snapshot.address,
        snapshot.vantage or snapshot.source,
        # of several runs the timeline mixes the RTTs
        target_drift(snapshot.timeline) if runs == 1 else 0.0,
    )


class SessionFile:
    """Reads one file; `stop`, from any thread, ends that soon."""

    def __init__(self, name: str, redactor: Redactor | None = None) -> None:
        """`name` is a path, or the name of a recorded session; for `redactor` see `Recording`."""
        self._name = name
        self._redactor = redactor
        self._stopping = False
        self._stop: Callable[[], object] = lambda: None

    def stop(self) -> None:
        """End soon; then `read` raises, or returns what nobody wants."""
        self._stopping = True
        self._stop()

    def read(self, target: Snapshot) -> tuple[SavedSession, ...]:
        """Return its sessions of this target, or else its first; `SourceError`, one line."""
        from tui_trace.results.detect import looks_like_results

        path = find_recording(os.path.expanduser(self._name))
        try:
            start = read_start(path, _HEAD)
        except OSError as error:
            raise RecordingError(f"{path}: {error_reason(error)}") from None
        read = self._results if looks_like_results(start) else self._recording
        told = [(one, probed_runs(one.runs())) for one in read(path, target)]
        found = [(one.snapshot(), tuple(runs)) for one, runs in told if runs]
        if not found:
            raise RecordingError(f"{path}: nothing was probed")
        return tuple(
            SavedSession(origin_of(end, name, len(runs)), runs, end.who)
            for name, (end, runs) in zip(
                _names([end for end, _ in found], path), found, strict=True
            )
        )

    def _recording(self, path: Path, _target: Snapshot) -> Iterator[Collector]:
        with Recording(path, self._redactor) as recording:
            self._may_stop(recording.close)
            collector = Collector()
            collector.restore(recording.session(recording.end))
            yield collector

    def _results(self, path: Path, target: Snapshot) -> Iterator[Collector]:
        from tui_trace.results.detect import read_sessions
        from tui_trace.results.result_input import ResultInput

        found: list[Collector] = []
        first: Collector | None = None
        with ResultInput(str(path)) as source:
            self._may_stop(source.stop)
            for events in read_sessions(source):
                began = next(events, None)
                is_same = isinstance(began, SessionBegan) and is_target(target, began)
                if began is None or not (is_same or first is None):
                    continue
                folded = _fold(source, _gently(chain((began,), events)), self._redactor)
                first = first or folded
                if is_same:
                    found.append(folded)
                if len(found) == MOST_SESSIONS:
                    break
        yield from found or filter(None, [first])

    def _may_stop(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        if self._stopping:
            stop()


def _fold(source: "ResultInput", events: Iterator[Event], redactor: Redactor | None) -> Collector:
    from tui_trace.recording.redacted_source import RedactedSource
    from tui_trace.results.result_source import ResultSource

    collector = Collector()
    if redactor is None:
        ResultSource(source.name, events, source.stop).run(collector)
    else:
        told = ResultSource(source.name, map(redactor.learnt, events), source.stop)
        RedactedSource(told, redactor).run(collector)
    return collector


def _gently(events: Iterator[Event]) -> Iterator[Event]:
    """Let other threads run often: waiting for this one, they would lose 5 ms each time."""
    for number, event in enumerate(events):
        if number % _EVENTS_IN_A_ROW == 0:
            time.sleep(_REST)
        yield event


def is_target(one: Snapshot, other: SessionBegan | SessionInfo) -> bool:
    """Return whether two sessions are of the same target, by its address or by its name."""
    return same_address(one.address, other.address) or one.target == other.target


def _names(ends: list[Snapshot], path: Path) -> Iterator[str]:
    names = [local_minute(end.wall) if end.wall else sanitize(path.name, 40) for end in ends]
    for end, name in zip(ends, names, strict=True):
        is_told = names.count(name) > 1 and end.vantage
        yield f"{name} from {sanitize(end.vantage, 40)}" if is_told else name


def list_saved(target: Snapshot, own: Path | None) -> Listed:
    """Return the usual recordings but this session's `own`: those of its target first, by time."""
    listed = [(is_target(target, one), one) for one in list_sessions() if one.path != own]
    ordered = sorted(listed, key=lambda one: (one[0], one[1].wall), reverse=True)
    return tuple(
        ListedSession(info, _probe_of(info.path), is_same)
        for is_same, info in ordered[:MOST_LISTED]
    )


def _probe_of(path: Path) -> str:
    try:
        with Recording(path) as recording:
            settings = recording.first_settings()
    except RecordingError:
        return ""
    return "" if settings is None else describe_protocol(settings)


class SavedSessions:
    """What was chosen to stand beside this session, and what can be; both are read in threads."""

    def __init__(self) -> None:
        """Begin without any."""
        self.chosen: tuple[SavedSession, ...] = ()
        self._reading: SessionFile | None = None

    def find(self, target: Snapshot, own: Path | None, arrived: Callable[[Listed], object]) -> None:
        """Look for recordings; `arrived` gets them, in another thread."""

        def work() -> None:
            try:
                arrived(list_saved(target, own))
            except OSError:
                arrived(())

        threading.Thread(target=work, daemon=True).start()

    def read(
        self,
        name: str,
        target: Snapshot,
        arrived: Callable[[Found], object],
        redactor: Redactor | None = None,
    ) -> None:
        """Read a file, or a recorded session by its name; only the newest request counts.

        `arrived` gets what was found, in another thread.
        """
        self.stop()
        file = self._reading = SessionFile(name, redactor)

        def work() -> None:
            try:
                found: Found = file.read(target)
            except SourceError as error:
                found = str(error)
            except Exception as error:
                found = f"not read: {error_messages.one_line(error)}"
            if self._reading is file:
                arrived(found)

        threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.stop()
