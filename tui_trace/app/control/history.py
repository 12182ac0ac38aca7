"""The past of a session, read from its recording while it goes on. Knows nothing of Textual."""

import threading
from collections.abc import Callable
from pathlib import Path

from tui_trace.core.durations import format_duration
from tui_trace.core.events import Note
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import Source
from tui_trace.recording import Playback, RecordedSource, Recording
from tui_trace.recording.errors import RecordingError
from tui_trace.session.snapshot import Snapshot, Timeline

_EMPTY = Timeline(NS_PER_S, (), ())


class SessionHistory:
    """Moments of one source, fetched in a thread; only the last one asked for counts."""

    def __init__(self, source: Source, arrived: Callable[[Snapshot | str], object]) -> None:
        """`arrived` gets, in another thread, a snapshot or one line that says why there is none."""
        self.playback = source if isinstance(source, Playback) else None
        self._source = source
        self._arrived = arrived
        self._lock = threading.Lock()
        self._wanted: int | None = None
        self._busy = False
        self._recording: Recording | None = None
        self._whole: Timeline | None = None
        if self.playback is not None:
            self.playback.on_note = self._noted
            threading.Thread(target=self._read_whole, args=(self.playback,), daemon=True).start()

    @property
    def why_not(self) -> str | None:
        """Why there is no past to go to; None if there is."""
        if self.playback is not None:
            return None
        if not isinstance(self._source, RecordedSource):
            return "this session is not recorded: there is no past to go to"
        return None if self.file else "nothing is recorded just now"

    @property
    def file(self) -> Path | None:
        """Where all events are, if they are kept."""
        if self.playback is not None:
            return self.playback.recording.path
        return self._source.path if isinstance(self._source, RecordedSource) else None

    def timeline(self, last: Snapshot | None) -> Timeline:
        """Of the whole session: a recording's to its end, else as it was at `last`."""
        return self._whole or (last.timeline if last is not None else _EMPTY)

    def fetch(self, at: int) -> None:
        """The session as it was at `at` (ns) is wanted."""
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
        """Let go of the file."""
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
                raise RecordingError("nothing is recorded just now")
            self._recording = Recording(self.file)
        return self._recording.snapshot(at)

    def _noted(self, note: Note, why_not: str | None) -> None:
        if why_not is not None:
            self._arrived(f"not noted: {why_not}")
        elif self.playback is not None:
            self._read_whole(self.playback)
            self._arrived(f"noted at {format_duration(note.moment)}, in the file")

    def _read_whole(self, playback: Playback) -> None:
        try:
            self._whole = playback.recording.snapshot(playback.end).timeline
        except RecordingError as error:
            self._arrived(str(error))


def next_moment(timeline: Timeline, at: int, direction: int) -> int | None:
    """When something happened after (1) or before (-1) `at`; None if nothing did."""
    times = [moment.at for moment in timeline.moments]
    if direction > 0:
        return min((time for time in times if time > at), default=None)
    return max((time for time in times if time < at), default=None)
