"""The error of recordings."""

from tui_trace.core.sanitize import sanitize
from tui_trace.core.stream import SourceError

_LONGEST = 5000
"""Most characters of the message. A path has at most 4096 bytes; the reason comes after it."""


class RecordingError(SourceError):
    """A recording cannot be created or read; `str()` is one line, safe for a terminal."""

    def __init__(self, line: str) -> None:
        """`line` may contain a file name with any characters."""
        if len(line) > _LONGEST:
            line = f"{line[: _LONGEST // 2]}…{line[-_LONGEST // 4 :]}"
        super().__init__(sanitize(line, _LONGEST))
