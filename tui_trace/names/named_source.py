"""A source whose addresses get names: the events of another, and what is found out of each."""

import msgspec

from tui_trace.core.events import Event, Reply, SessionBegan, SessionEnded
from tui_trace.core.stream import Command, QueryRegistry, SetAsnLookup, Sink, Source
from tui_trace.names.lookup_source import LookupSource
from tui_trace.names.name_options import AsnSource, NameOptions
from tui_trace.names.service import Names
from tui_trace.names.shared_names import SharedNames


class NamedSource(LookupSource):
    """A source that adds names, origins and owners of the addresses in another source's stream."""

    def __init__(
        self,
        source: Source,
        options: NameOptions,
        *,
        asn_source: AsnSource = AsnSource.CYMRU,
        patience: float = 0.0,
        shared: SharedNames | None = None,
    ) -> None:
        """`asn_source` answers when AS numbers are asked for later; `patience` in seconds is how
        long the end of the stream waits for what is still being asked. `shared`: lookups that
        other sources use, too.
        """
        super().__init__(source)
        self._options = options
        self._asn_source = asn_source
        self._patience = patience
        tell = self._found.append
        self._names = Names(tell, options) if shared is None else shared.share(tell)

    def run(self, sink: Sink) -> None:
        """Run the inner source, and look addresses up beside it; blocks."""
        self._names.start()
        try:
            super().run(sink)
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
                super().command(command)

    def stop(self) -> None:
        """End soon, and wait for no name."""
        self._names.hurry()
        super().stop()

    def event(self, event: Event) -> None:
        """Note the address in the event, and pass the event on; at the end, wait for lookups."""
        if isinstance(event, (Reply, SessionBegan)):
            self._names.want(event.address)
        elif isinstance(event, SessionEnded):
            if self._patience:
                self._names.settle(self._patience)
            self._emit_found(event.at)
        self._sink.event(event)
