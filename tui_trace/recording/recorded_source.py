"""A source that records the stream of another source."""

import contextlib
import sqlite3
from pathlib import Path

from tui_trace.core.events import Event, Notice, SessionBegan
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Inject, Sink, Source
from tui_trace.recording import schema, sessions
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.rolling_recorder import RollingRecorder
from tui_trace.recording.sessions import DEFAULT_RETENTION, RetentionLimits
from tui_trace.recording.writer import Recorder


class RecordedSource(SourceFilter):
    """A source that records the stream of another source to a file."""

    def __init__(
        self,
        source: Source,
        path: Path | None = None,
        limits: RetentionLimits = DEFAULT_RETENTION,
        *,
        rolls: bool = False,
    ) -> None:
        """Record to the file `path`, which must not exist yet.

        None: to a new file in the usual folder, where old files are deleted beyond the `limits`,
        and, if it `rolls`, to another one each noon.
        """
        super().__init__(source)
        self._rolls = rolls and path is None
        self._requested_path = path
        self._limits = limits
        self._recorder: Recorder | RollingRecorder | None = None

    @property
    def path(self) -> Path | None:
        """Return the file, while it exists; None before the first event, or if it was moved."""
        recorder = self._recorder
        return recorder.path if recorder and not recorder.is_lost else None

    def run(self, sink: Sink) -> None:
        """Run the inner source, and record its stream; blocks.

        Raises `RecordingError` before the first event if the file asked for cannot be made. A later
        failure is one `Notice` in the stream.
        """
        asked = None if self._requested_path is None else _create(self._requested_path)
        place = None if asked is None else schema.FileIdentity(asked[0])
        recorder: Recorder | RollingRecorder
        if self._rolls:
            recorder = RollingRecorder(self._make_recorder)
        else:
            recorder = self._make_recorder(asked)
        self._recorder = recorder
        try:
            super().run(sink)
        finally:
            recorder.close()
            if asked and place and recorder.path is None:
                _take_back(*asked, place)

    def _make_recorder(self, asked: tuple[Path, sqlite3.Connection] | None = None) -> Recorder:
        return Recorder(
            lambda event: asked or self._create_in_usual_folder(event), self._emit_notice
        )

    def event(self, event: Event) -> None:
        """Record the event, then pass it on."""
        if self._recorder is not None:
            self._recorder.event(event)
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Let the recorder check its queue, then pass the pulse on."""
        if self._recorder is not None:
            self._recorder.check_queue()
        self._sink.pulse(at)

    def _emit_notice(self, line: str) -> None:
        self._source.command(Inject(Notice(at=0, text=line)))

    def _create_in_usual_folder(self, event: Event) -> tuple[Path, sqlite3.Connection]:
        folder = sessions.default_folder()
        if folder is None:
            raise OSError("this user has no home folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if deleted := sessions.prune_recordings(folder, self._limits):
            self._emit_notice(_deleted(deleted, self._limits))
        target, wall = (event.target, event.wall) if isinstance(event, SessionBegan) else ("", 0)
        path = sessions.free_path(folder / sessions.file_name_for(target, wall))
        return path, schema.create(path)


def _create(path: Path) -> tuple[Path, sqlite3.Connection]:
    try:
        return path, schema.create(path)
    except FileExistsError:
        raise RecordingError(f"--record {path}: file exists") from None
    except OSError as error:
        raise RecordingError(f"--record {path}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise RecordingError(f"--record {path}: {error}") from None


def _deleted(count: int, kept: RetentionLimits) -> str:
    oldest = "the oldest recording was" if count == 1 else f"the {count} oldest recordings were"
    return (
        f"{oldest} deleted: {kept.files} of {kept.size >> 20} MiB in all are kept"
        " ([recordings] in config.toml)"
    )


def _take_back(path: Path, database: sqlite3.Connection, place: schema.FileIdentity) -> None:
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(database):
        database.execute("PRAGMA journal_mode = DELETE")
    if place.is_kept():
        path.unlink(missing_ok=True)
