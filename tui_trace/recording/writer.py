"""Writes a recording in a thread of its own, so that a slow disk does not delay the source."""

import contextlib
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from tui_trace.core.events import Event, RunOpened, SessionBegan, SessionEnded
from tui_trace.recording import schema
from tui_trace.recording.codec import Packer, pack_checkpoint
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session

COMMIT_INTERVAL = 0.4
"""Seconds from one commit to the next, while there are events to commit."""
MAX_QUEUED = 500_000
"""Most events that wait for a slow disk; with more, recording ends."""
CLOSE_TIMEOUT = 5.0
"""Seconds that `close` waits for a slow disk."""
_ROOM = 16 << 20
"""Bytes: more than one commit needs."""
_NOTED = (SessionBegan, RunOpened, SessionEnded)
"""Events that the list of sessions shows something of."""


class Recorder:
    """Writes one session to one file; reports once if it cannot go on."""

    def __init__(
        self,
        create: Callable[[Event], tuple[Path, sqlite3.Connection]],
        fail: Callable[[str], object],
    ) -> None:
        """`create` is called with the first event and creates the file. `fail` is called with one
        line of text, at most once. Both are called in the writer's thread.
        """
        self._create = create
        self._report_failure = fail
        self._queue: deque[Event] = deque()
        self._closing = threading.Event()
        self._has_failed = False
        self._failing = threading.Lock()
        self.path: Path | None = None
        """The file, as soon as it exists."""
        self.is_lost = False
        """Whether the file was moved, replaced or deleted."""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """Return the number of events that wait for the disk."""
        return len(self._queue)

    def event(self, event: Event) -> None:
        """Queue one event. Called in the source's thread."""
        if not self._has_failed:
            self._queue.append(event)

    def check_queue(self) -> None:
        """Stop recording if the disk is far too slow. Called in the source's thread."""
        if len(self._queue) > MAX_QUEUED and not self._has_failed:
            self._fail_once("the disk is too slow")

    def end_soon(self) -> None:
        """Have the queued events written and the file closed, without waiting for that."""
        self._closing.set()

    def close(self) -> None:
        """Write the queued events, and wait for the writer at most `CLOSE_TIMEOUT`."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT)

    def _fail_once(self, why: str) -> None:
        with self._failing:
            if self._has_failed:
                return
            self._has_failed = True
        self._report_failure(
            f"not recorded any more: {why}" if self.path else f"not recorded: {why}"
        )

    def _run(self) -> None:
        file = None
        try:
            while not self._has_failed:
                closing = self._closing.wait(COMMIT_INTERVAL)
                if self._queue:
                    if file is None:
                        self.path, database = self._create(self._queue[0])
                        file = _File(self.path, database)
                    file.write(self._queue)
                    self.is_lost = not file.is_in_place()
                if closing or self.is_lost:
                    break
            if file is not None:
                file.close()
            if self.is_lost:
                self._fail_once("its file was moved, replaced or deleted")
        except sqlite3.Error as error:
            self._fail_once(_error_reason(error, self.path))
        except OSError as error:
            self._fail_once(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        except OverflowError as error:
            self._fail_once(str(error))
        except Exception as error:
            self._fail_once(f"{type(error).__name__}: {error}")
        finally:
            self._queue.clear()
            if file is not None:
                file.abandon()


def _error_reason(error: sqlite3.Error, path: Path | None) -> str:
    if schema.error_code(error) == sqlite3.SQLITE_FULL and path is not None:
        disk = os.statvfs(path)
        if disk.f_bavail * disk.f_frsize > _ROOM:
            return f"the file has reached {schema.MAX_BYTES >> 20} MB"
        return "the disk is full"
    return " ".join(str(error).split())


class _File:
    """The file while it grows, and the fold of all its events."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._place = schema.FileIdentity(path)
        self._database = database
        self._session = Session()
        self._packer = Packer()
        self._block = -1
        self._chunk = 0
        self._events = 0
        self._runs = 0
        self._last = 0
        self._ended = False

    def write(self, waiting: deque[Event]) -> None:
        """Write all events that wait now, in one transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        for _ in range(len(waiting)):
            event = waiting.popleft()
            if self._block < 0 or self._packer.is_full:
                self._next_block(event)
            self._packer.append(event)
            self._session.apply(event)
            self._events += 1
            self._last = max(self._last, event.at)
            if isinstance(event, _NOTED):
                self._note(event)
        self._database.execute(
            "INSERT INTO chunk (number, events) VALUES (?, ?)",
            (self._chunk, self._packer.take_chunk()),
        )
        self._chunk += 1
        self._database.execute(
            "UPDATE session SET last = ?, runs = ?, events = ?, ended = ?",
            (self._last, self._runs, self._events, self._ended),
        )
        self._database.execute("COMMIT")

    def is_in_place(self) -> bool:
        """Return whether the path still leads to the file: SQLite writes on into a deleted one."""
        return self._place.is_kept()

    def _note(self, event: Event) -> None:
        match event:
            case SessionBegan():
                self._database.execute(
                    "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?)",
                    (
                        event.wall,
                        event.target,
                        event.address,
                        event.lab,
                        event.version,
                        checkpoint.VERSION,
                        event.vantage,
                    ),
                )
            case RunOpened():
                self._runs = max(self._runs, event.run)
            case SessionEnded():
                self._ended = True

    def _next_block(self, event: Event) -> None:
        self._seal()
        self._block += 1
        fold = pack_checkpoint(self._session.checkpoint()) if self._block else None
        self._database.execute(
            "INSERT INTO block (number, first, fold) VALUES (?, ?, ?)",
            (self._block, max(self._last, event.at), fold),
        )
        self._packer = Packer()

    def _seal(self) -> None:
        if self._packer:
            self._database.execute(
                "UPDATE block SET events = ? WHERE number = ?",
                (self._packer.full_chunk(), self._block),
            )
            self._database.execute("DELETE FROM chunk")
            self._chunk = 0

    def close(self) -> None:
        """Write the last block, and merge the journal into the file."""
        self._database.execute("BEGIN IMMEDIATE")
        self._seal()
        self._database.execute("COMMIT")
        # while another process reads it, the journal stays: the last process to close merges it
        self._database.execute("PRAGMA busy_timeout = 100")
        with contextlib.suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA journal_mode = DELETE")

    def abandon(self) -> None:
        """Close the file as it is."""
        self._database.close()
