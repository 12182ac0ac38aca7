"""A recording, read: its events in order, and the session as it was at any moment."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from tui_trace.events import Event
from tui_trace.recording import notes, schema
from tui_trace.recording.codec import BLOCK_EVENTS, DAMAGED, Unpacker, pack_state, unpack_state
from tui_trace.recording.errors import RecordingError
from tui_trace.session import state
from tui_trace.session.fold import Session
from tui_trace.session.model import Snapshot

_states = msgspec.msgpack.Decoder(state.SessionState)


class Info(msgspec.Struct, frozen=True):
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
        self._rebuilt: dict[int, bytes] = {}
        """Folds by block, where those in the file are of another version."""
        self._cached: tuple[int, list[Event]] = (-1, [])
        """The last full block that was read."""
        try:
            self._has_folds = self._row()[5] == state.VERSION
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

    def info(self) -> Info:
        """As it is now."""
        wall, target, address, lab, version, _, last, runs, events, ended = self._row()
        try:
            size = self.path.stat().st_size
        except OSError:
            size = 0
        return Info(
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
        with self._damage():
            return session.snapshot(max(0, min(at, self.end)))

    def at(self, at: int) -> tuple[Session, Iterator[Event]]:
        """The session as it was at `at`, and the events that followed."""
        row = self._one("SELECT max(number) FROM block WHERE first <= ?", at)
        number = row[0] or 0
        session = self._before(number)
        following = self._from(number)
        with self._damage():
            for event in following:
                if event.at > at:
                    return session, chain((event,), following)
                session.apply(event)
        return session, following

    def note(self, text: str, moment: int) -> None:
        """Add what the user wrote of `moment`; see `notes.add`."""
        if not self.path.exists():
            raise RecordingError("the file is gone")
        with self._lock, self._damage():
            notes.add(self._database, text, moment)
            self._cached = (-1, [])

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
        return row  # type: ignore[no-any-return]

    def _one(self, query: str, *values: int) -> Any:
        with self._lock, self._damage():
            return self._database.execute(query, values).fetchone()

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        """Whatever a lying file leads to is the file's fault."""
        try:
            yield
        except RecordingError as error:
            if str(error) != DAMAGED:
                raise
            raise RecordingError(f"{self.path}: {DAMAGED}") from None
        except (sqlite3.Error, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise schema.damaged(self.path, error) from None

    def _from(self, number: int) -> Iterator[Event]:
        """The events of this block and those after it."""
        while (block := self._block(number)) is not None:
            yield from block
            number += 1

    def _block(self, number: int) -> list[Event] | None:
        if self._cached[0] == number:
            return self._cached[1]
        with self._lock, self._damage():
            # one moment of a file that may be growing
            self._database.execute("BEGIN")
            try:
                row = self._database.execute(
                    "SELECT events FROM block WHERE number = ?", (number,)
                ).fetchone()
                if row is None:
                    return None
                full = row[0] is not None
                query = "SELECT events FROM chunk ORDER BY number"
                chunks = [row] if full else self._database.execute(query).fetchmany(BLOCK_EVENTS)
            finally:
                self._database.execute("COMMIT")
            unpacker = Unpacker()
            events = [event for (chunk,) in chunks for event in unpacker.events(chunk)]
            if full:
                self._cached = number, events
            return events

    def _before(self, number: int) -> Session:
        """The session before the first event of a block."""
        known = number
        while known > 0:
            session = self._stored(known)
            if session is not None:
                break
            known -= 1
        else:
            session = Session()
        for block in range(known, number):
            with self._damage():
                for event in self._block(block) or ():
                    session.apply(event)
                self._rebuilt[block + 1] = pack_state(session.state())
        return session

    def _stored(self, number: int) -> Session | None:
        """From the file, or rebuilt before; None if there is nothing that can be used."""
        fold = self._rebuilt.get(number)
        if fold is None and self._has_folds:
            row = self._one("SELECT fold FROM block WHERE number = ?", number)
            fold = row[0] if row else None
        if fold is None:
            return None
        try:
            return Session.of(unpack_state(fold, _states))
        except (RecordingError, state.StateError, TypeError, ArithmeticError):
            return None
