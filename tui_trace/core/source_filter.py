"""The base of sources that wrap another source: its stream passes through them."""

from typing import TypeVar

from tui_trace.core.events import Event
from tui_trace.core.stream import Command, Sink, Source

_S = TypeVar("_S")


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

    @property
    def inner(self) -> Source:
        """Return the source that is wrapped."""
        return self._source

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


def find_source(source: Source, kind: type[_S]) -> _S | None:
    """Return the outermost source of this kind among a source and those that it wraps, or None."""
    while not isinstance(source, kind):
        if not isinstance(source, SourceFilter):
            return None
        source = source.inner
    return source
