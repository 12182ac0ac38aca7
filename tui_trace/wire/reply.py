"""What came in, decoded: bytes of the network → `Answer`. Bytes that make no sense are None.

Nothing here raises, whatever the bytes are. RFC 792 and RFC 4443 (messages and their quotes),
RFC 9293 (TCP), RFC 8200 (IPv6 headers).
"""

import functools
import socket
import struct
from typing import NamedTuple

from tui_trace.events import ReplyKind, Stamp
from tui_trace.settings import Protocol
from tui_trace.wire.network import Answer, Flow
from tui_trace.wire.template import ones_sum

_H = struct.Struct("!H")
_I = struct.Struct("!I")
_HHI = struct.Struct("!HHI")
_HHHH = struct.Struct("!HHHH")

_FIN_SYN_RST_ACK = 0x17
_SYN_ACK = 0x12
_RST = 0x04
_ACK = 0x10
_ECE_CWR = 0xC0
_ECE = 0x40

_MAX_EXTENSIONS = 8
"""IPv6 extension headers that are looked behind; a probe of ours leaves with none."""


class Received(NamedTuple):
    """A packet off a receive socket, from its transport header on."""

    data: bytes
    address: str
    """Its sender."""
    ttl: int | None
    wall: int
    stamp: Stamp
    whole: bool
    """`data` goes to the packet's end."""


class Quote(NamedTuple):
    """What an IP packet of ours says of the probe it is."""

    protocol: Protocol
    flow: Flow
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


def without_ip4(packet: bytes, wall: int, stamp: Stamp, whole: bool = True) -> Received | None:
    """Take the header off a packet as a raw IPv4 socket gives it."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    start = (packet[0] & 15) * 4
    if start < 20 or len(packet) < start:
        return None
    return Received(packet[start:], _text4(packet[12:16]), packet[8], wall, stamp, whole)


def quote4(data: bytes, start: int = 0) -> Quote | None:
    """The probe in the IPv4 packet at `start`: quoted by a router, or looped back as it left."""
    if len(data) < start + 28 or data[start] >> 4 != 4:
        return None
    above = start + (data[start] & 15) * 4
    # a fragment that is not the first carries no transport header
    if above < start + 20 or len(data) < above + 8 or _H.unpack_from(data, start + 6)[0] & 0x1FFF:
        return None
    known = _transport(data, above, data[start + 9], socket.IPPROTO_ICMP, 8)
    if known is None:
        return None
    return Quote(
        *known,
        _H.unpack_from(data, start + 4)[0],
        _text4(data[start + 16 : start + 20]),
        data[start + 1],
        data[start + 8],
    )


def quote6(data: bytes, start: int = 0) -> Quote | None:
    """The probe in the IPv6 packet at `start`, behind what extension headers it has."""
    if len(data) < start + 48 or data[start] >> 4 != 6:
        return None
    above = start + 40
    following = data[start + 6]
    for _ in range(_MAX_EXTENSIONS):
        # hop-by-hop, routing, fragment, destination options (RFC 8200 §4)
        if following not in (0, 43, 44, 60):
            break
        if len(data) < above + 8:
            return None
        if following == 44:
            if _H.unpack_from(data, above + 2)[0] & 0xFFF8:
                return None
            length = 8
        else:
            length = data[above + 1] * 8 + 8
        following = data[above]
        above += length
    if len(data) < above + 8:
        return None
    known = _transport(data, above, following, socket.IPPROTO_ICMPV6, 128)
    if known is None:
        return None
    tos = _H.unpack_from(data, start)[0] >> 4 & 0xFF
    return Quote(*known, None, _text6(data[start + 24 : start + 40]), tos, data[start + 7])


def _transport(
    data: bytes, start: int, number: int, icmp: int, echo: int
) -> tuple[Protocol, Flow, int] | None:
    """Protocol, flow and key from the first eight bytes above IP; `echo` is the request's type."""
    if number == socket.IPPROTO_UDP:
        source, destination, _, checksum = _HHHH.unpack_from(data, start)
        return Protocol.UDP, (source, destination), checksum
    if number == socket.IPPROTO_TCP:
        source, destination, sequence = _HHI.unpack_from(data, start)
        return Protocol.TCP, (source, destination), sequence
    if number == icmp:
        kind, checksum, identifier, sequence = _HHHH.unpack_from(data, start)
        if kind == echo << 8:
            return Protocol.ICMP, (identifier, checksum), sequence
    return None


def icmp4(packet: Received) -> Answer | None:
    """An ICMP message (RFC 792)."""
    data = packet.data
    if len(data) < 8 or (packet.whole and ones_sum(data)):
        return None
    kind, code = data[0], data[1]
    if kind == 0 and code == 0:
        return _echo(packet, 0, 0x0800)
    mtu = None
    if kind == 11 and code == 0:
        reply = ReplyKind.TIME_EXCEEDED
    elif kind == 3 and code == 4:
        reply = ReplyKind.TOO_BIG
        mtu = _H.unpack_from(data, 6)[0] or None
    elif kind == 3:
        reply = ReplyKind.UNREACHABLE
    elif kind in (11, 12):
        reply = ReplyKind.OTHER
    else:
        return None
    return _error(packet, reply, quote4(data, 8), mtu)


def icmp6(packet: Received) -> Answer | None:
    """An ICMPv6 message (RFC 4443), whose checksum the kernel has verified."""
    data = packet.data
    if len(data) < 8:
        return None
    kind, code = data[0], data[1]
    if kind == 129 and code == 0:
        return _echo(packet, 129 << 8, 128 << 8)
    mtu = None
    if kind == 3 and code == 0:
        reply = ReplyKind.TIME_EXCEEDED
    elif kind == 2:
        reply = ReplyKind.TOO_BIG
        mtu = _I.unpack_from(data, 4)[0] or None
    elif kind == 1:
        reply = ReplyKind.UNREACHABLE
    elif kind in (3, 4):
        reply = ReplyKind.OTHER
    else:
        return None
    return _error(packet, reply, quote6(data, 8), mtu)


def _error(
    packet: Received, reply: ReplyKind, quote: Quote | None, mtu: int | None
) -> Answer | None:
    if quote is None:
        return None
    return Answer(
        address=packet.address,
        kind=reply,
        protocol=quote.protocol,
        flow=quote.flow,
        key=quote.key,
        ip_id=quote.ip_id,
        destination=quote.destination,
        wall=packet.wall,
        stamp=packet.stamp,
        icmp_type=packet.data[0],
        code=packet.data[1],
        reply_ttl=packet.ttl,
        mtu=mtu,
        ecn=False,
        quoted_tos=quote.tos,
        quoted_ttl=quote.ttl,
    )


def _echo(packet: Received, answered: int, asked: int) -> Answer:
    """An echo reply. It differs from its request in the type alone, and so does its checksum."""
    _, checksum, identifier, sequence = _HHHH.unpack_from(packet.data)
    flow = identifier, (checksum + answered - asked) % 0xFFFF
    return _direct(packet, ReplyKind.ECHO, Protocol.ICMP, flow, sequence)


def tcp(packet: Received) -> Answer | None:
    """A SYN/ACK or RST. Its checksum is not looked at: only who saw our probe knows the key."""
    data = packet.data
    if len(data) < 20 or data[12] >> 4 < 5:
        return None
    flags = data[13]
    acknowledged = (_I.unpack_from(data, 8)[0] - 1) & 0xFFFF_FFFF
    if flags & _FIN_SYN_RST_ACK == _SYN_ACK:
        reply, key = ReplyKind.SYN_ACK, acknowledged
    elif flags & _RST:
        reply = ReplyKind.RST
        key = acknowledged if flags & _ACK else _I.unpack_from(data, 4)[0]
    else:
        return None
    ecn = reply is ReplyKind.SYN_ACK and flags & _ECE_CWR == _ECE
    source, destination, _ = _HHI.unpack_from(data)
    return _direct(packet, reply, Protocol.TCP, (destination, source), key, ecn=ecn)


def udp(packet: Received) -> Answer | None:
    """A datagram of the target's own."""
    data = packet.data
    if len(data) < 8:
        return None
    source, destination, length, _ = _HHHH.unpack_from(data)
    if length < 8 or (packet.whole and length > len(data)):
        return None
    return _direct(packet, ReplyKind.UDP, Protocol.UDP, (destination, source), None)


def _direct(
    packet: Received,
    reply: ReplyKind,
    protocol: Protocol,
    flow: Flow,
    key: int | None,
    *,
    ecn: bool = False,
) -> Answer:
    is_icmp = protocol is Protocol.ICMP
    return Answer(
        address=packet.address,
        kind=reply,
        protocol=protocol,
        flow=flow,
        key=key,
        ip_id=None,
        destination=packet.address,
        wall=packet.wall,
        stamp=packet.stamp,
        icmp_type=packet.data[0] if is_icmp else None,
        code=packet.data[1] if is_icmp else None,
        reply_ttl=packet.ttl,
        mtu=None,
        ecn=ecn,
        quoted_tos=None,
        quoted_ttl=None,
    )
