"""Host names for line output, which waits for them: a printed line cannot change later."""

from collections.abc import Callable
from typing import Any

import msgspec

from tui_trace.core.events import AsnFound, Event, HostNamed, OwnerFound
from tui_trace.names.name_options import NameOptions
from tui_trace.names.service import Names
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo

MAX_WAIT = 3.5
"""Longest time in seconds that a line waits; a lookup takes at most three."""


class NameWait:
    """Starts lookups when an address is seen, and waits for them when a line needs the result."""

    def __init__(self, options: NameOptions, may_ask: Callable[[str], bool]) -> None:
        """Prepare lookups of addresses for which `may_ask` is true; `start` begins with them."""
        self._names = Names(self._tell, options) if options.asks else None
        self._may_ask = may_ask
        self._who: dict[str, AddressInfo] = {}
        self._settled: set[str] = set()

    def start(self) -> None:
        """Start the thread of the lookups."""
        if self._names is not None:
            self._names.start()

    def stop(self) -> None:
        """End the lookups; the cache is saved."""
        if self._names is not None:
            self._names.stop()

    def want(self, address: str) -> None:
        """Start the lookup of an address that will be printed soon."""
        if self._names is not None and self._may_ask(address):
            self._names.want(address)

    def who(self, address: str) -> AddressInfo:
        """Return what is known of the address; the first call for it waits for its lookups."""
        if self._names is not None and self._may_ask(address) and address not in self._settled:
            self._settled.add(address)
            self._names.settle(MAX_WAIT)
        return self._who.get(address, UNKNOWN_HOST)

    def _tell(self, event: Event) -> None:
        field = {HostNamed: "named", AsnFound: "origin", OwnerFound: "owned"}.get(type(event))
        if field is not None and isinstance(event, (HostNamed, AsnFound, OwnerFound)):
            known: dict[str, Any] = {field: event}
            who = self._who.get(event.address, UNKNOWN_HOST)
            self._who[event.address] = msgspec.structs.replace(who, **known)
