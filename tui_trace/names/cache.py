"""Answers kept between sessions: a file of bounded size that may be lost without harm.

Two programs may use it at once: each reads it when it starts, and replaces it whole with what it
found there and what it learnt itself. If both do so in the same moment, some of one's answers are
asked for again next time. A file that cannot be read is replaced; a folder that cannot be written
means that nothing is kept.
"""

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

import msgspec

from tui_trace.core.bounded_files import read_file
from tui_trace.core.events import AsnFound, HostNamed, OwnerFound

Known: TypeAlias = HostNamed | AsnFound | OwnerFound

MOST_ENTRIES = 4096
MOST_BYTES = 4 * 1024 * 1024
LONGEST = 24 * 3600
"""Seconds that an answer is kept at most, whatever its TTL."""
_VERSION = 1


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One answer, also that there is none (an event with nothing but its address)."""

    scope: str
    """Who was asked."""
    expires: float
    """Seconds since 1970."""
    known: Known


class _CacheFile(msgspec.Struct, frozen=True):
    version: int
    entries: list[Entry]


_Key: TypeAlias = tuple[str, type[Known], str]
_decoder = msgspec.json.Decoder(_CacheFile)


class NameCache:
    """The answers of this and earlier sessions. Used from one thread."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: nothing is kept."""
        self._path = path
        self._learnt = False
        self._entries: dict[_Key, Entry] = {}
        if path is not None:
            self._entries = _read(path)

    def get(self, scope: str, kind: type[Known], address: str) -> tuple[Known, float] | None:
        """What is known, and for how many seconds yet."""
        entry = self._entries.get((scope, kind, address))
        left = _left(entry) if entry is not None else 0.0
        return (entry.known, left) if entry is not None and left > 0 else None

    def put(self, scope: str, known: Known, ttl: float) -> None:
        """Keep an answer for `ttl` seconds; none for an answer that says it does not hold."""
        if self._path is None or ttl <= 0:
            return
        entry = Entry(scope, time.time() + min(ttl, LONGEST), known)
        key = _key(entry)
        self._entries.pop(key, None)
        self._entries[key] = entry
        self._learnt = True

    def save(self) -> None:
        """Replace the file if there is something new; no word about it if that cannot be done."""
        if self._path is None or not self._learnt:
            return
        merged = _read(self._path)
        merged.update(self._entries)
        fresh = [entry for entry in merged.values() if _left(entry) > 0]
        with contextlib.suppress(OSError):
            _replace(self._path, msgspec.json.encode(_CacheFile(_VERSION, fresh[-MOST_ENTRIES:])))
        self._learnt = False


def _key(entry: Entry) -> _Key:
    return (entry.scope, type(entry.known), entry.known.address)


def _left(entry: Entry) -> float:
    left = entry.expires - time.time()
    # a clock that was wrong when this was written makes no answer immortal
    return left if left <= LONGEST else 0.0


def _read(path: Path) -> dict[_Key, Entry]:
    try:
        kept = _decoder.decode(read_file(path, MOST_BYTES))
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    if kept.version != _VERSION:
        return {}
    return {_key(entry): entry for entry in kept.entries[-MOST_ENTRIES:]}


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
