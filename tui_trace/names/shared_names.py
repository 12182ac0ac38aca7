"""One thread of lookups for the sources of several targets, which meet the same routers."""

import threading
from collections.abc import Callable

from tui_trace.core.events import Event
from tui_trace.names.cache import NameEvent
from tui_trace.names.name_options import NameOptions
from tui_trace.names.service import Names


class SharedNames:
    """Lookups for several sources; each address is looked up once."""

    def __init__(self, options: NameOptions) -> None:
        """Begin with these options, which are those of all sources."""
        self._names = Names(self._tell, options)
        self._lock = threading.Lock()
        self._wanted: dict[str, list[NamesShare]] = {}
        """By address: the shares that asked for it."""
        self._known: dict[str, dict[type[Event], Event]] = {}
        """What is told again to a source that meets the address later."""
        self._shares: set[NamesShare] = set()
        self._has_started = False
        self.is_over = False
        """The last source has ended, and no more is looked up."""

    def share(self, tell: Callable[[Event], None]) -> "NamesShare":
        """Return the lookups of one source, which is told what it asked for."""
        return NamesShare(self, self._names, tell)

    def begin(self, share: "NamesShare") -> None:
        """Start with the first share."""
        with self._lock:
            self._shares.add(share)
            if not self._has_started:
                self._has_started = True
                self._names.start()

    def end(self, share: "NamesShare") -> None:
        """Stop with the last share."""
        with self._lock:
            self._shares.discard(share)
            for shares in self._wanted.values():
                if share in shares:
                    shares.remove(share)
            is_last = not self._shares
        if is_last:
            self.is_over = True
            self._names.stop()

    def want(self, share: "NamesShare", address: str) -> None:
        """Look up an address for one source."""
        with self._lock:
            shares = self._wanted.setdefault(address, [])
            if share not in shares:
                shares.append(share)
                for event in self._known.get(address, {}).values():
                    share.tell(event)
        self._names.want(address)

    def _tell(self, event: Event) -> None:
        address = getattr(event, "address", None)
        with self._lock:
            if address is None:
                told = list(self._shares)
            else:
                told = list(self._wanted.get(address, ()))
                if isinstance(event, NameEvent):
                    self._known.setdefault(address, {})[type(event)] = event
        for share in told:
            share.tell(event)


class NamesShare:
    """The lookups of one source; the same methods as `Names`."""

    def __init__(self, shared: SharedNames, names: Names, tell: Callable[[Event], None]) -> None:
        """`tell` is called with each event, in any thread."""
        self._shared = shared
        self._names = names
        self.tell = tell
        self._seen: set[str] = set()
        self.change = names.change
        self.settle = names.settle
        self.hurry = names.hurry

    def start(self) -> None:
        """Take part from now on."""
        self._shared.begin(self)

    def stop(self) -> None:
        """Take part no more."""
        self._shared.end(self)

    def want(self, address: str) -> None:
        """Look up this address; usually it costs one look into a set."""
        if address not in self._seen:
            self._seen.add(address)
            self._shared.want(self, address)
        else:
            self._names.want(address)

    def record(self, address: str) -> None:
        """Look up the address in its registry."""
        self._shared.want(self, address)
        self._names.record(address)
