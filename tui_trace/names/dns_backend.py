"""Sockets for dnspython that drop answers whose parsing would take long.

The time that dnspython needs for a record grows with the square of its labels: 40 s for 64 kB of
pointers to a name of a hundred labels. A resolver forwards answers, so anybody can write them.
"""

import struct
from typing import Any, Self

from dns.asyncbackend import get_backend
from dns.rdatatype import RdataType

MAX_PARSING_COST = 150_000
"""Largest `parsing_cost` of an answer; it takes at most a tenth of a second."""
_RECORD_COST = 100
_MAX_LABELS = 128
_HEADER = struct.Struct("!4x4H")
_RECORD = struct.Struct("!HHIH")
_NAMES_IN: dict[int, int] = {
    RdataType.A: 0,
    RdataType.AAAA: 0,
    RdataType.TXT: 0,
    RdataType.OPT: 0,
    RdataType.CNAME: 1,
    RdataType.DNAME: 1,
    RdataType.NS: 1,
    RdataType.PTR: 1,
    RdataType.SOA: 2,
}
"""Number of names at the start of a record's data; other types count as expensive."""


class BoundedBackend:
    """dnspython's backend for asyncio, without answers that cost more than `MAX_PARSING_COST`."""

    def __init__(self) -> None:
        """Make a backend, which may be used in any event loop."""
        self._usual: Any = get_backend("asyncio")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    async def make_socket(self, *arguments: Any, **named: Any) -> Any:
        """Return a bounded socket; the arguments are those of the usual backend."""
        return _Socket(await self._usual.make_socket(*arguments, **named))


class _Socket:
    """A socket of dnspython for datagrams or for a stream."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._usual.close()

    async def recv(self, size: int, timeout: float | None) -> bytes:
        """Return `size` bytes, or fewer at the end; raise OSError if they are too costly."""
        received = bytearray()
        while len(received) < size:
            piece = await self._usual.recv(size - len(received), timeout)
            if not piece:
                break
            received += piece
        if parsing_cost(bytes(received)) > MAX_PARSING_COST:
            raise OSError("the answer takes too long to parse")
        return bytes(received)

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:
        """Return the next datagram that is not too costly; the others are dropped."""
        while True:
            received, source = await self._usual.recvfrom(size, timeout)
            if parsing_cost(received) <= MAX_PARSING_COST:
                return received, source


def parsing_cost(wire: bytes) -> int:
    """Return the cost of parsing this message, in units of about half a microsecond.

    Counting stops above `MAX_PARSING_COST`. An invalid message costs nothing more: dnspython stops
    where it breaks.
    """
    units = 0
    try:
        questions, *records = _HEADER.unpack_from(wire)
        at = _HEADER.size
        for _ in range(questions):
            at = _skip_name(wire, at)[1] + 4
        for _ in range(sum(records)):
            labels, at = _skip_name(wire, at)
            kind, _, _, length = _RECORD.unpack_from(wire, at)
            at += _RECORD.size
            units += _RECORD_COST + labels + _data_cost(wire, at, kind)
            at += length
            if units > MAX_PARSING_COST:
                break
    except (struct.error, IndexError):
        pass
    return units


def _data_cost(wire: bytes, at: int, kind: int) -> int:
    """Return the cost of a record's data, which begin `at`."""
    names = _NAMES_IN.get(kind)
    if names is None:
        return _MAX_LABELS**2
    units = 0
    for _ in range(names):
        labels, at = _skip_name(wire, at)
        units += labels**2
    return units


def _skip_name(wire: bytes, at: int) -> tuple[int, int]:
    """Return the number of labels of the name `at` (RFC 1035 §4.1.4), and the offset after it."""
    labels = 0
    end: int | None = None
    for _ in range(2 * _MAX_LABELS):
        length = wire[at]
        if length >= 0xC0:
            end = at + 2 if end is None else end
            at = (length & 0x3F) << 8 | wire[at + 1]
        elif length:
            labels += 1
            at += 1 + length
        else:
            break
    return labels, at + 1 if end is None else end
