"""What came in, decoded: bytes of the network → `ReceivedReply`. Bytes that make no sense are None.

Nothing here raises, whatever the bytes are. RFC 792 and RFC 4443 (messages and their quotes),
RFC 9293 (TCP), RFC 8200 (IPv6 headers).
"""

import functools
import socket
import struct
from typing import NamedTuple

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.builder import ones_sum

_H = struct.Struct("!H")
_HH = struct.Struct("!HH")
_I = struct.Struct("!I")
_TCP_HEAD = struct.Struct("!HHII")
_HHHH = struct.Struct("!HHHH")

_IP4 = struct.Struct("!BBxxHHBBxx4x4s")
_IP6 = struct.Struct("!HxxxxBB16x16s")

# members are looked up once: each look-up on the class costs as much as a parse
_ICMP, _UDP, _TCP, _IP = Protocol.ICMP, Protocol.UDP, Protocol.TCP, Protocol.IP
_TIME_EXCEEDED = ReplyKind.TIME_EXCEEDED
_ECHO = ReplyKind.ECHO
_UNREACHABLE = ReplyKind.UNREACHABLE
_TOO_BIG = ReplyKind.TOO_BIG
_OTHER = ReplyKind.OTHER

_FIN_SYN_RST_ACK = 0x17
_SYN_ACK = 0x12
_RST = 0x04
_ACK = 0x10
_ECE_CWR = 0xC0
_ECE = 0x40

_FRAGMENT = 44
EXTENSIONS = (0, 43, _FRAGMENT, 60)
"""Hop-by-hop options, routing, fragment, destination options."""
NOT_ERRORS = frozenset({0, 4, 5, 8, 9, 10, *range(13, 19), 30, *range(33, 40), 42, 43})
"""ICMP types that answer no probe: questions, their answers, and source quench and redirects, which
quote a packet that may have gone on its way all the same (IANA's registry; RFC 6633, RFC 1122
§3.2.2)."""
_MAX_EXTENSIONS = 8
"""IPv6 extension headers that are looked behind; a probe of ours leaves with none."""


class Received(NamedTuple):
    """A packet off a receive socket."""

    data: bytes
    start: int
    """Where its transport header begins."""
    address: str
    """Its sender."""
    ttl: int | None
    wall: int
    stamp: Stamp
    whole: bool
    """`data` goes to the packet's end."""


class QuotedHeader(NamedTuple):
    """What an IP packet of ours says of the probe it is."""

    protocol: Protocol
    flow: FlowTuple
    key: int
    ip_id: int | None
    destination: str
    tos: int
    ttl: int


@functools.lru_cache(4096)
def _text4(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET, address)


@functools.lru_cache(4096)
def _text6(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, address)


def text_of(address: bytes) -> str:
    """4 or 16 bytes as text."""
    return _text4(address) if len(address) == 4 else _text6(address)


def from_ip4(data: bytes, wall: int, stamp: Stamp, whole: bool = True) -> Received | None:
    """A packet as a raw IPv4 socket gives it, header and all."""
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    start = (data[0] & 15) * 4
    if start < 20 or len(data) < start:
        return None
    return Received(data, start, _text4(data[12:16]), data[8], wall, stamp, whole)


def from_ip6(data: bytes, wall: int, stamp: Stamp, whole: bool = True) -> Received | None:
    """A packet as a packet socket gives it, header and all, with no extension headers."""
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    return Received(data, 40, _text6(data[8:24]), data[7], wall, stamp, whole)


def quote4(data: bytes, start: int = 0) -> QuotedHeader | None:
    """The probe in the IPv4 packet at `start`: quoted by a router, or looped back as it left."""
    if len(data) < start + 28:
        return None
    first, tos, ip_id, fragment, ttl, number, destination = _IP4.unpack_from(data, start)
    above = start + (first & 15) * 4
    # a fragment that is not the first carries no transport header
    if first >> 4 != 4 or above < start + 20 or len(data) < above + 8 or fragment & 0x1FFF:
        return None
    known = _transport(data, above, number, 1, 8)
    if known is None:
        return None
    protocol, flow, key = known
    return QuotedHeader(protocol, flow, key, ip_id, _text4(destination), tos, ttl)


def quote6(data: bytes, start: int = 0) -> QuotedHeader | None:
    """The probe in the IPv6 packet at `start`, behind what extension headers it has."""
    if len(data) < start + 48:
        return None
    first, following, ttl, destination = _IP6.unpack_from(data, start)
    if first >> 12 != 6:
        return None
    number, above = behind_extensions(data, following, start + 40)
    if number in EXTENSIONS or len(data) < above + 8:
        return None
    known = _transport(data, above, number, 58, 128)
    if known is None:
        return None
    protocol, flow, key = known
    return QuotedHeader(protocol, flow, key, None, _text6(destination), first >> 4 & 0xFF, ttl)


def behind_extensions(data: bytes, number: int, start: int) -> tuple[int, int]:
    """What follows IPv6's extension headers (RFC 8200 §4), and where: maybe past the data's end."""
    for _ in range(_MAX_EXTENSIONS):
        if number not in EXTENSIONS or len(data) < start + 8:
            break
        length = data[start + 1] * 8 + 8
        if number == _FRAGMENT:
            if _H.unpack_from(data, start + 2)[0] & 0xFFF8:
                break
            length = 8
        number = data[start]
        start += length
    return number, start


def _transport(
    data: bytes, start: int, number: int, icmp: int, echo: int
) -> tuple[Protocol, FlowTuple, int] | None:
    """Protocol, flow and key from the first eight bytes above IP; `echo` is the request's type."""
    first, second, third, fourth = _HHHH.unpack_from(data, start)
    if number == icmp:
        return (_ICMP, (third, second), fourth) if first == echo << 8 else None
    if number == 17:
        return _UDP, (first, second), fourth
    return _TCP if number == 6 else _IP, (first, second), third << 16 | fourth


def decode_icmpv4(packet: Received) -> ReceivedReply | None:
    """An ICMP message (RFC 792)."""
    data, start = packet.data, packet.start
    if len(data) < start + 8 or (packet.whole and ones_sum(data[start:])):
        return None
    kind, code = data[start], data[start + 1]
    if kind == 0 and code == 0:
        return _echo(packet, 0, 0x0800)
    mtu = None
    if kind == 11 and code == 0:
        reply = _TIME_EXCEEDED
    elif kind == 3 and code == 4:
        reply = _TOO_BIG
        mtu = _H.unpack_from(data, start + 6)[0] or None
    elif kind == 3:
        reply = _UNREACHABLE
    elif kind in NOT_ERRORS:
        return None
    else:
        reply = _OTHER
    return _error(packet, reply, quote4(data, start + 8), mtu)


def decode_icmpv6(packet: Received) -> ReceivedReply | None:
    """An ICMPv6 message (RFC 4443), whose checksum the kernel has verified."""
    data, start = packet.data, packet.start
    if len(data) < start + 8:
        return None
    kind, code = data[start], data[start + 1]
    if kind == 129 and code == 0:
        return _echo(packet, 129 << 8, 128 << 8)
    mtu = None
    if kind == 3 and code == 0:
        reply = _TIME_EXCEEDED
    elif kind == 2:
        reply = _TOO_BIG
        mtu = _I.unpack_from(data, start + 4)[0] or None
    elif kind == 1 or (kind == 4 and code == 1):
        reply = _UNREACHABLE
    elif kind < 128:
        reply = _OTHER
    else:
        return None
    return _error(packet, reply, quote6(data, start + 8), mtu)


def _error(
    packet: Received, reply: ReplyKind, quote: QuotedHeader | None, mtu: int | None
) -> ReceivedReply | None:
    if quote is None:
        return None
    data, start, address, reply_ttl, wall, stamp, _ = packet
    protocol, flow, key, ip_id, destination, tos, ttl = quote
    kind, code = data[start], data[start + 1]
    # by position: by name, sixteen fields cost 1 µs more
    return ReceivedReply(
        *(address, reply, protocol, flow, key, ip_id, destination, wall, stamp),
        *(kind, code, reply_ttl, mtu, False, tos, ttl, data[start:]),
    )


def _echo(packet: Received, answered: int, asked: int) -> ReceivedReply:
    """An echo reply. It differs from its request in the type alone, and so does its checksum."""
    data, start, address, reply_ttl, wall, stamp, _ = packet
    _, checksum, identifier, sequence = _HHHH.unpack_from(data, start)
    flow = identifier, (checksum + answered - asked) % 0xFFFF
    return ReceivedReply(
        *(address, _ECHO, _ICMP, flow, sequence, None, address, wall, stamp),
        *(data[start], 0, reply_ttl, None, False, None, None),
    )


def decode_tcp(packet: Received) -> ReceivedReply | None:
    """A SYN/ACK or RST. Its checksum is not looked at: only who saw our probe knows the key."""
    data, start, address, reply_ttl, wall, stamp, _ = packet
    if len(data) < start + 20 or data[start + 12] >> 4 < 5:
        return None
    source, destination, sequence, acknowledged = _TCP_HEAD.unpack_from(data, start)
    flags = data[start + 13]
    key = (acknowledged - 1) & 0xFFFF_FFFF
    if flags & _FIN_SYN_RST_ACK == _SYN_ACK:
        reply = ReplyKind.SYN_ACK
    elif flags & _RST:
        reply = ReplyKind.RST
        if not flags & _ACK:
            key = sequence
    else:
        return None
    ecn = reply is ReplyKind.SYN_ACK and flags & _ECE_CWR == _ECE
    return ReceivedReply(
        *(address, reply, _TCP, (destination, source), key, None, address, wall, stamp),
        *(None, None, reply_ttl, None, ecn, None, None),
    )


def decode_udp(packet: Received) -> ReceivedReply | None:
    """A datagram of the target's own."""
    data, start, address, reply_ttl, wall, stamp, whole = packet
    if len(data) < start + 8:
        return None
    source, destination, length, _ = _HHHH.unpack_from(data, start)
    if length < 8 or (whole and length > len(data) - start):
        return None
    return ReceivedReply(
        *(address, ReplyKind.UDP, _UDP, (destination, source), None, None, address, wall, stamp),
        *(None, None, reply_ttl, None, False, None, None),
    )


def decode_other_ip(packet: Received) -> ReceivedReply | None:
    """An IP packet of the target's own that is of no protocol above."""
    data, start, address, reply_ttl, wall, stamp, _ = packet
    if len(data) < start + 4:
        return None
    source, destination = _HH.unpack_from(data, start)
    number = data[9] if data[0] >> 4 == 4 else data[6]
    return ReceivedReply(
        *(address, _OTHER, _IP, (destination, source), None, None, address, wall, stamp),
        *(None, None, reply_ttl, None, False, None, None, b"", number),
    )
