"""The error of files that other programs wrote."""

from tui_trace.core.sanitize import sanitize
from tui_trace.core.stream import SourceError

_LONGEST = 1000
"""Most characters of the message."""


class ResultError(SourceError):
    """Results cannot be read; `str()` is one line, safe for a terminal."""

    def __init__(self, line: str) -> None:
        """`line` may contain a file name, and what the file holds."""
        super().__init__(sanitize(line, _LONGEST))
