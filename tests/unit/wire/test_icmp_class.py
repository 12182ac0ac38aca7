"""Every ICMP type and code means the same in a raw packet and in an error queue."""

import struct

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.linux import IP_VERSIONS
from tui_trace.wire.network import OutgoingProbe
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.icmp_class import ECHO_REPLY, TYPES_TO_RECEIVE
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.unprivileged.error_queue import QueuedIcmpError, UserSockets
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets

ROUTER = {4: "198.51.100.1", 6: "2001:db8:ff::1"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
PROBE = OutgoingProbe(ProbeSettings(protocol=Protocol.UDP), 1, (4000, 33434), 0, 0)
QUOTE = {
    4: bytes(IP(src="192.0.2.77", dst=TARGET[4]) / UDP(sport=4000, dport=33434, chksum=9)),
    6: bytes(IPv6(src="2001:db8::77", dst=TARGET[6]) / UDP(sport=4000, dport=33434, chksum=9)),
}


def by_packet(icmp_type: int, code: int, family: int) -> tuple[ReplyKind, int | None] | None:
    message = struct.pack("!BBHI", icmp_type, code, 0, 1400) + QUOTE[family]
    packet = ReceivedPacket(message, 0, ROUTER[family], 61, 0, Stamp.KERNEL, False)
    reply = (decoder.decode_icmpv4 if family == 4 else decoder.decode_icmpv6)(packet)
    return None if reply is None else (reply.kind, reply.mtu)


def by_error_queue(
    pool: ProbeSockets, icmp_type: int, code: int
) -> tuple[ReplyKind, int | None] | None:
    family = pool.ip.version
    failure = QueuedIcmpError(
        *(ROUTER[family], icmp_type, code, 1400, TARGET[family], 33434, b"", 0, Stamp.KERNEL, 61)
    )
    reply = pool.router_reply(PROBE, failure)
    return (reply.kind, reply.mtu) if reply else None


@pytest.mark.parametrize("family", [4, 6])
def test_both_ways_in_agree_on_every_type_and_code(family: int) -> None:
    sockets = UserSockets.__new__(UserSockets)
    pool = ProbeSockets(sockets, IP_VERSIONS[family], TARGET[family])
    differing = [
        (icmp_type, code)
        for icmp_type in range(256)
        for code in range(256)
        # an echo reply quotes nothing, and never comes by an error queue
        if (icmp_type, code) != (ECHO_REPLY[family], 0)
        and by_packet(icmp_type, code, family) != by_error_queue(pool, icmp_type, code)
    ]
    assert differing == []
    assert by_packet(ECHO_REPLY[family], 0, family) == (ReplyKind.ECHO, None)
    assert by_error_queue(pool, ECHO_REPLY[family], 0) is None


@pytest.mark.parametrize("family", [4, 6])
def test_the_filter_lets_in_what_is_decoded(family: int) -> None:
    decoded = {kind for kind in range(256) if by_packet(kind, 0, family) is not None}
    # 0 is reserved in ICMPv6
    assert decoded - ({0} if family == 6 else set()) == TYPES_TO_RECEIVE[family]
