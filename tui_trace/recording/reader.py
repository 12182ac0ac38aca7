"""Reads a recording: its events in order, and the session as it was at any moment."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import msgspec

from tui_trace.core.events import RunOpened
from tui_trace.core.settings import ProbeSettings
from tui_trace.recording import notes, schema
from tui_trace.recording.codec import (
    DAMAGED,
    Block,
    EventRow,
    unpack_block,
    unpack_checkpoint,
    unpack_rows,
    unpack_templates,
)
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.event_reader import EventReader
from tui_trace.recording.growth import Growth
from tui_trace.recording.rebuilt_checkpoints import RebuiltCheckpoints
from tui_trace.redaction.redacted_session import redact_session
from tui_trace.redaction.redactor import Redactor
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot

_MOST_DAMAGED = 8
"""Damaged checkpoints that are tried before the session is folded from its start."""
_FIRST_AT = "SELECT first FROM block WHERE number = ?"
_EVENTS = "SELECT events FROM block WHERE number = ?"
_CHECKPOINT = "SELECT fold FROM block WHERE number = ?"
_BEGINNING = 1000
"""Events among which the opening of the first run is."""
_LONGEST_TEXT = 4096
"""Most characters of a text in the `session` row."""


_T = TypeVar("_T")


class SessionInfo(msgspec.Struct, frozen=True):
    """One line of the list of sessions."""

    path: Path
    wall: int
    """Nanoseconds since 1970 (UTC) when it began."""
    target: str
    address: str
    lab: str
    version: str
    """Version of the program that recorded it."""
    duration: int
    """Nanoseconds from the start to the last event."""
    runs: int
    events: int
    ended: bool
    """False if the recording process was killed, or still runs."""
    running: bool
    """Whether it is being recorded now."""
    bytes: int
    vantage: str = ""
    """The machine that probes left from; empty: this one."""

    @property
    def place(self) -> str:
        """Return where it was measured, as it stands behind a target; empty: here."""
        words = f" in lab {self.lab}" if self.lab else ""
        return f"{words} from {self.vantage}" if self.vantage else words


class RecordedExtent(NamedTuple):
    """How far a recording reaches."""

    end: int
    """`at` of the last event, in ns."""
    events: int
    """Number of events."""
    running: bool
    """Whether it is being recorded: more may follow."""


class Recording:
    """One recording, open for reading while it may still grow. Thread-safe.

    Every method raises `RecordingError` if the file turns out to be damaged.
    """

    def __init__(self, path: Path, redactor: Redactor | None = None) -> None:
        """Open the file; `RecordingError` if it cannot be read.

        Events and sessions are given without what the `redactor` hides; it learns first all that
        the recording tells up to its end. The file has everything.
        """
        self.path = path
        self.redactor = redactor
        self._has_learnt = False
        self._lock = threading.Lock()
        self._database = schema.open_existing(path)
        self._rebuilt = RebuiltCheckpoints()
        self._cached: tuple[int, Block | None] = (-1, None)
        """Number and events of the last full block that was read."""
        try:
            self._has_folds = self._row()[5] == checkpoint.VERSION
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Recording":
        """Return the recording itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the recording."""
        self.close()

    def close(self) -> None:
        """Close the file, as soon as no other thread reads it."""
        with self._lock:
            self._database.close()

    def info(self) -> SessionInfo:
        """Return what the list of sessions shows, as it is now."""
        wall, target, address, lab, version, _, last, runs, events, ended = self._row()
        vantage = self._vantage()
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
            running=self._is_running(bool(ended)),
            bytes=size,
            vantage=vantage,
        )

    @property
    def end(self) -> int:
        """Return `at` of the last event up to now."""
        return int(self._row()[6])

    def extent(self) -> RecordedExtent:
        """Return how far it reaches now."""
        *_, last, _, events, ended = self._row()
        return RecordedExtent(last, events, self._is_running(bool(ended)))

    def events(self) -> EventReader:
        """Iterate over all events up to now."""
        return self._redacted(self._from(0))

    def first_settings(self) -> ProbeSettings | None:
        """Return the settings of the first run; None if there is none in the first events."""
        for event in islice(self.events(), _BEGINNING):
            if isinstance(event, RunOpened):
                return event.settings
        return None

    def session(self, at: int) -> Session:
        """Return the session as it was at `at` (ns)."""
        return self.at(at)[0]

    def snapshot(self, at: int) -> Snapshot:
        """Return a snapshot of the session as it was at `at` (ns)."""
        session = self.session(at)
        with self.blaming_the_file():
            return session.snapshot(max(0, min(at, self.end)))

    def at(self, at: int) -> tuple[Session, EventReader]:
        """Return the session as it was at `at` (ns), and an iterator over the events after it."""
        session, following = self._at(at)
        if self.redactor is None:
            return session, following
        self._learn()
        with self.blaming_the_file():
            return redact_session(self.redactor, session), self._redacted(following)

    def _learn(self) -> None:
        """Let the redactor learn all that the recording tells."""
        if self.redactor is None or self._has_learnt:
            return
        self._has_learnt = True
        for number in count():
            read = self._read_block(number, unpack_templates)
            if read is None:
                return
            for event in read[0]:
                self.redactor.learn(event)

    def _redacted(self, events: EventReader) -> EventReader:
        if self.redactor is not None:
            self._learn()
            events.redactor = self.redactor
        return events

    def _at(self, at: int) -> tuple[Session, EventReader]:
        number = self._last_before(at)
        session = self._session_before(number)
        following = self._from(number)
        with self.blaming_the_file():
            for event in following:
                if event.at > at:
                    following.push_back(event)
                    break
                session.apply(event)
        return session, following

    def rows(self, since: int, until: int) -> Iterator[EventRow]:
        """Iterate over what sets the events apart that `at(until)` has and `at(since)` has not.

        Nothing is redacted.
        """
        begun = False
        for number in count(self._last_before(since)):
            read = self._read_block(number, unpack_rows)
            for row in read[0] if read is not None else ():
                if row[1] > until:
                    return
                begun = begun or row[1] > since
                if begun:
                    yield row
            if read is None:
                return

    def note(self, text: str, moment: int) -> None:
        """Append a note of the user about `moment`; see `notes.add`."""
        if not self.path.exists():
            raise RecordingError("the file is gone")
        with self._lock, self.blaming_the_file():
            notes.add(self._database, text, moment)
            self._cached = (-1, None)

    # --- blocks

    def _vantage(self) -> str:
        if self._one("PRAGMA user_version")[0] < schema.WITH_VANTAGE:
            return ""
        (vantage,) = self._one("SELECT vantage FROM session LIMIT 1")
        if not isinstance(vantage, str) or len(vantage) > _LONGEST_TEXT:
            raise RecordingError(f"{self.path}: damaged: values of a wrong type")
        return vantage

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

    def _is_running(self, ended: bool) -> bool:
        return not ended and self._one("PRAGMA journal_mode") == ("wal",)

    def _one(self, query: str, *values: int) -> Any:
        with self._lock, self.blaming_the_file():
            return self._database.execute(query, values).fetchone()

    @contextlib.contextmanager
    def blaming_the_file(self) -> Iterator[None]:
        """Convert any error that corrupt contents cause into `RecordingError`."""
        try:
            yield
        except RecordingError as error:
            if str(error) != DAMAGED:
                raise
            raise RecordingError(f"{self.path}: {DAMAGED}") from None
        except (sqlite3.Error, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise schema.damaged(self.path, error) from None

    def _last_before(self, at: int) -> int:
        """Return the number of the last block that begins at `at` or before; 0 if there is none.

        By bisection: a forged file can claim any number of blocks.
        """
        low, high = 0, self._one("SELECT max(number) FROM block")[0] or 0
        while low < high:
            middle = (low + high + 1) // 2
            with self.blaming_the_file():
                if self._value_of(_FIRST_AT, middle) <= at:
                    low = middle
                else:
                    high = middle - 1
        return low

    def _value_of(self, query: str, number: int) -> Any:
        """Return the one value that the query gives for the block with this number."""
        row = self._one(query, number)
        if row is None:
            raise self._missing(number)
        return row[0]

    def _missing(self, number: int) -> RecordingError:
        return RecordingError(f"{self.path}: damaged: there is no block {number}")

    def _from(self, number: int) -> EventReader:
        """Iterate over the events of this block and of the blocks after it."""
        return EventReader(self._blocks, number)

    def _blocks(self, number: int) -> Iterator[Block]:
        """Iterate over this block and the blocks after it."""
        read = room = 0
        while (block := self._block(number)) is not None:
            read += block.size
            if read > room:
                room = self._one("PRAGMA page_count")[0] * self._one("PRAGMA page_size")[0]
            if read > room:
                # rows of a forged file can share their bytes; rows of our files never do
                raise RecordingError(f"{self.path}: damaged: more events than its bytes can hold")
            yield block
            number += 1

    def _block(self, number: int) -> Block | None:
        """Return the block with this number; None if there is no such block."""
        if self._cached[0] == number:
            return self._cached[1]
        read = self._read_block(number, unpack_block)
        if read is None:
            return None
        block, is_full = read
        if is_full:
            self._cached = number, block
        return block

    def _read_block(
        self, number: int, unpack: Callable[[Iterable[bytes]], _T]
    ) -> tuple[_T, bool] | None:
        """Return what `unpack` makes of a block's chunks, and whether nothing is added any more."""
        with self._lock, self.blaming_the_file():
            # one moment of a file that may be growing
            self._database.execute("BEGIN")
            try:
                row = self._database.execute(_EVENTS, (number,)).fetchone()
                if row is None:
                    (last,) = self._database.execute("SELECT max(number) FROM block").fetchone()
                    if last is not None and last > number:
                        raise self._missing(number)
                    return None
                chunks: Iterable[tuple[bytes]] = [row]
                if row[0] is None:
                    chunks = self._database.execute("SELECT events FROM chunk ORDER BY number")
                return unpack(chunk for (chunk,) in chunks), row[0] is not None
            finally:
                self._database.execute("COMMIT")

    def _session_before(self, number: int) -> Session:
        """Return the session as it was before the first event of a block."""
        known, session = self._restore_nearest(number)
        growth = Growth(session)
        for place, block in zip(range(known, number), self._blocks(known), strict=False):
            with self.blaming_the_file():
                for event in block.events:
                    session.apply(event)
                fold = growth.check(len(block.events), block.template_bytes)
            if fold is not None:
                self._rebuilt.add(place + 1, fold)
        return session

    def _restore_nearest(self, number: int) -> tuple[int, Session]:
        """Return the last block up to this one that has a checkpoint, and its session."""
        damaged = 0
        for known in range(number, 0, -1):
            fold = self._rebuilt.get(known)
            if fold is None and self._has_folds and damaged < _MOST_DAMAGED:
                fold = self._value_of(_CHECKPOINT, known)
            if fold is None:
                continue
            try:
                return known, Session.from_checkpoint(unpack_checkpoint(fold))
            except (RecordingError, checkpoint.CheckpointError, TypeError, ArithmeticError):
                damaged += 1
        return 0, Session()
