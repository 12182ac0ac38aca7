"""A source that plays the events of one session as fast as the sink takes them."""

from collections.abc import Callable, Iterator
from itertools import islice

from tui_trace.core.events import Event
from tui_trace.core.stream import Command, Sink
from tui_trace.recording.growth import Growth
from tui_trace.recording.playback import Restorable
from tui_trace.results.errors import ResultError
from tui_trace.session.fold import Session

_BATCH = 1000


class ResultSource:
    """Plays one session, as a `stream.Source`."""

    def __init__(self, name: str, events: Iterator[Event], stop: Callable[[], object]) -> None:
        """`name` is the file's; `stop` ends the iterator soon, from any thread."""
        self._name = name
        self._events = events
        self._stop = stop

    def run(self, sink: Sink) -> None:
        """Play to the end; `ResultError`, at any moment, if the contents are no session's."""
        try:
            if isinstance(sink, Restorable):
                self._fold(sink)
            else:
                self._hand_over(sink)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise ResultError(f"{self._name}: {error}") from None

    def _hand_over(self, sink: Sink) -> None:
        at = 0
        for number, event in enumerate(self._events, 1):
            at = max(at, event.at)
            sink.event(event)
            if number % _BATCH == 0:
                sink.pulse(at)
        sink.pulse(at)

    def _fold(self, sink: "Restorable") -> None:
        """Fold the whole session within the bounds of recordings, then give it to the sink."""
        session = Session()
        growth = Growth(session)
        while batch := list(islice(self._events, _BATCH)):
            for event in batch:
                session.apply(event)
            growth.check(len(batch), 0)
        sink.restore(session)

    def command(self, command: Command) -> None:
        """Ignore the command: the probes were sent long ago."""

    def stop(self) -> None:
        """End soon."""
        self._stop()
