"""The answers of a host to packets that are addressed to it: echo, TCP, UDP and QUIC ports."""

import struct
from random import Random
from typing import NamedTuple

from tui_trace.lab import packets
from tui_trace.lab.packets import (
    ACK,
    CWR,
    ECE,
    FIN,
    ICMP,
    ICMP6,
    RST,
    SYN,
    TCP,
    UDP,
    IcmpError,
    Packet,
)
from tui_trace.lab.scenario import LabHop

NS_PER_S = 1_000_000_000

SYN_ACK_RETRIES = 5
"""Retransmissions of an unanswered SYN/ACK, after 1, 2, 4, 8 and 16 s, as in Linux
(tcp_synack_retries)."""
HALF_OPEN_TIMEOUT = 63 * NS_PER_S
"""Nanoseconds until a half-open connection is forgotten: 32 s after the last retransmission."""
CONNECTION_TIMEOUT = 60 * NS_PER_S
"""Nanoseconds until an idle connection is forgotten."""
MAX_CONNECTIONS = 65_536

_PORTS = struct.Struct("!HH")
_QUIC_VERSIONS = (1, 0x6B33_43CF)
"""RFC 9000, RFC 9369."""
_QUIC_MINIMUM = 1200
"""Bytes below which a server answers no first packet (RFC 9000 §14.1)."""


class HostReply(NamedTuple):
    """An answer that is no ICMP error: the transport's bytes, and the offset of its checksum."""

    protocol: int
    body: bytes
    check_at: int


def time_exceeded(family: int) -> IcmpError:
    """Return the error Time Exceeded in Transit."""
    return IcmpError(11, 0) if family == 4 else IcmpError(3, 0)


def too_big(family: int, mtu: int) -> IcmpError:
    """Return Fragmentation Needed (RFC 1191 §4) or Packet Too Big (RFC 4443 §3.2)."""
    if family == 4:
        return IcmpError(3, 4, struct.pack("!HH", 0, mtu))
    return IcmpError(2, 0, struct.pack("!I", mtu))


_CODE6 = {0: 0, 1: 3, 2: 5, 3: 4, 4: 6, 5: 5, 6: 0, 7: 3, 8: 2, 11: 0, 12: 3}


def unreachable(family: int, code: int, code6: int | None = None) -> IcmpError:
    """Return Destination Unreachable; in IPv6 with `code6` or the counterpart of `code`."""
    if family == 4:
        return IcmpError(3, code)
    return IcmpError(1, _CODE6.get(code, 1) if code6 is None else code6)


class _Connection(NamedTuple):
    peer_seq: int
    our_seq: int
    until: int
    """Time at which the connection is forgotten (ns)."""
    established: bool = False


class LabHosts:
    """All hosts of a scenario; remembers TCP connections by their four-tuple."""

    def __init__(self, rng: Random) -> None:
        """Begin without connections; `rng` makes initial sequence numbers."""
        self._rng = rng
        self._connections: dict[bytes, _Connection] = {}

    def answer(self, packet: Packet, hop: LabHop, now: int) -> IcmpError | HostReply | None:
        """Return the answer of the host that `hop` describes; None if the host stays silent."""
        if packet.protocol == (ICMP if packet.family == 4 else ICMP6):
            return _echo(packet) if hop.ping else None
        if packet.protocol in (TCP, UDP):
            if packet.port() in hop.filtered or not _intact(packet):
                return None
            if packet.protocol == TCP:
                return self._tcp(packet, hop, now)
            return _udp(packet, hop)
        if packet.family == 4:
            return IcmpError(3, 2)
        # parameter problem: unrecognized next header, at byte 6 of the IPv6 header
        return IcmpError(4, 1, struct.pack("!I", 6)) if packet.protocol != 59 else None

    def _tcp(self, packet: Packet, hop: LabHop, now: int) -> HostReply | None:
        body = packet.body
        source, port, seq, ack = struct.unpack_from("!HHII", body)
        flags = body[13]
        length = len(body) - (body[12] >> 4) * 4
        key = packet.src + packet.dst + body[:4]
        known = self._connections.get(key)
        if known is not None and known.until <= now:
            del self._connections[key]
            known = None
        if flags & RST:
            self._connections.pop(key, None)
            return None
        following = (seq + length + bool(flags & SYN) + bool(flags & FIN)) & 0xFFFFFFFF
        if not flags & ACK:
            if flags & SYN and port in hop.open:
                return self._opened(packet, known, hop.ecn, now)
            return _segment(port, source, 0, following, RST | ACK)
        if known is None or ack != (known.our_seq + 1) & 0xFFFFFFFF:
            return _segment(port, source, ack, 0, RST)
        if flags & FIN:
            del self._connections[key]
            return _segment(port, source, ack, following, FIN | ACK)
        self._connections[key] = known._replace(established=True, until=now + CONNECTION_TIMEOUT)
        return _segment(port, source, ack, following, ACK) if length else None

    def _opened(
        self, packet: Packet, known: _Connection | None, ecn: bool, now: int
    ) -> HostReply | None:
        """Return the SYN/ACK of an open port, for a connection that is new or half open."""
        source, port, seq = struct.unpack_from("!HHI", packet.body)
        flags = packet.body[13]
        if known is None:
            known = self._remember(packet.src + packet.dst + packet.body[:4], seq, now)
        elif known.peer_seq != seq or known.established:
            return None  # as Linux: a four-tuple gets no second SYN/ACK while it is half open
        accepted = ECE if ecn and flags & (ECE | CWR) == ECE | CWR else 0
        return _segment(port, source, known.our_seq, (seq + 1) & 0xFFFFFFFF, SYN | ACK | accepted)

    def is_half_open(self, packet: Packet, our_seq: int, now: int) -> bool:
        """Return whether the SYN/ACK that answered `packet` is still unanswered at `now` (ns).

        `our_seq` is the sequence number of the SYN/ACK.
        """
        known = self._connections.get(packet.src + packet.dst + packet.body[:4])
        if known is None or known.our_seq != our_seq:
            return False
        return not known.established and known.until > now

    def _remember(self, key: bytes, seq: int, now: int) -> _Connection:
        if len(self._connections) >= MAX_CONNECTIONS:
            del self._connections[next(iter(self._connections))]
        made = _Connection(seq, self._rng.getrandbits(32), now + HALF_OPEN_TIMEOUT)
        self._connections[key] = made
        return made


def _segment(source: int, port: int, seq: int, ack: int, flags: int) -> HostReply:
    options = b"\x02\x04\x05\xb4" if flags & SYN else b""
    words = 5 + len(options) // 4
    window = 0 if flags & RST else 64_240
    header = struct.pack("!HHIIBBHHH", source, port, seq, ack, words << 4, flags, window, 0, 0)
    return HostReply(TCP, header + options, 16)


def _udp(packet: Packet, hop: LabHop) -> IcmpError | HostReply | None:
    source, port = _PORTS.unpack_from(packet.body)
    payload: bytes | None = packet.body[8:]
    if port in hop.quic:
        payload = _version_negotiation(packet.body[8:])
    elif port not in hop.udp_open:
        return unreachable(packet.family, 3)
    if payload is None:
        return None
    return HostReply(UDP, struct.pack("!HHHH", port, source, 8 + len(payload), 0) + payload, 6)


def _version_negotiation(datagram: bytes) -> bytes | None:
    """Return a QUIC server's answer (RFC 9000 §6.1, RFC 8999 §6); None if it has none.

    A version that it has would begin a handshake, which this server never does.
    """
    if len(datagram) < _QUIC_MINIMUM or not datagram[0] & 0x80:
        return None
    version = int.from_bytes(datagram[1:5], "big")
    if version == 0 or version in _QUIC_VERSIONS:
        return None
    behind_destination = 6 + datagram[5]
    destination = datagram[5:behind_destination]
    source = datagram[behind_destination : behind_destination + 1 + datagram[behind_destination]]
    versions = b"".join(each.to_bytes(4, "big") for each in _QUIC_VERSIONS)
    return bytes((0x80, 0, 0, 0, 0)) + source + destination + versions


def _echo(packet: Packet) -> HostReply | None:
    request, reply = (8, 0) if packet.family == 4 else (128, 129)
    if len(packet.body) < 8 or packet.body[0] != request or not _intact(packet):
        return None
    return HostReply(packet.protocol, bytes((reply, 0, 0, 0)) + packet.body[4:], 2)


def _intact(packet: Packet) -> bool:
    """Return whether the packet is long enough and has a correct checksum; hosts drop others."""
    body = packet.body
    if len(body) < {TCP: 20, UDP: 8}.get(packet.protocol, 4):
        return False
    if packet.protocol == TCP and not 20 <= (body[12] >> 4) * 4 <= len(body):
        return False
    if packet.protocol == UDP:
        if struct.unpack_from("!H", body, 4)[0] != len(body):
            return False
        if packet.family == 4 and body[6:8] == b"\0\0":
            return True
    pseudo = b""
    if packet.protocol != ICMP:
        pseudo = packet.src + packet.dst + struct.pack("!II", len(body), packet.protocol)
    return packets.checksum(pseudo + body) == 0
