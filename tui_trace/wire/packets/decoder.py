"""What came in, decoded: bytes of the network → `ReceivedReply`. Bytes that make no sense are None.

IP headers, quotes and ICMP errors are decoded here; what the target itself sends, and the first
eight bytes of a probe, by the protocols of `tui_trace.wire.packets.registry`. Nothing here raises,
whatever the bytes are. RFC 792 and RFC 4443 (messages and their quotes), RFC 8200 (IPv6 headers).
"""

import functools
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import Protocol
from tui_trace.wire.network import Answers, FlowTuple, ReceivedReply
from tui_trace.wire.packets.checksum import ones_sum
from tui_trace.wire.packets.icmp_class import CLASSIFY_ERROR, ECHO_REPLY
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import BY_IP_NUMBER, PROBE_PROTOCOLS

_H = struct.Struct("!H")
_I = struct.Struct("!I")
_IP4 = struct.Struct("!BBxxHHBBxx4x4s")
_IP6 = struct.Struct("!HxxxxBB16x16s")

# looked up once: that costs as much as a parse
_TOO_BIG = ReplyKind.TOO_BIG
_PROBE = Answers.PROBE
_PROTOCOL4, _PROTOCOL6 = BY_IP_NUMBER[4].get, BY_IP_NUMBER[6].get
_OTHER_IP4, _OTHER_IP6 = PROBE_PROTOCOLS[4][Protocol.IP], PROBE_PROTOCOLS[6][Protocol.IP]

_FRAGMENT = 44
EXTENSIONS = (0, 43, _FRAGMENT, 60)
"""Hop-by-hop options, routing, fragment, destination options."""
_MAX_EXTENSIONS = 8
"""IPv6 extension headers that are read over; our probes have none."""


class QuotedHeader(NamedTuple):
    """Which probe a quoted or looped packet is, and how it was when it was copied."""

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
    """Return an address of 4 or 16 bytes as text."""
    return _text4(address) if len(address) == 4 else _text6(address)


def from_ip4(data: bytes, wall: int, stamp: Stamp, whole: bool = True) -> ReceivedPacket | None:
    """Read a packet as a raw IPv4 socket gives it, with its header; None if it is none."""
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    start = (data[0] & 15) * 4
    if start < 20 or len(data) < start:
        return None
    return ReceivedPacket(data, start, _text4(data[12:16]), data[8], wall, stamp, whole)


def from_ip6(data: bytes, wall: int, stamp: Stamp, whole: bool = True) -> ReceivedPacket | None:
    """Read a packet as a packet socket gives it, with its header but no extension headers."""
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    return ReceivedPacket(data, 40, _text6(data[8:24]), data[7], wall, stamp, whole)


def quote4(data: bytes, start: int = 0) -> QuotedHeader | None:
    """Read the probe in the IPv4 packet at `start`, which a router quoted or the kernel looped."""
    if len(data) < start + 28:
        return None
    first, tos, ip_id, fragment, ttl, number, destination = _IP4.unpack_from(data, start)
    above = start + (first & 15) * 4
    # a fragment that is not the first carries no transport header
    if first >> 4 != 4 or above < start + 20 or len(data) < above + 8 or fragment & 0x1FFF:
        return None
    protocol = _PROTOCOL4(number, _OTHER_IP4)
    known = protocol.flow_and_key(data, above)
    if known is None:
        return None
    flow, key = known
    return QuotedHeader(protocol.protocol, flow, key, ip_id, _text4(destination), tos, ttl)


def quote6(data: bytes, start: int = 0) -> QuotedHeader | None:
    """Read the probe in the IPv6 packet at `start`, behind any extension headers."""
    if len(data) < start + 48:
        return None
    first, following, ttl, destination = _IP6.unpack_from(data, start)
    if first >> 12 != 6:
        return None
    number, above = behind_extensions(data, following, start + 40)
    if number in EXTENSIONS or len(data) < above + 8:
        return None
    protocol = _PROTOCOL6(number, _OTHER_IP6)
    known = protocol.flow_and_key(data, above)
    if known is None:
        return None
    flow, key = known
    return QuotedHeader(
        protocol.protocol, flow, key, None, _text6(destination), first >> 4 & 0xFF, ttl
    )


def behind_extensions(data: bytes, number: int, start: int) -> tuple[int, int]:
    """Return the protocol behind IPv6's extension headers (RFC 8200 §4), and its offset.

    The offset may be beyond the data's end.
    """
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


def _icmp_decoder(version: int) -> Callable[[ReceivedPacket], ReceivedReply | None]:
    """Return the function that decodes the ICMP messages of this IP version.

    A raw IPv4 socket gives them unverified; of ICMPv6 the kernel has verified the checksum.
    """
    is_unverified = version == 4
    echo_reply, classify_error = ECHO_REPLY[version], CLASSIFY_ERROR[version]
    decode_echo_reply = PROBE_PROTOCOLS[version][Protocol.ICMP].decode_reply
    read_quote = quote4 if version == 4 else quote6
    read_mtu, mtu_at = (_H.unpack_from, 6) if version == 4 else (_I.unpack_from, 4)

    def decode(packet: ReceivedPacket) -> ReceivedReply | None:
        data, start = packet.data, packet.start
        if len(data) < start + 8 or (is_unverified and packet.whole and ones_sum(data[start:])):
            return None
        icmp_type, code = data[start], data[start + 1]
        if icmp_type == echo_reply and code == 0:
            return decode_echo_reply(packet)
        kind = classify_error(icmp_type, code)
        if kind is None:
            return None
        mtu = read_mtu(data, start + mtu_at)[0] or None if kind is _TOO_BIG else None
        return _decode_error(packet, kind, read_quote(data, start + 8), mtu)

    return decode


decode_icmpv4 = _icmp_decoder(4)
"""Decode an ICMP message (RFC 792); None if it answers no probe."""
decode_icmpv6 = _icmp_decoder(6)
"""Decode an ICMPv6 message (RFC 4443); None if it answers no probe."""


def _decode_error(
    packet: ReceivedPacket, kind: ReplyKind, quote: QuotedHeader | None, mtu: int | None
) -> ReceivedReply | None:
    if quote is None:
        return None
    data, start, address, reply_ttl, wall, stamp, _ = packet
    protocol, flow, key, ip_id, destination, tos, ttl = quote
    # in the order of the fields: by name, their construction takes 1.5 µs longer
    fields = (
        address, kind, protocol, flow, key, ip_id, destination, wall, stamp,
        data[start], data[start + 1], reply_ttl, mtu, False, tos, ttl, data[start:], 0, b"", (),
    )  # fmt: skip
    return ReceivedReply._make(fields)
