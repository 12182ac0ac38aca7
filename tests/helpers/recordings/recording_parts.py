"""A recording in its parts, to be put together wrongly."""

import functools
import zlib
from array import array
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tests.helpers.recordings.recording_builders import rounds
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import codec, schema
from tui_trace.session import checkpoint
from tui_trace.session.fold import Session

FAR = (1 << 63) - 1
ESCAPE = "\x1b]0;owned\x07\x1b[2J\r\n\u202e<b>[red]"
EXTREMES = [0, -1, 1, 255, 256, 1 << 31, 1 << 62, FAR, -FAR - 1, 1 << 64, -(1 << 200), 10**400]
FLOATS = [float("nan"), float("inf"), -float("inf"), -1.0, 1e308, 0.0]
BLOCK = 512
"""Events of the blocks here, so that a small file has several."""
Row = tuple[int, int, bytes | None, bytes | None]
Forge = Callable[[Path], None]

EVENTS = [*rounds(40), ev.SessionEnded(at=50 * NS_PER_S)]


def stream_rows(events: list[ev.Event], size: int = BLOCK) -> list[Row]:
    """Blocks as the recorder writes them."""
    session, rows, last = Session(), [], 0
    for number, start in enumerate(range(0, len(events), size)):
        part, packer = events[start : start + size], codec.Packer()
        fold = codec.pack_checkpoint(session.checkpoint()) if number else None
        rows.append((number, max(last, part[0].at), fold, None))
        for event in part:
            packer.append(event)
            session.apply(event)
            last = max(last, event.at)
        rows[-1] = (*rows[-1][:3], packer.full_chunk())
    return rows


ROWS = stream_rows(EVENTS)
SESSION = (
    10**18,
    "t",
    "192.0.2.1",
    "",
    "0.1",
    checkpoint.VERSION,
    EVENTS[-1].at,
    1,
    len(EVENTS),
    1,
    "",
)


def write(path: Path, rows: list[Row], session: tuple = SESSION, chunks: tuple = ()) -> None:
    """A file of these rows."""
    with closing(schema.create(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("BEGIN")
        database.execute(f"INSERT INTO session VALUES ({','.join('?' * 11)})", session)
        database.executemany("INSERT INTO block VALUES (?, ?, ?, ?)", rows)
        database.executemany("INSERT INTO chunk VALUES (?, ?)", enumerate(chunks))
        database.execute("COMMIT")


def session_row(**fields: Any) -> tuple:
    """The session's row with other values in these places."""
    names = "wall target address lab version fold last runs events ended vantage".split()
    return tuple(fields.get(name, value) for name, value in zip(names, SESSION, strict=True))


def chunk(templates: list[bytes], which: list[int], *columns: list[int], level: int = 6) -> bytes:
    """Bytes of events, as they come: distances of `at` and `probe`, and values."""
    zeros = [0] * len(which)
    laid = [
        codec.order_by_significance(array("q", column))
        for column in (which, *(columns or (zeros, zeros, zeros)))
    ]
    return zlib.compress(msgspec.msgpack.encode([templates, *laid]), level)


def packed(events: list[ev.Event]) -> bytes:
    """A block of these."""
    packer = codec.Packer()
    for event in events:
        packer.append(event)
    return packer.full_chunk()


@functools.cache
def bomb(count: int) -> bytes:
    """So many MiB of zeros behind a header that lets one hope for more, deflated."""
    deflater = zlib.compressobj(9)
    parts = [deflater.compress(b"\x95\xdd\x7f\xff\xff\xff")]
    parts += [deflater.compress(bytes(1 << 20)) for _ in range(count)]
    return b"".join([*parts, deflater.flush()])


def one(last: bytes) -> list[Row]:
    """Two blocks of ours, and a third of these bytes."""
    return [*ROWS[:2], (2, EVENTS[2 * BLOCK].at, ROWS[2][2], last)]


def reply(**fields: Any) -> ev.Reply:
    known = {
        "at": 0,
        "run": 1,
        "probe": 1,
        "ttl": 1,
        "address": "192.0.2.1",
        "rtt": 1,
        "kind": ev.ReplyKind.ECHO,
    }
    return ev.Reply(
        **(known | {"sent_stamp": ev.Stamp.KERNEL, "received_stamp": ev.Stamp.KERNEL} | fields)
    )
