"""What wraps a source and is one itself: the stream of the inner source passes through it."""

from tui_trace.core.events import Event
from tui_trace.core.stream import Command, Sink, Source


class SourceFilter:
    """A source that passes the stream of another source on; subclasses change what they override.

    Towards the inner source it is the sink. `event` and `pulse` are called from the inner source's
    thread only; `command` and `stop` may be called from any thread.
    """

    def __init__(self, source: Source) -> None:
        """`source` is the inner source."""
        self._source = source
        self._sink: Sink
        """The sink behind; there is one from `run` on."""

    def run(self, sink: Sink) -> None:
        """Run the inner source until its end; blocks, and raises what the inner `run` raises."""
        self._sink = sink
        self._source.run(self)

    def command(self, command: Command) -> None:
        """Pass the command on to the inner source."""
        self._source.command(command)

    def stop(self) -> None:
        """Stop the inner source."""
        self._source.stop()

    def event(self, event: Event) -> None:
        """Pass the event on to the sink behind."""
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Pass the pulse on to the sink behind."""
        self._sink.pulse(at)
