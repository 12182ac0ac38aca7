"""Exchange points by their networks, as PeeringDB knows them.

The file is what CAIDA publishes every day, or the same made of the API's answers: an object with
`ix`, `ixlan` and `ixpfx`, each with a list `data` of the API's objects.
"""

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from tui_trace.core.bounded_files import read_file
from tui_trace.names.addresses import Address

MOST_BYTES = 256 << 20
"""Of the file: CAIDA's has everything else in it, too."""
MOST_OF_A_TABLE = 16 << 20
"""Bytes of each of the three objects: the longest has 4 MB. Reading them takes 200 MB at most."""

_T = TypeVar("_T")


class _Exchange(msgspec.Struct, gc=False):
    id: int
    name: str


class _Lan(msgspec.Struct, gc=False):
    id: int
    ix_id: int


class _Prefix(msgspec.Struct, gc=False):
    ixlan_id: int
    prefix: str


class _Table(msgspec.Struct, Generic[_T]):
    data: list[_T]


class _Dump(msgspec.Struct):
    ix: msgspec.Raw
    ixlan: msgspec.Raw
    ixpfx: msgspec.Raw


class ExchangePrefixes:
    """Finds the exchange point whose network an address is in."""

    def __init__(self, networks: Iterable[tuple[str, str]]) -> None:
        """`networks`: prefix and name of the exchange; what is no prefix is left out."""
        self._names: dict[tuple[int, int, int], str] = {}
        """By IP version, prefix length and the bits of the prefix."""
        for prefix, name in networks:
            try:
                network = ipaddress.ip_network(prefix)
            except ValueError:
                continue
            bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            self._names[network.version, network.prefixlen, bits] = name
        found = {(version, length) for version, length, _ in self._names}
        self._lengths = sorted(found, reverse=True)

    def __len__(self) -> int:
        """Return the number of networks."""
        return len(self._names)

    def name_of(self, address: Address) -> str:
        """Return the name for an address, by the longest prefix; empty: no exchange's."""
        for version, length in self._lengths:
            if version == address.version:
                bits = int(address) >> (address.max_prefixlen - length)
                name = self._names.get((version, length, bits))
                if name is not None:
                    return name
        return ""


def read_exchange_prefixes(path: Path) -> ExchangePrefixes:
    """Read the file; `OSError`, or `ValueError` with what is wrong with it."""
    content = read_file(path, MOST_BYTES)
    try:
        dump = msgspec.json.decode(content, type=_Dump)
        names = {one.id: one.name for one in _objects(dump.ix, _Exchange)}
        exchanges = {one.id: names.get(one.ix_id, "") for one in _objects(dump.ixlan, _Lan)}
        prefixes = _objects(dump.ixpfx, _Prefix)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    known = ((one.prefix, exchanges.get(one.ixlan_id, "")) for one in prefixes)
    found = ExchangePrefixes((prefix, name) for prefix, name in known if name)
    if not found:
        raise ValueError("no networks of exchange points in it")
    return found


def _objects(table: msgspec.Raw, kind: type[_T]) -> list[_T]:
    if memoryview(table).nbytes > MOST_OF_A_TABLE:
        raise ValueError(f"more than {MOST_OF_A_TABLE >> 20} MiB of exchange points")
    return msgspec.json.decode(table, type=_Table[kind]).data  # type: ignore[valid-type]
