"""What the tables say: numbers, moments, texts, pages."""

import random
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.helpers.recordings.recording_parts import (
    ESCAPE,
    EVENTS,
    FAR,
    ROWS,
    Forge,
    Row,
    chunk,
    session_row,
    write,
)
from tui_trace.core import events as ev
from tui_trace.recording import codec, schema
from tui_trace.session import checkpoint


def tables() -> Iterator[tuple[str, Forge]]:
    rows = {
        **{f"block numbered {n}": [*ROWS, (n, FAR, None, ROWS[1][3])] for n in (1 << 62, FAR, -1)},
        "block numbered 2^62 at the start": [*ROWS, (1 << 62, 0, ROWS[1][2], ROWS[1][3])],
        "block numbered 2^62 without a fold": [*ROWS, (1 << 62, 0, None, ROWS[1][3])],
        "a gap": [ROWS[0], *ROWS[2:]],
        "gaps": [(2 * n, *rest) for n, *rest in ROWS],
        "no block 0": ROWS[1:],
        "no blocks": [],
        "blocks in any order": [(n, 1 - n, fold, data) for n, _, fold, data in ROWS],
        "all at once": [(n, 0, fold, data) for n, _, fold, data in ROWS],
        "all at the end of time": [(n, FAR, fold, data) for n, _, fold, data in ROWS],
        "a moment that is text": [(n, "soon", fold, data) for n, _, fold, data in ROWS],
        "events that are text": [(n, at, fold, "x") for n, at, fold, _ in ROWS],
        "no folds": [(n, at, None, data) for n, at, _, data in ROWS],
        "folds of other blocks": [(n, at, ROWS[-n][2], data) for n, at, _, data in ROWS],
        "folds that are text": [(n, at, "x", data) for n, at, _, data in ROWS],
        "all the same": [(n, n, ROWS[1][2], ROWS[1][3]) for n in range(200)],
    }
    for name, these in rows.items():
        yield name, partial(write, rows=these)
    short = chunk([ev.encode(ev.Foreign(0, 1))], [0])
    full = chunk([ev.encode(ev.Foreign(0, 1))], [0] * codec.BLOCK_EVENTS)
    for count, fold in ((20_000, checkpoint.VERSION), (2000, checkpoint.VERSION + 1)):
        for kind, data in (("short", short), ("full", full)):
            many: list[Row] = [(n, n, None, data) for n in range(count)]
            yield (
                f"{count:,} {kind} blocks without a fold, version {fold}",
                partial(write, rows=many, session=session_row(fold=fold)),
            )
    bad = zlib.compress(bytes(4 << 20))
    lies: list[Row] = [(n, n, bad, short) for n in range(5000)]
    yield "5,000 blocks with folds that are none", partial(write, rows=lies)
    open_ended: list[Row] = [*ROWS[:1], (1, ROWS[1][1], ROWS[1][2], None)]
    for name, chunks in {
        "no chunks": (),
        "chunks of nothing": (chunk([], []),) * 20_000,
        "chunks without end": (full,) * 5000,
        "chunks that are one": (chunk([ev.encode(EVENTS[-1])], [0]),) * 20_000,
        "a chunk that is a number": (1,),
        "chunks with templates alone": (chunk([ev.encode(e) for e in EVENTS[:500]], []),) * 500,
    }.items():
        yield name, partial(write, rows=open_ended, chunks=chunks)
    for field, values in {
        "wall": [FAR, -FAR - 1],
        "last": [FAR, -1, 0],
        "runs": [FAR, -1],
        "events": [FAR, -1],
        "ended": [7, -1],
        "fold": [-1, 0, FAR],
        "target": ["x" * (1 << 20), ESCAPE, "", "\0", b"\xff"],
        "lab": [ESCAPE],
        "version": [ESCAPE],
        "address": [ESCAPE, "é" * 4000],
    }.items():
        for value in values:
            yield (
                f"{field} {str(value)[:20]!r}",
                partial(write, rows=ROWS, session=session_row(**{field: value})),
            )
    for table in ("session", "block", "chunk", "sqlite_master"):
        yield f"pages of {table} that lead to one another", partial(tangled, table=table)
    yield "values that share their bytes", shared


def tangled(path: Path, table: str) -> None:
    """A B-tree whose every page leads to one and the same page, again and again, 12 pages deep."""
    write(path, ROWS, chunks=(ROWS[0][3],))
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        root = (database.execute(query, (table,)).fetchone() or (1,))[0]
    raw = bytearray(path.read_bytes())
    pages = len(raw) // schema.PAGE
    skip = 100 if root == 1 else 0
    start = (root - 1) * schema.PAGE
    leaf = bytearray(raw[start : start + schema.PAGE])
    if skip:
        # its header moves to the front; its cells stay where they are
        leaf[:2000] = leaf[skip : 2000 + skip]
    raw += leaf
    child = pages + 1
    for level in range(12):
        page = bytearray(schema.PAGE)
        offset = skip if level == 11 else 0
        cells = 300
        page[offset] = 5
        page[offset + 3 : offset + 5] = cells.to_bytes(2, "big")
        page[offset + 8 : offset + 12] = child.to_bytes(4, "big")
        place = schema.PAGE
        for cell in range(cells):
            place -= 5
            page[place : place + 5] = child.to_bytes(4, "big") + bytes([cell & 127])
            at = offset + 12 + 2 * cell
            page[at : at + 2] = place.to_bytes(2, "big")
        page[offset + 5 : offset + 7] = place.to_bytes(2, "big")
        if level == 11:
            page[:skip] = raw[start : start + skip]
            raw[start : start + schema.PAGE] = page
        else:
            raw += page
            child = len(raw) // schema.PAGE
    raw[28:32] = (len(raw) // schema.PAGE).to_bytes(4, "big")
    path.write_bytes(raw)


def shared(path: Path) -> None:
    """300 blocks whose events are the bytes of the first: half a megabyte each."""
    text = random.Random(1).randbytes(600_000).hex()
    whole = chunk([ev.encode(ev.Notice(0, text))], [0])
    # as much of each value stands in its row as of the first: they differ by whole pages
    step = schema.PAGE - 4
    short = 16_400 + (len(whole) - 16_400) % step
    write(path, [(n, 0, None, whole if n == 0 else whole[:short]) for n in range(300)])
    raw = bytearray(path.read_bytes())
    begins = [raw.index(whole[:200])]
    while (at := raw.find(whole[:200], begins[-1] + 1)) >= 0:
        begins.append(at)
    # a row: length, number, then a header of 7 bytes whose last 3 tell the value's length, then
    # the value, as much as fits, and the page where it goes on (SQLite's file format, 1.6, 2.1)
    fits = 489 + (7 + short - 489) % step
    fits = fits if fits <= schema.PAGE - 35 else 489
    pages = [slice(at - 7 + fits, at - 3 + fits) for at in begins]
    first = next(n for n, at in enumerate(begins) if _varint(7 + len(whole)) in raw[at - 12 : at])
    for at, page in zip(begins, pages, strict=True):
        raw[page] = raw[pages[first]]
        raw[at - 12 : at] = (
            raw[at - 12 : at]
            .replace(_varint(7 + short), _varint(7 + len(whole)))
            .replace(_varint(2 * short + 12), _varint(2 * len(whole) + 12))
        )
    path.write_bytes(raw)


def _varint(number: int) -> bytes:
    return bytes([number >> 14 | 128, number >> 7 & 127 | 128, number & 127])
