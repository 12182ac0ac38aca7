"""Names that this machine's administrator gave: hosts(5), which the system asks before DNS."""

import os

from tui_trace.core.bounded_files import read_start
from tui_trace.names.addresses import Address, parse_address

HOSTS = "/etc/hosts"
LONGEST = 1024 * 1024
"""Bytes that are read; lists against advertisements are longer, and name no router."""


class EtcHosts:
    """The file as it is now."""

    def __init__(self, path: str = HOSTS) -> None:
        """Nothing is read yet."""
        self._path = path
        self._read: tuple[int, int] | None = None
        self._names: dict[Address, tuple[str, ...]] = {}

    def names(self, address: Address) -> tuple[str, ...]:
        """The names of an address, the canonical one first; none if the file says nothing."""
        try:
            state = os.stat(self._path)
            read = (state.st_mtime_ns, state.st_ino)
            if read != self._read:
                self._names = _parsed(read_start(self._path, LONGEST))
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
