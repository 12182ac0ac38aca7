"""Sessions on disk: how they are recorded, listed and played back."""

from tui_trace.recording.errors import RecordingError
from tui_trace.recording.playback import Playback, Restorable
from tui_trace.recording.reader import Recording, SessionInfo
from tui_trace.recording.recorded_source import RecordedSource
from tui_trace.recording.sessions import find_recording, list_sessions

__all__ = [
    "Playback",
    "RecordedSource",
    "Recording",
    "RecordingError",
    "Restorable",
    "SessionInfo",
    "find_recording",
    "list_sessions",
]
