"""A source whose addresses get places: the events of another, and where each address is."""

import threading

from tui_trace.core.events import Event, Notice, Reply, SessionBegan, SessionEnded
from tui_trace.core.stream import Source
from tui_trace.names.location_lookup import LocationLookup
from tui_trace.names.lookup_source import LookupSource
from tui_trace.names.service import MAX_ADDRESSES


class LocatedSource(LookupSource):
    """A source that adds city and exchange point of the addresses in another source's stream."""

    def __init__(self, source: Source, lookup: LocationLookup, *, patience: float = 0.0) -> None:
        """`patience`: seconds that the end of the stream waits for what is still looked up."""
        super().__init__(source)
        self._lookup = lookup
        self._patience = patience
        self._seen: set[str] = set()
        self._told = 0
        """Troubles of the lookup that were told."""
        self._settled = threading.Event()

    def stop(self) -> None:
        """End soon, and wait for no lookup."""
        self._settled.set()
        super().stop()

    def event(self, event: Event) -> None:
        """Note the address in the event, and pass the event on; at the end, wait for lookups."""
        if isinstance(event, (Reply, SessionBegan)):
            if event.address not in self._seen and len(self._seen) < MAX_ADDRESSES:
                self._seen.add(event.address)
                self._lookup.want(event.address, self._found.append)
        elif isinstance(event, SessionEnded):
            if self._patience:
                self._lookup.settle(self._settled)
                self._settled.wait(self._patience)
            self._emit_found(event.at)
        self._sink.event(event)

    def _emit_found(self, at: int) -> None:
        troubles = self._lookup.troubles[self._told :]
        if troubles:
            self._told += len(troubles)
            self._sink.event(Notice(at, "; ".join(troubles)))
        super()._emit_found(at)
