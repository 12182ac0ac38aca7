"""A source whose addresses get names: the events of another, and what is found out of each."""

from collections import deque
from collections.abc import Callable

import msgspec

from tui_trace.core.events import Event, Reply, SessionBegan, SessionEnded, at_time
from tui_trace.core.stream import Command, QueryRegistry, SetAsnLookup, Sink, Source
from tui_trace.names.name_options import AsnSource, NameOptions
from tui_trace.names.service import Names


class NamedSource:
    """Passes the stream of `source` on and puts names, origins and owners into it."""

    def __init__(
        self,
        source: Source,
        options: NameOptions,
        *,
        asn_source: AsnSource = AsnSource.CYMRU,
        patience: float = 0.0,
    ) -> None:
        """`asn_source` answers when AS numbers are asked for later; `patience` in seconds is how
        long the end of the stream waits for what is still being asked.
        """
        self._source = source
        self._options = options
        self._asn_source = asn_source
        self._patience = patience
        self._found: deque[Event] = deque()
        self._names = Names(self._found.append, options)

    def run(self, sink: Sink) -> None:
        """Pass everything on; blocks like the source's own `run`."""
        self._names.start()
        try:
            self._source.run(_Listening(sink, self._names, self._found, self._settle))
        finally:
            self._names.stop()

    def command(self, command: Command) -> None:
        """What asks about addresses is answered here, the rest by the source; thread-safe."""
        match command:
            case SetAsnLookup(origins=origins):
                asn_source = (self._options.asn_source or self._asn_source) if origins else None
                self._options = msgspec.structs.replace(self._options, asn_source=asn_source)
                self._names.change(self._options)
            case QueryRegistry(address=address):
                self._names.record(address)
            case _:
                self._source.command(command)

    def stop(self) -> None:
        """End soon, and wait for no name."""
        self._names.hurry()
        self._source.stop()

    def _settle(self) -> None:
        if self._patience:
            self._names.settle(self._patience)


class _Listening:
    """A sink that reads along which addresses answer, and adds what was found of them."""

    def __init__(
        self, sink: Sink, names: Names, found: deque[Event], settle: Callable[[], None]
    ) -> None:
        self._sink = sink
        self._names = names
        self._found = found
        self._settle = settle

    def event(self, event: Event) -> None:
        """Pass it on."""
        if isinstance(event, (Reply, SessionBegan)):
            self._names.want(event.address)
        elif isinstance(event, SessionEnded):
            self._settle()
            self._tell(event.at)
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Add what was found since."""
        self._tell(at)
        self._sink.pulse(at)

    def _tell(self, at: int) -> None:
        while self._found:
            self._sink.event(at_time(self._found.popleft(), at))
