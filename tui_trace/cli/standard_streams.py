"""The standard streams: there even if closed, in any encoding, and orderly when they fail."""

import codecs
import io
import os
import select
import sys
import unicodedata
from typing import TextIO

_MOST = {"COLUMNS": 1000, "LINES": 500}
"""Sizes of a terminal that the environment may claim: every cell costs memory and time."""
_PLAIN = str.maketrans(
    "±·×‐‑‒–—‖‘’“”•…‹›←↑→↓−≠≤≥▁▂▃▄▅▆▇█░▒▓■▶▼◀●○",
    "~.x-----|''\"\"*.<><^>v-!<>.:-=+*%#.=*#>v<*o",
)
"""One character for one, so that columns stay where they are."""
_ERRORS = "tui-trace-plain"


def prepare_streams() -> None:
    """Make streams and terminal what everything else takes them for; call it first of all.

    A stream that is closed gets its number back, or the next socket would take it and be written
    to; reading and writing it fails as on any closed file. What the encoding of standard output or
    error lacks is written in ASCII. Standard output raises the first `OSError` and swallows what
    comes after it; standard error swallows all, for there is nobody left to tell. A size of the
    terminal that the environment cannot mean is forgotten, and the terminal asked.
    """
    _forget_sizes()
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(__file__, os.O_PATH)  # the lowest number that is free, and a file that exists
    codecs.register_error(_ERRORS, _plain)
    if sys.stdin is None:
        closed = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
        sys.stdin = sys.__stdin__ = closed  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(_Output(1), sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(_Errors(2), sys.stderr)  # type: ignore[misc]


def _forget_sizes() -> None:
    for name, most in _MOST.items():
        value = os.environ.get(name, "1")
        if not (value.isdecimal() and len(value) < 6 and 1 <= int(value) <= most):
            del os.environ[name]


def broke(error: BaseException) -> bool:
    """This is what standard output raised when it could no longer be written to."""
    return error is getattr(_raw(sys.__stdout__), "failure", None)


def _raw(stream: TextIO | None) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)


class _Output(io.FileIO):
    """Fails once. What waits in a buffer then drains, and the interpreter can end in peace."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        """All of `data` is taken care of; blocks even where the file does not."""
        try:
            while self.failure is None:
                written = super().write(data)
                if written is not None:
                    return written
                select.select([], [self.fileno()], [])
        except OSError as error:
            self.failure = error
            raise
        return len(data)


class _Errors(_Output):
    """Never fails."""

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _text(raw: _Output, like: TextIO | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None) or "utf-8",
        errors=_ERRORS,
        line_buffering=raw.isatty() or isinstance(raw, _Errors),
    )


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    stretch = error.object[error.start : error.end]
    return "".join(map(_character, stretch)), error.end


def _character(character: str) -> str:
    """ASCII as wide as it was, as like it as can be."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return ""
    like = unicodedata.normalize("NFD", character.translate(_PLAIN))[0]
    if like.isascii():
        return like
    match unicodedata.name(character, "").split():
        case ["BOX", "DRAWINGS", *words]:
            across = {"HORIZONTAL", "LEFT", "RIGHT"} & set(words)
            upright = {"VERTICAL", "UP", "DOWN"} & set(words)
            return "-" if not upright else "+" if across else "|"
        case [*_, "BLOCK"] | ["QUADRANT", *_]:
            return "#"
        case ["BRAILLE", *_]:
            return "."
    return "??" if unicodedata.east_asian_width(character) in "WF" else "?"
