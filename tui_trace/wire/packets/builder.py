"""Probes as bytes: a template that scapy builds once, patched for each probe.

Checksums are sums modulo 65535 (RFC 1071), so a template keeps the sum of all that stays and adds
what changes. Two payload bytes, the *fix*, take up what must not show in the checksum of ICMP and
UDP.
"""

import contextlib
import logging
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from tui_trace.core.settings import FlowMode, ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.network import FlowTuple

_ONES = 0xFFFF
"""One's complement arithmetic on 16 bits is arithmetic modulo this; 0xFFFF and 0 are one number."""

_H = struct.Struct("!H")
_I = struct.Struct("!I")
_ICMP = struct.Struct("!HHHH")
_UDP = struct.Struct("!HHHHH")
_PORTS_SEQUENCE = struct.Struct("!HHI")

_WINDOW = 64_240
_TCP_FLAGS = {
    TcpFlags.SYN: "S",
    TcpFlags.ACK: "A",
    TcpFlags.SYN_ACK: "SA",
    TcpFlags.ECN: "SEC",
}
_NUMBERS = {
    Protocol.ICMP: {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6},
    Protocol.UDP: {4: 17, 6: 17},
    Protocol.TCP: {4: 6, 6: 6},
}
_SCAPY_FOLDERS = ("CONFIG", "CACHE", "DATA")
_ALIKE = 0x9E37_79B1
"""Odd, so that a flow's label differs from that of its neighbours (Knuth's multiplicative hash)."""


def ones_sum(data: bytes | bytearray) -> int:
    """The one's complement sum of 16-bit words, 0–65534; an odd last byte is padded (RFC 1071)."""
    if len(data) % 2:
        return (int.from_bytes(data, "big") << 8) % _ONES
    return int.from_bytes(data, "big") % _ONES


def data_length(settings: ProbeSettings, family: int) -> int:
    """Bytes of TCP data in a probe: what its size asks beyond the headers and their options.

    One less for an ACK probe. The number that an RST acknowledges counts a SYN as one byte, which
    `Answer.key` takes off; with no SYN in the probe, that byte is missing (RFC 9293 §3.10.7.1).
    """
    if settings.protocol is not Protocol.TCP:
        return 0
    data = settings.size - minimum_size(Protocol.TCP, family, settings.no_tcp_options)
    return data - 1 if settings.tcp_flags is TcpFlags.ACK else data


class Template:
    """All probes of one `ProbeSettings` between two addresses."""

    def __init__(
        self, settings: ProbeSettings, source: str, target: str, family: int, label: int = 0
    ) -> None:
        """`label` is the flow label that IPv6 probes carry, 20 bits (RFC 6437).

        A constant flow carries it as it is; the others, one of each flow's own. Raises `ValueError`
        for a size that does not hold the headers or that no IP packet can have.
        """
        least = minimum_size(settings.protocol, family, settings.no_tcp_options)
        if not least <= settings.size <= _ONES:
            raise ValueError(f"no probe of {settings.size} bytes")
        self._packet = bytearray(_build(settings, source, target, family))
        self._family = family
        self._label = label
        self._own_labels = settings.flow is not FlowMode.CONSTANT
        self._tos = settings.tos
        self._acknowledges = settings.tcp_flags in (TcpFlags.ACK, TcpFlags.SYN_ACK)
        self._start = 20 if family == 4 else 40
        self._length = settings.size - self._start
        header = self._packet[: self._start]
        self._header_sum = ones_sum(header)
        # of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) only ICMPv4 has none
        pseudo = 0
        if family == 6 or settings.protocol is not Protocol.ICMP:
            addresses = header[12:20] if family == 4 else header[8:40]
            pseudo = ones_sum(addresses) + self._length + number_of(settings, family)
        self._sum = pseudo + ones_sum(self._packet[self._start :])
        self._patch = {
            Protocol.ICMP: self._icmp,
            Protocol.UDP: self._udp,
            Protocol.TCP: self._tcp,
            Protocol.IP: self._ip,
        }[settings.protocol]

    def probe(self, ttl: int, flow: FlowTuple, key: int, ip_id: int) -> bytearray:
        """One probe's whole IP packet, in a buffer that the next call uses again.

        `flow` and `key` as in `tui_trace.wire.network`. Raises `ValueError` for what the wire
        cannot carry: an ICMP checksum of 0xFFFF, which no sender computes, or 0 for UDP, which
        means that there is none.
        """
        packet = self._packet
        if self._family == 4:
            _H.pack_into(packet, 4, ip_id)
            packet[8] = ttl
            _H.pack_into(packet, 10, -(self._header_sum + ip_id + (ttl << 8)) % _ONES)
        else:
            packet[7] = ttl
            label = self._label
            if self._own_labels:
                label ^= ((flow[0] << 16 | flow[1]) * _ALIKE >> 12) & 0xFFFFF
            _I.pack_into(packet, 0, 6 << 28 | self._tos << 20 | label)
        self._patch(packet, flow, key)
        return packet

    def _icmp(self, packet: bytearray, flow: FlowTuple, key: int) -> None:
        identifier, checksum = flow
        if checksum == _ONES:
            raise ValueError("no ICMP message has checksum 0xFFFF")
        fix = -(self._sum + identifier + checksum + key) % _ONES
        _ICMP.pack_into(packet, self._start + 2, checksum, identifier, key, fix)

    def _udp(self, packet: bytearray, flow: FlowTuple, key: int) -> None:
        source, destination = flow
        if not key:
            raise ValueError("a UDP checksum of 0 is none")
        fix = -(self._sum + source + destination + key) % _ONES
        _UDP.pack_into(packet, self._start, source, destination, self._length, key, fix)

    def _tcp(self, packet: bytearray, flow: FlowTuple, key: int) -> None:
        source, destination = flow
        start = self._start
        _PORTS_SEQUENCE.pack_into(packet, start, source, destination, key)
        total = self._sum + source + destination + key
        if self._acknowledges:
            _I.pack_into(packet, start + 8, key)
            total += key
        _H.pack_into(packet, start + 16, -total % _ONES)

    def _ip(self, packet: bytearray, flow: FlowTuple, key: int) -> None:
        _PORTS_SEQUENCE.pack_into(packet, self._start, *flow, key)


def number_of(settings: ProbeSettings, family: int) -> int:
    """The IP protocol, or next header, of a probe."""
    return (
        settings.number if settings.protocol is Protocol.IP else _NUMBERS[settings.protocol][family]
    )


def scapy_layers() -> tuple[Any, Any]:
    """The modules `scapy.layers.inet` and `inet6`, imported on first use: that takes 0.3 s."""
    logging.getLogger("scapy").setLevel(logging.ERROR)
    with _no_folders():
        import scapy.main  # noqa: F401
    # knows the labels in an ICMP extension
    from scapy.layers import inet, inet6

    return inet, inet6


@contextlib.contextmanager
def _no_folders() -> Iterator[None]:
    """Keep scapy, while it is imported, from folders that it would make, and read pickles from."""
    nowhere = {f"XDG_{kind}_HOME": os.path.join(os.devnull, kind) for kind in _SCAPY_FOLDERS}
    before = {name: os.environ.get(name) for name in nowhere}
    os.environ.update(nowhere)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _build(settings: ProbeSettings, source: str, target: str, family: int) -> bytes:
    """The packet with all that `Template.probe` sets at zero, checksums too."""
    inet, inet6 = scapy_layers()
    number = number_of(settings, family)
    if family == 4:
        below = inet.IP(
            src=source,
            dst=target,
            tos=settings.tos,
            flags="DF" if settings.df else 0,
            id=0,
            ttl=0,
            chksum=0,
            len=settings.size,
            proto=number,
        )
    else:
        length = settings.size - 40
        below = inet6.IPv6(src=source, dst=target, tc=settings.tos, hlim=0, plen=length, nh=number)
    match settings.protocol:
        case Protocol.ICMP if family == 4:
            above = inet.ICMP(type=8, id=0, seq=0, chksum=0)
        case Protocol.ICMP:
            above = inet6.ICMPv6EchoRequest(id=0, seq=0, cksum=0)
        case Protocol.UDP:
            above = inet.UDP(sport=0, dport=0, chksum=0, len=settings.size - len(below))
        case Protocol.TCP:
            above = inet.TCP(
                sport=0,
                dport=0,
                seq=0,
                chksum=0,
                flags=_TCP_FLAGS[settings.tcp_flags],
                window=_WINDOW,
                options=[] if settings.no_tcp_options else tcp_options(settings.tcp_flags, family),
            )
        case Protocol.IP:
            above = bytes(8)
    packet = bytes(below) + bytes(above)
    # the fix comes first in the payload of ICMP and UDP: it is set with each probe
    fix = bytes(2 if settings.protocol in (Protocol.ICMP, Protocol.UDP) else 0)
    return packet + fix + bytes([settings.payload_byte]) * (settings.size - len(packet) - len(fix))


def tcp_options(flags: TcpFlags, family: int) -> list[tuple[str, Any]]:
    """20 bytes of options, in scapy's words.

    A SYN has those of Linux, in its order. An ACK has the timestamps of an open connection, and
    NOPs where a SYN has the rest, so that it needs no data to be as long.
    """
    timestamps = ("Timestamp", (1, 0))
    if flags is TcpFlags.ACK:
        return [("NOP", None), ("NOP", None), timestamps, *[("NOP", None)] * 8]
    return [
        ("MSS", 1460 if family == 4 else 1440),
        ("SAckOK", b""),
        timestamps,
        ("NOP", None),
        ("WScale", 7),
    ]
