"""Host names from hosts(5), which the system uses before DNS."""

import os

from tui_trace.core.bounded_files import read_start
from tui_trace.names.addresses import Address, parse_address

HOSTS = "/etc/hosts"
MAX_BYTES = 1024 * 1024
"""Bytes that are read; blocklists of advertisements are longer, but name no router."""


class EtcHosts:
    """The hosts file; it is read again when it changes."""

    def __init__(self, path: str = HOSTS) -> None:
        """Use the file at `path`; it is read when the first name is needed."""
        self._path = path
        self._read: tuple[int, int] | None = None
        self._names: dict[Address, tuple[str, ...]] = {}

    def names(self, address: Address) -> tuple[str, ...]:
        """Return the names of an address, the canonical name first; empty if there are none."""
        try:
            state = os.stat(self._path)
            read = (state.st_mtime_ns, state.st_ino)
            if read != self._read:
                self._names = _parsed(read_start(self._path, MAX_BYTES))
                self._read = read
        except OSError:
            return ()
        return self._names.get(address, ())


def _parsed(content: bytes) -> dict[Address, tuple[str, ...]]:
    names: dict[Address, tuple[str, ...]] = {}
    for line in content.decode("utf-8", "backslashreplace").splitlines():
        words = line.partition("#")[0].split()
        address = parse_address(words[0]) if words else None
        if address is not None:
            names[address] = (*names.get(address, ()), *words[1:])
    return names
