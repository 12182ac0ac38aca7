"""Sockets for dnspython that keep from it what would take it long to read.

Reading one record takes dnspython time that grows with the square of the labels in it, 40 s for
64 kB of pointers to a name of a hundred labels, and a resolver that passes answers on lets anybody
write them.
"""

import struct
from typing import Any, Self

from dns.asyncbackend import get_backend
from dns.rdatatype import RdataType

MOST_WORK = 150_000
"""For one answer, in units of `work`: a tenth of a second or less."""
_A_RECORD = 100
_MOST_LABELS = 128
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
"""How many names the data of a record begins with; of other types nothing is known."""


class Bounded:
    """The backend of asyncio for `dns.asyncresolver`, without answers of more than `MOST_WORK`."""

    def __init__(self) -> None:
        """It belongs to no event loop."""
        self._usual: Any = get_backend("asyncio")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    async def make_socket(self, *arguments: Any, **named: Any) -> Any:
        """As the usual backend does."""
        return _Socket(await self._usual.make_socket(*arguments, **named))


class _Socket:
    """A socket of dnspython's, for datagrams or a stream."""

    def __init__(self, usual: Any) -> None:
        self._usual = usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self._usual, name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._usual.close()

    async def recv(self, size: int, timeout: float | None) -> bytes:
        """So many bytes, or fewer at the end: first an answer's length, then all of the answer."""
        received = bytearray()
        while len(received) < size:
            piece = await self._usual.recv(size - len(received), timeout)
            if not piece:
                break
            received += piece
        if work(bytes(received)) > MOST_WORK:
            raise OSError("the answer takes too long to parse")
        return bytes(received)

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:
        """The next datagram that may be read; what is passed over is no answer."""
        while True:
            received, source = await self._usual.recvfrom(size, timeout)
            if work(received) <= MOST_WORK:
                return received, source


def work(wire: bytes) -> int:
    """What reading this message takes, in about half a microsecond; more than `MOST_WORK` is all
    the same. What is no message takes nothing: it is refused where it breaks.
    """
    units = 0
    try:
        questions, *records = _HEADER.unpack_from(wire)
        at = _HEADER.size
        for _ in range(questions):
            at = _name(wire, at)[1] + 4
        for _ in range(sum(records)):
            labels, at = _name(wire, at)
            kind, _, _, length = _RECORD.unpack_from(wire, at)
            at += _RECORD.size
            units += _A_RECORD + labels + _work_in(wire, at, kind)
            at += length
            if units > MOST_WORK:
                break
    except (struct.error, IndexError):
        pass
    return units


def _work_in(wire: bytes, at: int, kind: int) -> int:
    """For the data of a record that begins `at`."""
    names = _NAMES_IN.get(kind)
    if names is None:
        return _MOST_LABELS**2
    units = 0
    for _ in range(names):
        labels, at = _name(wire, at)
        units += labels**2
    return units


def _name(wire: bytes, at: int) -> tuple[int, int]:
    """How many labels the name has that begins `at` (RFC 1035 §4.1.4), and what is behind it."""
    labels = 0
    end: int | None = None
    for _ in range(2 * _MOST_LABELS):
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
