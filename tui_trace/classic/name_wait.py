"""Names of hosts for lines that are printed as they come: here somebody does wait for them."""

from collections.abc import Callable
from typing import Any

import msgspec

from tui_trace.core.events import AsnFound, Event, HostNamed, OwnerFound
from tui_trace.names.name_options import NameOptions
from tui_trace.names.service import Names
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo

PATIENCE = 3.5
"""Seconds that a line waits at most; the name service gives each look-up three."""


class NameWait:
    """Asks about addresses as soon as they are seen, and answers when a line needs them."""

    def __init__(self, options: NameOptions, may_ask: Callable[[str], bool]) -> None:
        """Nothing is asked before `start`, and never about what `may_ask` does not hold of."""
        self._names = Names(self._tell, options) if options.asks else None
        self._may_ask = may_ask
        self._who: dict[str, AddressInfo] = {}
        self._settled: set[str] = set()

    def start(self) -> None:
        """From now on something may be asked."""
        if self._names is not None:
            self._names.start()

    def stop(self) -> None:
        """Nothing more is asked."""
        if self._names is not None:
            self._names.stop()

    def want(self, address: str) -> None:
        """This address will be printed soon."""
        if self._names is not None and self._may_ask(address):
            self._names.want(address)

    def who(self, address: str) -> AddressInfo:
        """What is known of it; waits for what is being asked, once for each address."""
        if self._names is not None and self._may_ask(address) and address not in self._settled:
            self._settled.add(address)
            self._names.settle(PATIENCE)
        return self._who.get(address, UNKNOWN_HOST)

    def _tell(self, event: Event) -> None:
        field = {HostNamed: "named", AsnFound: "origin", OwnerFound: "owned"}.get(type(event))
        if field is not None and isinstance(event, (HostNamed, AsnFound, OwnerFound)):
            known: dict[str, Any] = {field: event}
            who = self._who.get(event.address, UNKNOWN_HOST)
            self._who[event.address] = msgspec.structs.replace(who, **known)
