"""The base of sources that add what lookups beside the stream found."""

from collections import deque

from tui_trace.core.events import Event, at_time
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Source


class LookupSource(SourceFilter):
    """A source that adds what other threads put into `_found`, with the next pulse."""

    def __init__(self, source: Source) -> None:
        """`source` is the inner source."""
        super().__init__(source)
        self._found: deque[Event] = deque()

    def pulse(self, at: int) -> None:
        """Add what was found since the last pulse."""
        self._emit_found(at)
        self._sink.pulse(at)

    def _emit_found(self, at: int) -> None:
        while self._found:
            self._sink.event(at_time(self._found.popleft(), at))
