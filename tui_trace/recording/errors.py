"""What can be wrong with a recording."""

from tui_trace.source import SourceError


class RecordingError(SourceError):
    """A file that cannot be made or read; `str()` is the one line to show."""
