"""A file or a pipe with results, read piece by piece: bounded, and ended by `stop` at any time."""

import os
import select
import stat
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from tui_trace.results.errors import ResultError

MAX_LINE = 16 << 20
"""Most bytes of one line of a file that has an object on each line."""
MAX_BYTES = 256 << 20
"""Most bytes of a file that is kept as a whole: a day of an Atlas measurement by 1,000 probes."""
STANDARD_INPUT = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PIECE = 1 << 16
_TICK = 0.1
"""Seconds after which a reader that waits looks for `stop`."""


class ResultInput:
    """An open file, pipe or standard input (`-`). `stop` may be called from any thread."""

    def __init__(self, path: str, *, follow: bool = False) -> None:
        """Open it; `ResultError` if it cannot be read.

        `follow`: after `begin_following`, wait at the end for what is appended, until `stop`.
        """
        self.name = "standard input" if path == STANDARD_INPUT else path
        self._owned = path != STANDARD_INPUT
        try:
            # without O_NONBLOCK: a named pipe waits for its writer
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY) if self._owned else 0
            is_regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no such file name"
            raise ResultError(f"{self.name}: cannot be read: {reason}") from None
        self._waits = not is_regular
        self._may_follow = follow
        self._follow = False
        self._held = b""
        """What was read already, and belongs to what is read next."""
        self._stopping = threading.Event()
        self.caught_up = threading.Event()
        """Set as soon as everything was read that was there; only with `follow`."""

    def __enter__(self) -> Self:
        """Return the input itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._owned:
            os.close(self._fd)

    def stop(self) -> None:
        """End soon, as if the file ended here."""
        self._stopping.set()

    def begin_following(self) -> None:
        """Wait at the end of the file from now on, if that was wanted: its writer may go on."""
        self._follow = self._may_follow

    @property
    def is_stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopping.is_set()

    def lines(self) -> Iterator[bytes]:
        """Iterate over the lines, each with its newline but perhaps the last.

        `ResultError` for a line of more than `MAX_LINE` bytes.
        """
        parts: list[bytes] = []
        length = 0
        for piece in self._pieces():
            for part in _split(piece):
                parts.append(part)
                length += len(part)
                if length > MAX_LINE:
                    raise ResultError(f"{self.name}: a line has more than {MAX_LINE >> 20} MiB")
                if part.endswith(b"\n"):
                    yield b"".join(parts)
                    parts, length = [], 0
        if parts:
            yield b"".join(parts)

    def start(self) -> bytes:
        """Return the beginning from the first byte on that is no space; empty at the end.

        It is not taken: `lines` and `rest` begin with it.
        """
        for piece in self._pieces():
            self._held = piece.removeprefix(BYTE_ORDER_MARK).lstrip()
            if self._held:
                break
        return self._held

    def rest(self) -> bytes:
        """Return all that follows; `ResultError` beyond `MAX_BYTES`."""
        return self.joined(self._pieces())

    def joined(self, parts: Iterable[bytes]) -> bytes:
        """Return the parts as one; `ResultError` beyond `MAX_BYTES`."""
        kept = []
        length = 0
        for part in parts:
            kept.append(part)
            length += len(part)
            if length > MAX_BYTES:
                raise ResultError(f"{self.name}: more than {MAX_BYTES >> 20} MiB")
        return b"".join(kept)

    def _pieces(self) -> Iterator[bytes]:
        held, self._held = self._held, b""
        if held:
            yield held
        while not self._stopping.is_set():
            try:
                if self._waits and not select.select([self._fd], [], [], _TICK)[0]:
                    continue
                piece = os.read(self._fd, _PIECE)
            except OSError as error:
                raise ResultError(f"{self.name}: cannot be read: {error.strerror}") from None
            if piece:
                yield piece
            elif not self._follow:
                return
            else:
                self.caught_up.set()
                self._stopping.wait(_TICK)


def _split(piece: bytes) -> list[bytes]:
    """Return the lines with their newlines; `bytes.splitlines` would split at `\\r`, too."""
    lines = [line + b"\n" for line in piece.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]
