"""The first session of a file of results as a recording, for the live view to move about in.

A file of our JSON lines may still grow: what is appended is recorded, too.
"""

import shutil
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from tui_trace.core.events import Event, Notice, SessionEnded
from tui_trace.recording import Playback, Recording, RecordingError, schema
from tui_trace.recording.writer import Recorder
from tui_trace.redaction.redactor import Redactor
from tui_trace.results.detect import read_sessions
from tui_trace.results.errors import ResultError
from tui_trace.results.result_input import ResultInput

_MAX_QUEUED = 50_000
"""Events that wait for the disk, beyond which reading waits."""
_PATIENCE = 10.0
"""Seconds that a file which goes on growing has to be on disk in."""
_TICK = 0.02
"""Seconds between two looks at a queue, or at a file."""


class TemporaryRecording:
    """A context in which the recording exists; `ResultError` if there is nothing to record."""

    def __init__(self, path: str, redactor: Redactor | None = None) -> None:
        """`path` is the file with the results; for `redactor` see `Recording`."""
        self._path = path
        self._redactor = redactor
        with ResultInput(path) as source:
            self._sessions = sum(1 for _ in read_sessions(source))
        self._source = ResultInput(path, follow=True)
        self._folder = Path(tempfile.mkdtemp(prefix="tui-trace-"))
        self._file = self._folder / "results.session"
        self._failure = ""
        self._handed_over = 0
        self._is_read = threading.Event()
        """Set when nothing more will be appended."""
        self._recorder = Recorder(lambda _: (self._file, schema.create(self._file)), self._fail)
        self._reader = threading.Thread(target=self._read, name="results", daemon=True)
        self._recording: Recording | None = None

    def __enter__(self) -> Recording:
        """Return the recording once it has all that the file has now."""
        self._reader.start()
        try:
            self._recording = self._opened()
        except BaseException:
            self._close()
            raise
        return self._recording

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the recording."""
        self._close()

    def _close(self) -> None:
        self._source.stop()
        self._reader.join()
        self._recorder.close()
        if self._recording is not None:
            self._recording.close()
        self._source.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _opened(self) -> Recording:
        while not (self._is_read.is_set() or self._source.caught_up.is_set()):
            time.sleep(_TICK)
        wanted = self._handed_over
        if self._is_read.is_set():
            # all of it is on disk then: what cannot be read now never can be
            self._recorder.close()
        end = time.monotonic() + (0 if self._is_read.is_set() else _PATIENCE)
        while True:
            recording, why_not = self._try_to_open(wanted)
            if recording is not None:
                return recording
            if self._failure or time.monotonic() >= end:
                raise ResultError(f"{self._source.name}: {self._failure or why_not}")
            time.sleep(_TICK)

    def _try_to_open(self, wanted: int) -> tuple[Recording | None, str]:
        """Return the recording if it has so many events, or else why there is none."""
        try:
            recording = Recording(self._file, self._redactor)
        except RecordingError as error:
            return None, str(error)
        try:
            if not self._failure and recording.info().events >= wanted:
                return recording, ""
        except RecordingError as error:
            recording.close()
            return None, str(error)
        recording.close()
        return None, "the disk is too slow"

    # --- in the reader's thread

    def _read(self) -> None:
        try:
            self._record_first()
        except ResultError as error:
            self._fail(str(error))
        finally:
            self._is_read.set()

    def _record_first(self) -> None:
        at = 0
        for events in read_sessions(self._source):
            for event in events:
                at = event.at
                self._hand_over(event)
                if isinstance(event, SessionEnded):
                    return
            # the next session began
            self._hand_over(Notice(at=at, text="another session follows in the file"))
            return

    def _hand_over(self, event: Event) -> None:
        self._recorder.event(event)
        self._handed_over += 1
        if self._handed_over == 1 and self._sessions > 1:
            several = f"the file has {self._sessions} sessions; this is the first (-r prints all)"
            self._hand_over(Notice(at=event.at, text=several))
        while self._recorder.queued > _MAX_QUEUED and not self._source.is_stopped:
            time.sleep(_TICK)

    def _fail(self, line: str) -> None:
        self._failure = self._failure or line


class ResultPlayback(Playback):
    """Plays a temporary recording."""

    def _keep_notes(self) -> None:
        while self._notes:
            self.on_note(self._notes.popleft(), "results of another program keep no notes")
