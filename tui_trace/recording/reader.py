"""A recording, read: its events in order, and the session as it was at any moment."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from tui_trace.core.events import Event
from tui_trace.recording import notes, schema
from tui_trace.recording.codec import DAMAGED, Block, unpack_block, unpack_checkpoint
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.growth import Growth
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot

_MOST_DAMAGED = 8
"""Folds that are tried before one that was written is taken for none."""
_MOST_REBUILT = 64 << 20
"""Bytes of folds that are remembered."""
_LONGEST_TEXT = 4096
"""Characters of what a list of sessions tells."""


class SessionInfo(msgspec.Struct, frozen=True):
    """What a list of sessions says of one."""

    path: Path
    wall: int
    """Nanoseconds since 1970 (UTC) when it began."""
    target: str
    address: str
    lab: str
    version: str
    """Of the program that recorded it."""
    duration: int
    """Nanoseconds."""
    runs: int
    events: int
    ended: bool
    """In order; else it was killed, or is still being recorded."""
    running: bool
    """It is being recorded now."""
    bytes: int


class Recording:
    """One file, open for reading; it may still grow. Thread-safe.

    Every method raises `RecordingError` if the file turns out to be damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open it."""
        self.path = path
        self._lock = threading.Lock()
        self._database = schema.open_existing(path)
        self.template_bytes_read = 0
        """Bytes of templates up to now: what events can hold beside numbers."""
        self._rebuilt: dict[int, bytes] = {}
        """Folds by block, where those in the file are of another version."""
        self._cached: tuple[int, Block | None] = (-1, None)
        """The last full block that was read."""
        try:
            self._has_folds = self._row()[5] == checkpoint.VERSION
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Recording":
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the file, as soon as no other thread reads it."""
        with self._lock:
            self._database.close()

    def info(self) -> SessionInfo:
        """As it is now."""
        wall, target, address, lab, version, _, last, runs, events, ended = self._row()
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        return SessionInfo(
            path=self.path,
            wall=wall,
            target=target,
            address=address,
            lab=lab,
            version=version,
            duration=last,
            runs=runs,
            events=events,
            ended=bool(ended),
            running=not ended and self._one("PRAGMA journal_mode") == ("wal",),
            bytes=size,
        )

    @property
    def end(self) -> int:
        """`at` of the last event up to now."""
        return int(self._row()[6])

    def events(self) -> Iterator[Event]:
        """All events from the first to the last of now."""
        return self._from(0)

    def session(self, at: int) -> Session:
        """The session as it was at `at`: everything up to the first event that came after."""
        return self.at(at)[0]

    def snapshot(self, at: int) -> Snapshot:
        """The same, to be drawn."""
        session = self.session(at)
        with self.blaming_the_file():
            return session.snapshot(max(0, min(at, self.end)))

    def at(self, at: int) -> tuple[Session, Iterator[Event]]:
        """The session as it was at `at`, and the events that followed."""
        number = self._last_before(at)
        session = self._session_before(number)
        following = self._from(number)
        with self.blaming_the_file():
            for event in following:
                if event.at > at:
                    return session, chain((event,), following)
                session.apply(event)
        return session, following

    def note(self, text: str, moment: int) -> None:
        """Add what the user wrote of `moment`; see `notes.add`."""
        if not self.path.exists():
            raise RecordingError("the file is gone")
        with self._lock, self.blaming_the_file():
            notes.add(self._database, text, moment)
            self._cached = (-1, None)

    # --- blocks

    def _row(self) -> tuple[int, str, str, str, str, int, int, int, int, int]:
        row = self._one(
            "SELECT wall, target, address, lab, version, fold, last, runs, events, ended"
            " FROM session LIMIT 1"
        )
        kinds = (int, str, str, str, str, int, int, int, int, int)
        if row is None:
            raise RecordingError(f"{self.path}: nothing was recorded")
        if not all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True)):
            raise RecordingError(f"{self.path}: damaged: values of a wrong type")
        if any(len(text) > _LONGEST_TEXT for text in row[1:5]) or min(row[5:]) < 0:
            raise RecordingError(f"{self.path}: damaged: values of no session")
        return row  # type: ignore[no-any-return]

    def _one(self, query: str, *values: int) -> Any:
        with self._lock, self.blaming_the_file():
            return self._database.execute(query, values).fetchone()

    @contextlib.contextmanager
    def blaming_the_file(self) -> Iterator[None]:
        """Whatever a lying file leads to is the file's fault."""
        try:
            yield
        except RecordingError as error:
            if str(error) != DAMAGED:
                raise
            raise RecordingError(f"{self.path}: {DAMAGED}") from None
        except (sqlite3.Error, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise schema.damaged(self.path, error) from None

    def _last_before(self, at: int) -> int:
        """Number of the last block that begins at `at` or before; 0 if none does.

        Found by halves: a file can say that it has any number of blocks, and of each when it began.
        """
        low, high = 0, self._one("SELECT max(number) FROM block")[0] or 0
        while low < high:
            middle = (low + high + 1) // 2
            with self.blaming_the_file():
                if self._value_of(middle, "first") <= at:
                    low = middle
                else:
                    high = middle - 1
        return low

    def _value_of(self, number: int, column: str) -> Any:
        """Of a block, all of which are numbered from 0 on."""
        row = self._one(f"SELECT {column} FROM block WHERE number = ?", number)  # noqa: S608
        if row is None:
            raise self._missing(number)
        return row[0]

    def _missing(self, number: int) -> RecordingError:
        return RecordingError(f"{self.path}: damaged: there is no block {number}")

    def _from(self, number: int) -> Iterator[Event]:
        """The events of this block and those after it."""
        for block in self._blocks(number):
            yield from block.events

    def _blocks(self, number: int) -> Iterator[Block]:
        """This block and those after it."""
        read = room = 0
        while (block := self._block(number)) is not None:
            read += block.size
            if read > room:
                room = self._one("PRAGMA page_count")[0] * self._one("PRAGMA page_size")[0]
            if read > room:
                # rows of a file can share their bytes; those of ours never do
                raise RecordingError(f"{self.path}: damaged: more events than its bytes can hold")
            self.template_bytes_read += block.template_bytes
            yield block
            number += 1

    def _block(self, number: int) -> Block | None:
        """None if there is none of this number."""
        if self._cached[0] == number:
            return self._cached[1]
        with self._lock, self.blaming_the_file():
            # one moment of a file that may be growing
            self._database.execute("BEGIN")
            try:
                row = self._database.execute(
                    "SELECT events FROM block WHERE number = ?", (number,)
                ).fetchone()
                if row is None:
                    (last,) = self._database.execute("SELECT max(number) FROM block").fetchone()
                    if last is not None and last > number:
                        raise self._missing(number)
                    return None
                chunks: Iterable[tuple[bytes]] = [row]
                if row[0] is None:
                    chunks = self._database.execute("SELECT events FROM chunk ORDER BY number")
                block = unpack_block(chunk for (chunk,) in chunks)
            finally:
                self._database.execute("COMMIT")
            if row[0] is not None:
                self._cached = number, block
            return block

    def _session_before(self, number: int) -> Session:
        """The session before the first event of a block."""
        known, session = self._restore_nearest(number)
        growth = Growth(session)
        for place, block in zip(range(known, number), self._blocks(known), strict=False):
            with self.blaming_the_file():
                for event in block.events:
                    session.apply(event)
                fold = growth.check(len(block.events), block.template_bytes)
            if fold is not None:
                self._remember(place + 1, fold)
        return session

    def _restore_nearest(self, number: int) -> tuple[int, Session]:
        """The last block up to this one before which the session is known, and the session."""
        damaged = 0
        for known in range(number, 0, -1):
            fold = self._rebuilt.get(known)
            if fold is None and self._has_folds and damaged < _MOST_DAMAGED:
                fold = self._value_of(known, "fold")
            if fold is None:
                continue
            try:
                return known, Session.from_checkpoint(unpack_checkpoint(fold))
            except (RecordingError, checkpoint.CheckpointError, TypeError, ArithmeticError):
                damaged += 1
        return 0, Session()

    def _remember(self, number: int, fold: bytes) -> None:
        self._rebuilt[number] = fold
        if sum(map(len, self._rebuilt.values())) > _MOST_REBUILT:
            for one in list(self._rebuilt)[::2]:
                del self._rebuilt[one]
