"""The thread that looks up in the user's files where addresses are."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from tui_trace.core.bounded_files import error_reason
from tui_trace.core.events import Located
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.names.addresses import Address, parse_address
from tui_trace.names.location_options import LocationFiles
from tui_trace.names.service import MAX_ADDRESSES, sanitize_event

if TYPE_CHECKING:  # whoever has no such file imports nothing for it
    from tui_trace.names.exchange_prefixes import ExchangePrefixes
    from tui_trace.names.geoip_database import GeoipDatabase

Tell: TypeAlias = Callable[[Located], None]
_T = TypeVar("_T")


class LocationLookup:
    """Looks up where addresses are, for the sources of all targets; each address once.

    Everything else than what the thread does may be called from any thread.
    """

    def __init__(self, files: LocationFiles) -> None:
        """Use these files, and in place of those that are not given the usual ones."""
        self._files = files
        self._wanted: queue.SimpleQueue[tuple[str, Tell] | threading.Event] = queue.SimpleQueue()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self.troubles: list[str] = []
        """A line on each file that cannot be used; only grows."""
        # the attributes below are used only by the thread
        self._geoip: GeoipDatabase | None = None
        self._exchanges: ExchangePrefixes | None = None
        self._known: dict[str, Located | None] = {}

    def want(self, address: str, tell: Tell) -> None:
        """Look up an address; `tell` is called in the thread if something is known of it."""
        self._begin()
        self._wanted.put((address, tell))

    def settle(self, done: threading.Event) -> None:
        """Set `done` when all that was wanted up to now has been looked up."""
        self._begin()
        self._wanted.put(done)

    def _begin(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="locations", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        files = self._files.or_usual()
        self._geoip = self._opened("--geoip", files.geoip, _open_geoip)
        self._exchanges = self._opened("--peeringdb", files.peeringdb, _open_exchanges)
        while True:
            wanted = self._wanted.get()
            if isinstance(wanted, threading.Event):
                wanted.set()
                continue
            address, tell = wanted
            if address not in self._known and len(self._known) < MAX_ADDRESSES:
                self._known[address] = self._look_up(address)
            found = self._known.get(address)
            if found is not None:
                tell(found)

    def _opened(self, option: str, path: Path | None, opening: Callable[[Path], _T]) -> _T | None:
        if path is None:
            return None
        try:
            return opening(path)
        except Exception as error:
            self._report(option, path, error)
            return None

    def _report(self, option: str, path: Path, error: Exception) -> None:
        reason = error_reason(error) if isinstance(error, OSError) else str(error)
        self.troubles.append(sanitize(f"{option} {path}: {reason}", MESSAGE_LIMIT))

    def _look_up(self, wanted: str) -> Located | None:
        address = parse_address(wanted)
        if address is None:
            return None
        city, country, database = self._in_geoip(address)
        exchange = self._exchanges.name_of(address) if self._exchanges is not None else ""
        if not (city or country or exchange):
            return None
        return sanitize_event(Located(0, wanted, exchange, city, country, database))

    def _in_geoip(self, address: Address) -> tuple[str, str, str]:
        if self._geoip is None:
            return "", "", ""
        try:
            return *self._geoip.find(address), self._geoip.title
        except ValueError as error:
            self._report("--geoip", self._geoip.path, error)
            self._geoip.close()
            self._geoip = None
            return "", "", ""


def _open_geoip(path: Path) -> "GeoipDatabase":
    from tui_trace.names.geoip_database import GeoipDatabase

    return GeoipDatabase(path)


def _open_exchanges(path: Path) -> "ExchangePrefixes":
    from tui_trace.names.exchange_prefixes import read_exchange_prefixes

    return read_exchange_prefixes(path)
