"""The standard streams: usable even if closed, in any encoding, and with one error at most."""

import codecs
import io
import os
import select
import sys
import unicodedata
from typing import TextIO

_MAX_SIZES = {"COLUMNS": 1000, "LINES": 500}
"""Largest size of a terminal that is accepted from the environment: cells cost memory and time."""
_PLAIN = str.maketrans(
    "±·×‐‑‒–—‖‘’“”•…‹›←↑→↓−≠≤≥▁▂▃▄▅▆▇█░▒▓■▶▼◀●○",
    "~.x-----|''\"\"*.<><^>v-!<>.:-=+*%#.=*#>v<*o",
)
"""ASCII replacements of the same width, so that columns stay aligned."""
_ERRORS = "tui-trace-plain"


def prepare_streams() -> None:
    """Prepare the standard streams and the size of the terminal; call this first of all.

    A closed stream gets its file descriptor back, because otherwise the next socket would get it
    and receive the output; reading and writing it fails as on any closed file. Characters that
    the encoding of standard output or error lacks are written in ASCII. Standard output raises the
    first `OSError` and ignores later ones. Standard error ignores all of them, because they cannot
    be reported. An impossible COLUMNS or LINES is removed: the terminal has the size.
    """
    _forget_sizes()
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # gets the lowest free descriptor
            os.open(os.devnull, os.O_WRONLY if number == 0 else os.O_RDONLY)
    codecs.register_error(_ERRORS, _plain)
    if sys.stdin is None:
        closed = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
        sys.stdin = sys.__stdin__ = closed  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(_Output(1), sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(_Errors(2), sys.stderr)  # type: ignore[misc]


def _forget_sizes() -> None:
    for name, most in _MAX_SIZES.items():
        value = os.environ.get(name, "1")
        if not (value.isdecimal() and len(value) < 6 and 1 <= int(value) <= most):
            del os.environ[name]


def is_output_failure(error: BaseException) -> bool:
    """Return whether standard output raised this error when a write to it failed."""
    return error is getattr(_raw(sys.__stdout__), "failure", None)


def _raw(stream: TextIO | None) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)


class _Output(io.FileIO):
    """Standard output that fails once; later writes succeed, so that buffers can be flushed."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        """Write `data` and return the bytes written; block even if the file is non-blocking."""
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
    """Standard error, whose writes never raise."""

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
    """Return similar ASCII of the same width."""
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
