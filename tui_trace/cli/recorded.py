"""What the sources of all targets of a session have in common: options, and a recording each."""

from typing import TYPE_CHECKING

from tui_trace.core.stream import Source
from tui_trace.options.command_line import Options

if TYPE_CHECKING:
    from tui_trace.recording.sessions import RetentionLimits


class RecordingFactory:
    """The base of what makes sources for several targets, one after another."""

    def __init__(self, options: Options) -> None:
        """Record as the options say."""
        self.options = options
        self._record = options.record
        """File of the first recording; those of later targets get a name derived from it."""
        self.kept: RetentionLimits | None = None
        """Limits of the usual folder of recordings; None: the default limits."""
        place = options.place
        self.greeting = "" if place.is_local else f"connecting to {place.host} …"
        """A line for the view until the first event."""

    @property
    def broke_off(self) -> bool:
        """Whether the latest session ended before its time."""
        return False

    def _recorded(self, source: Source) -> Source:
        """Return the source, with a recording unless the options say no."""
        from tui_trace.recording import RecordedSource
        from tui_trace.recording.sessions import DEFAULT_RETENTION, free_path

        if not self.options.recorded:
            return source
        path, self._record = self._record, None
        if path is None and self.options.record is not None:
            path = free_path(self.options.record)
        return RecordedSource(source, path, self.kept or DEFAULT_RETENTION)
