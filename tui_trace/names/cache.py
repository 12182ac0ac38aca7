"""Lookup results kept between sessions, in a file of bounded size that may be deleted at any time.

Two processes may use the file at the same time. Each process reads it at its start, and later
replaces it with the merged results. If both replace it in the same moment, some results of one
process are lost, and the next session looks them up again. A file that cannot be read is replaced.
If the folder cannot be written, nothing is kept.
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

NameEvent: TypeAlias = HostNamed | AsnFound | OwnerFound

MAX_ENTRIES = 4096
MAX_BYTES = 4 * 1024 * 1024
MAX_TTL = 24 * 3600
"""Longest time that a result is kept, in seconds."""
_VERSION = 1


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One result; an event with only its address means that there is no answer."""

    scope: str
    """The server and its settings: another server may give another answer."""
    expires: float
    """Seconds since 1970."""
    known: NameEvent


class _CacheFile(msgspec.Struct, frozen=True):
    version: int
    entries: list[Entry]


_Key: TypeAlias = tuple[str, type[NameEvent], str]
_decoder = msgspec.json.Decoder(_CacheFile)


class NameCache:
    """The results of this session and of earlier sessions; used by one thread."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; `path` None: keep nothing."""
        self._path = path
        self._learnt = False
        self._entries: dict[_Key, Entry] = {}
        if path is not None:
            self._entries = _read(path)

    def get(
        self, scope: str, kind: type[NameEvent], address: str
    ) -> tuple[NameEvent, float] | None:
        """Return the result and its remaining seconds; None if there is none."""
        entry = self._entries.get((scope, kind, address))
        left = _seconds_left(entry) if entry is not None else 0.0
        return (entry.known, left) if entry is not None and left > 0 else None

    def put(self, scope: str, known: NameEvent, ttl: float) -> None:
        """Keep a result for `ttl` seconds; a TTL of 0 keeps nothing."""
        if self._path is None or ttl <= 0:
            return
        entry = Entry(scope, time.time() + min(ttl, MAX_TTL), known)
        key = _key(entry)
        self._entries.pop(key, None)
        self._entries[key] = entry
        self._learnt = True

    def save(self) -> None:
        """Replace the file if there are new results; ignore a failure."""
        if self._path is None or not self._learnt:
            return
        merged = _read(self._path)
        merged.update(self._entries)
        fresh = [entry for entry in merged.values() if _seconds_left(entry) > 0]
        with contextlib.suppress(OSError):
            _replace(self._path, msgspec.json.encode(_CacheFile(_VERSION, fresh[-MAX_ENTRIES:])))
        self._learnt = False


def _key(entry: Entry) -> _Key:
    return (entry.scope, type(entry.known), entry.known.address)


def _seconds_left(entry: Entry) -> float:
    left = entry.expires - time.time()
    # a wrong clock when the file was written must not keep a result for longer
    return left if left <= MAX_TTL else 0.0


def _read(path: Path) -> dict[_Key, Entry]:
    try:
        kept = _decoder.decode(read_file(path, MAX_BYTES))
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    if kept.version != _VERSION:
        return {}
    return {_key(entry): entry for entry in kept.entries[-MAX_ENTRIES:]}


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
