"""The past of a session, read from its recording while it goes on."""

import threading
from collections.abc import Callable
from pathlib import Path

from tui_trace.core.durations import format_duration
from tui_trace.core.events import Note
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.source_filter import find_source
from tui_trace.core.stream import Source
from tui_trace.recording import Playback, RecordedSource, Recording
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.redacted_source import RedactedSource
from tui_trace.redaction.redactor import Redactor
from tui_trace.session.snapshot import Snapshot, Timeline

_EMPTY = Timeline(NS_PER_S, (), ())


class SessionHistory:
    """Reads moments of one source's past in a thread; only the newest request counts."""

    def __init__(self, source: Source, arrived: Callable[[Snapshot | str], object]) -> None:
        """`arrived` gets, in another thread, a snapshot or one line that says why there is none."""
        self.playback = source if isinstance(source, Playback) else None
        self._recorded = find_source(source, RecordedSource)
        self._redacted = find_source(source, RedactedSource)
        self._arrived = arrived
        self._lock = threading.Lock()
        self._wanted: int | None = None
        self._busy = False
        self._recording: Recording | None = None
        self.whole: Timeline | None = None
        """The timeline of a recording to its end; None until it is read, and in a live session."""
        if self.playback is not None:
            self.playback.on_note = self._noted
            threading.Thread(target=self._read_whole, args=(self.playback,), daemon=True).start()

    @property
    def why_not(self) -> str | None:
        """Why earlier moments cannot be shown; None if they can."""
        if self.playback is not None:
            return None
        if self._recorded is None:
            return "this session is not recorded: earlier moments cannot be shown"
        return None if self.file else "nothing is being recorded now"

    @property
    def file(self) -> Path | None:
        """The file with all events; None if there is none."""
        if self.playback is not None:
            return self.playback.recording.path
        return self._recorded.path if self._recorded is not None else None

    @property
    def redactor(self) -> Redactor | None:
        """What hides a part of the file's events; None: all are shown."""
        if self.playback is not None:
            return self.playback.recording.redactor
        return self._redacted.redactor if self._redacted is not None else None

    def timeline(self, last: Snapshot | None) -> Timeline:
        """Return the timeline: of a recording, to its end; else as it was at `last`."""
        if self.playback is not None and self.playback.is_attached and last is not None:
            self.whole = last.timeline
        return self.whole or (last.timeline if last is not None else _EMPTY)

    def fetch(self, at: int) -> None:
        """Read the session as it was at `at` (ns)."""
        if self.playback is not None:
            self.playback.seek(at)
            return
        with self._lock:
            self._wanted = at
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        """Close the recording."""
        with self._lock:
            self._wanted = None
            if self._recording is not None and not self._busy:
                self._recording.close()
                self._recording = None

    def _work(self) -> None:
        while True:
            with self._lock:
                at, self._wanted = self._wanted, None
                if at is None:
                    self._busy = False
                    return
            try:
                found: Snapshot | str = self._read(at)
            except RecordingError as error:
                found = str(error)
            self._arrived(found)

    def _read(self, at: int) -> Snapshot:
        if self._recording is None:
            if self.file is None:
                raise RecordingError("nothing is being recorded now")
            self._recording = Recording(self.file, self.redactor)
        return self._recording.snapshot(at)

    def _noted(self, note: Note, why_not: str | None) -> None:
        if why_not is not None:
            self._arrived(f"note not saved: {why_not}")
        elif self.playback is not None:
            self._read_whole(self.playback)
            self._arrived(f"noted at {format_duration(note.moment)}, in the recording")

    def _read_whole(self, playback: Playback) -> None:
        try:
            self.whole = playback.recording.snapshot(playback.end).timeline
        except RecordingError as error:
            self._arrived(str(error))


def next_moment(timeline: Timeline, at: int, direction: int) -> int | None:
    """Return when the next (1) or previous (-1) event of `at` was, in ns; None if there is none."""
    times = [moment.at for moment in timeline.moments]
    if direction > 0:
        return min((time for time in times if time > at), default=None)
    return max((time for time in times if time < at), default=None)
