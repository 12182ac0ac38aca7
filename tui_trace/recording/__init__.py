"""A session on disk, recorded as it runs, and played back."""

from tui_trace.recording.errors import RecordingError
from tui_trace.recording.playback import Playback, Restorable
from tui_trace.recording.reader import Info, Recording
from tui_trace.recording.recorded import Recorded
from tui_trace.recording.sessions import find, list_sessions

__all__ = [
    "Info",
    "Playback",
    "Recorded",
    "Recording",
    "RecordingError",
    "Restorable",
    "find",
    "list_sessions",
]
