"""What can be wrong with a recording."""

from tui_trace.core.sanitize import sanitize
from tui_trace.core.stream import SourceError

_LONGEST = 5000
"""Characters of a line: a path has no more than 4096 bytes. The reason is at the end."""


class RecordingError(SourceError):
    """A file that cannot be made or read; `str()` is the one line to show, fit for a terminal."""

    def __init__(self, line: str) -> None:
        """`line` may hold the name of a file, which may hold anything."""
        if len(line) > _LONGEST:
            line = f"{line[: _LONGEST // 2]}…{line[-_LONGEST // 4 :]}"
        super().__init__(sanitize(line, _LONGEST))
