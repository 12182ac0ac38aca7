"""What the kernel hands over beside the data, made here byte by byte, and what it is told."""

import socket
import struct
import time
from pathlib import Path

import pytest

from tui_trace.core.events import Stamp
from tui_trace.core.settings import ProbeSettings
from tui_trace.wire import linux
from tui_trace.wire.egress_route import EgressRoute, find_egress, interface_index
from tui_trace.wire.linux import IP_VERSIONS, ArrivalReader, socket_address
from tui_trace.wire.network import Egress, SendError

FAMILIES = pytest.mark.parametrize("family", [4, 6])
ROUTER = {4: "198.51.100.1", 6: "2001:db8:ff::1"}


def stamp(wall: int) -> tuple[int, int, bytes]:
    value = struct.pack("@qq", *divmod(wall, 1_000_000_000))
    return socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, value


@FAMILIES
def test_when_and_with_which_ttl_a_packet_arrived(family: int) -> None:
    ip = IP_VERSIONS[family]
    now = time.time_ns()
    ttl = (ip.level, ip.received_ttl, struct.pack("@i", 61))
    reader = ArrivalReader()
    assert reader.read([], now, ip) == (now, Stamp.USER, None)
    assert reader.read([stamp(now + 5), ttl], now, ip) == (now + 5, Stamp.USER, 61)
    assert reader.read([ttl, stamp(now - 5)], now, ip) == (now - 5, Stamp.KERNEL, 61)
    # the other version's message is another one's number here
    other = IP_VERSIONS[10 - family]
    assert reader.read([(other.level, other.received_ttl, ttl[2])], now, ip)[2] is None


@FAMILIES
def test_an_entry_of_an_error_queue(family: int) -> None:
    ip = IP_VERSIONS[family]
    packed = socket.inet_pton(ip.af, ROUTER[family])
    offender = struct.pack("@HH", ip.af, 0) + (packed if family == 4 else bytes(4) + packed)
    origin = linux.SO_EE_ORIGIN_ICMP if family == 4 else linux.SO_EE_ORIGIN_ICMP6
    error = struct.pack("@IBBBBII", 113, origin, 3, 4, 0, 1400, 0) + offender
    sent = (socket.SOL_SOCKET, linux.SO_TIMESTAMPING, struct.pack("@qq", 1, 2) + bytes(32))
    read = linux.read_extended_error([sent, (ip.level, ip.receive_errors, error)])
    assert read == (1_000_000_002, origin, 3, 4, 1400, error)
    assert linux.offender_address(error, ip) == ROUTER[family]
    assert linux.offender_address(error[:-1], ip) == ""
    assert linux.read_extended_error([]) == (0, 0, 0, 0, 0, b"")


def test_only_link_local_addresses_have_a_scope() -> None:
    assert socket_address(IP_VERSIONS[4], "192.0.2.1", 7, 3) == ("192.0.2.1", 7)
    assert socket_address(IP_VERSIONS[6], "2001:db8::1", 7, 3) == ("2001:db8::1", 7, 0, 0)
    for address in ("fe80::1", "FEBF::1", "fe80::1%eth9"):
        plain = address.partition("%")[0]
        assert socket_address(IP_VERSIONS[6], address, 7, 3) == (plain, 7, 0, 3)


def test_probes_leave_by_the_route_or_as_the_user_says() -> None:
    """By the loopback interface; nothing is sent."""
    ip, settings = IP_VERSIONS[4], ProbeSettings(tos=8)
    loopback = interface_index("lo")
    found = find_egress(ip, "127.0.0.1", settings, EgressRoute("", 0))
    mtu = int(Path("/sys/class/net/lo/mtu").read_text())
    assert found == Egress("127.0.0.1", "lo", "", mtu, loopback)
    chosen = EgressRoute("127.0.0.9", loopback)
    assert find_egress(ip, "127.0.0.1", settings, chosen)[:2] == ("127.0.0.9", "lo")
    neighbour = ProbeSettings(dont_route=True)
    assert find_egress(ip, "127.0.0.1", neighbour, EgressRoute("", 0)) == found
    with pytest.raises(SendError, match=r"source address 192\.0\.2\.9 is not on this machine"):
        find_egress(ip, "127.0.0.1", settings, EgressRoute("192.0.2.9", 0))
    with pytest.raises(SendError, match="interface nil9 is not there"):
        interface_index("nil9")
    assert interface_index(None) == 0


def test_ipv6_cannot_do_without_gateways() -> None:
    settings = ProbeSettings(dont_route=True)
    with pytest.raises(SendError, match="IPv6 has no --dont-route"):
        find_egress(IP_VERSIONS[6], "::1", settings, EgressRoute("", 0))
