"""Policy routing (ip-rule(8)) holds for probes as for real connections, and what is said is so."""

import json
import socket
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.packet_parser import Packet
from tests.helpers.network.params import FAMILIES
from tests.helpers.network.tunnel import Tunnel
from tests.helpers.network.two_uplinks import (
    FIRST,
    SECOND,
    TABLE,
    TARGET,
    UPLINKS,
    TwoUplinks,
    Uplink,
)
from tui_trace.core.events import EgressFound, Reply, SendFailed, SessionBegan, SourceChanged
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol

TO_SECOND = f"lookup {TABLE}"
WEB = "ipproto tcp dport 443"
CASES = {
    "a port": (WEB, "-T -P 443", SECOND),
    "another port": (WEB, "-T -P 80", FIRST),
    "another protocol": (WEB, "--icmp", FIRST),
    "a protocol": ("ipproto udp", "-u", SECOND),
    "all but a protocol": ("not ipproto udp", "-T -P 80", SECOND),
    "not a protocol": ("not ipproto udp", "-u", FIRST),
    "a UDP port": ("ipproto udp dport 33434", "-u", SECOND),
    "echo": ("ipproto ICMP", "--icmp", SECOND),
    "a source port": ("sport 40123", "-T -P 80 -L 40123", SECOND),
    "other source ports": ("sport 40123", "-T -P 80 -L 40124", FIRST),
    "a mark": ("fwmark 7", "--icmp --mark 7", SECOND),
    "another mark": ("fwmark 7", "--icmp --mark 8", FIRST),
    "a mark and a port": (f"fwmark 7 {WEB}", "-T -P 443 --mark 7", SECOND),
    "a TOS": ("tos 0x10", "-T -P 80 --tos 16", SECOND),
    "no TOS": ("tos 0x10", "-T -P 80", FIRST),
    "a TOS and a port": (f"tos 0x10 {WEB}", "-T -P 443 --tos 16", SECOND),
}
CONNECT = """
import os, socket, sys
address, kind, port, own, mark, tos, uid = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
v6 = ":" in address
sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, int(kind))
if mark: sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
if uid: os.setresuid(uid, uid, uid); sock = socket.socket(sock.family, sock.type)
if v6: sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
else: sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
if own: sock.bind(("", own))
sock.settimeout(5)
try:
    sock.connect((address, port))
    sock.send(b"x")
except ConnectionRefusedError:
    pass
"""
"""An independent program: one real connection."""


@pytest.fixture(scope="module")
def net() -> Iterator[TwoUplinks]:
    """Shared: each test takes its rules away again."""
    with TwoUplinks() as made:
        yield made


def _probes(found: list[Packet]) -> list[Packet]:
    return [packet for packet in found if packet.is_probe]


@FAMILIES
@pytest.mark.parametrize("case", CASES)
def test_probes_leave_as_the_rules_say(net: TwoUplinks, case: str, family: int) -> None:
    rule, options, expected = CASES[case]
    rule = rule.replace("ICMP", "icmp" if family == 4 else "ipv6-icmp")
    other = FIRST if expected is SECOND else SECOND
    with net.rule(f"{rule} {TO_SECOND}", family), net.watched(family) as seen:
        stream = tui_trace_process.trace(
            net.client, "-c", "2", "-i", "0.3", *options.split(), TARGET[family]
        )
    assert _probes(seen[expected])
    assert not _probes(seen[other])
    routers = {reply.address for reply in tui_trace_process.only(Reply, stream) if reply.ttl == 1}
    assert routers == {expected.address(2, family)}
    assert any(reply.reached for reply in tui_trace_process.only(Reply, stream))
    (told,) = tui_trace_process.only(EgressFound, stream)
    source = expected.address(1, family)
    assert told == EgressFound(
        told.at, 1, source, expected.interface, expected.address(2, family), expected.mtu
    )
    assert tui_trace_process.only(SessionBegan, stream)[0].source == source
    assert {packet.source for packet in _probes(seen[expected])} == {source}


REFUSALS = {
    "prohibit": ("prohibited by a local route or rule", "prohibited by a local route or rule"),
    "unreachable": ("no route to the target", "neighbour or route is unreachable"),
    "blackhole": ("a local route discards it", "a local route discards it"),
}
"""What is said of a rule, and of a route."""
CONNECTIONS = {
    WEB: (socket.SOCK_STREAM, 443, 0, 0, 0, 0),
    "not ipproto udp": (socket.SOCK_STREAM, 80, 0, 0, 0, 0),
    "ipproto udp dport 33434": (socket.SOCK_DGRAM, 33434, 0, 0, 0, 0),
    "sport 40123": (socket.SOCK_STREAM, 80, 40123, 0, 0, 0),
    "fwmark 7": (socket.SOCK_DGRAM, 33434, 0, 7, 0, 0),
    "tos 0x10": (socket.SOCK_STREAM, 80, 0, 0, 16, 0),
    "uidrange 65534-65534": (socket.SOCK_STREAM, 80, 0, 0, 0, 65534),
    "from FIRST": (socket.SOCK_STREAM, 80, 0, 0, 0, 0),
}


@FAMILIES
@pytest.mark.parametrize("rule", CONNECTIONS)
def test_probes_leave_as_a_real_connection(net: TwoUplinks, rule: str, family: int) -> None:
    """Whatever the rule does: by the same uplink, from the same address."""
    kind, port, own, mark, tos, uid = CONNECTIONS[rule]
    words = rule.replace("FIRST", FIRST.address(1, family))
    options = ["-T" if kind is socket.SOCK_STREAM else "-u", "-P", str(port), "--tos", str(tos)]
    options += ["-L", str(own)] if own else []
    options += ["--mark", str(mark)] if mark else []
    connection = [str(int(one)) for one in (kind, port, own, mark, tos, uid)]
    with net.rule(f"{words} {TO_SECOND}", family):
        with net.watched(family) as real:
            net.client.run([sys.executable, "-c", CONNECT, TARGET[family], *connection])
        with net.watched(family) as ours:
            command = tui_trace_process.command("--jsonl", "-n", "-c1", *options, TARGET[family])
            sudo = {"SUDO_UID": str(uid), "SUDO_GID": str(uid)} if uid else {}
            done = net.client.run(command, env={**tui_trace_process.environment(), **sudo})
    stream = tui_trace_process.decode(done.stdout)
    (told,) = tui_trace_process.only(EgressFound, stream)
    (uplink,) = [one for one, found in ours.items() if _probes(found)]
    assert told.interface == uplink.interface
    assert _uplink_and_source(ours) == _uplink_and_source(real)


def _uplink_and_source(seen: dict[Uplink, list[Packet]]) -> set[tuple[str, str]]:
    return {
        (uplink.interface, packet.source)
        for uplink, found in seen.items()
        for packet in found
        if packet.is_probe
    }


@FAMILIES
def test_without_rights_the_same_is_said(net: TwoUplinks, family: int) -> None:
    with net.rule(f"{WEB} {TO_SECOND}", family), net.watched(family) as seen:
        done = tui_trace_process.program(
            net.client, "--unprivileged", "--jsonl", "-n", "-c1", "-T", "-P443", TARGET[family]
        )
    (told,) = tui_trace_process.only(EgressFound, tui_trace_process.decode(done.stdout))
    assert (told.interface, told.mtu) == (SECOND.interface, SECOND.mtu)
    assert _probes(seen[SECOND])
    assert not _probes(seen[FIRST])


@FAMILIES
@pytest.mark.parametrize("by_route", [False, True], ids=["rule", "route"])
@pytest.mark.parametrize("action", REFUSALS)
def test_a_rule_or_route_that_refuses_is_told(
    net: TwoUplinks, action: str, by_route: bool, family: int
) -> None:
    """The words are those of the error that a real socket gets."""
    everywhere = {4: "0.0.0.0/0", 6: "::/0"}[family]
    net.client.ip(f"route add {action} {everywhere} table 103")
    try:
        with net.rule(f"{WEB} {'lookup 103' if by_route else action}", family):
            refused, other = (
                tui_trace_process.program(
                    net.client, "-r", "-n", "-c1", "-T", "-P", port, TARGET[family], check=False
                )
                for port in ("443", "80")
            )
    finally:
        net.client.ip(f"route del {action} {everywhere} table 103")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert REFUSALS[action][by_route] in refused.stderr
    assert (other.returncode, other.stderr) == (0, "")


@FAMILIES
def test_the_way_out_changes_while_it_probes(net: TwoUplinks, family: int) -> None:
    """Each run has its own, and a rule that comes is told of once, with the new address."""
    settings = tui_trace_process.probe_of(Protocol.TCP, port=80)
    pace = Pace(interval=100 * NS_PER_MS)

    def run_until_told(live: tui_trace_process.Live, kind: type, count: int) -> None:
        """So many in all: the command's answer may have brought one along."""
        live.run_until(lambda stream: len(tui_trace_process.only(kind, stream)) >= count)
        live.run_on(Reply, 4)

    with tui_trace_process.Live(net.client, TARGET[family], settings, pace) as live:
        run_until_told(live, EgressFound, 1)
        with net.rule(f"{WEB} {TO_SECOND}", family):
            live.switch(port=443)
            run_until_told(live, EgressFound, 2)
            live.switch(port=80)
            run_until_told(live, SourceChanged, 2)
            with net.rule(f"ipproto tcp dport 80 {TO_SECOND}", family):
                run_until_told(live, EgressFound, 3)
                stream = live.stop()
    told = tui_trace_process.only(EgressFound, stream)
    assert [(one.run, one.interface) for one in told] == [
        (1, FIRST.interface),
        (2, SECOND.interface),
        (1, SECOND.interface),
    ]
    changes = [one.source for one in tui_trace_process.only(SourceChanged, stream)]
    assert changes == [uplink.address(1, family) for uplink in (SECOND, FIRST, SECOND)]


@FAMILIES
def test_flows_that_vary_leave_by_one_way(net: TwoUplinks, family: int) -> None:
    """A rule for destination ports holds for every flow."""
    with net.rule(f"{WEB} {TO_SECOND}", family), net.watched(family) as seen:
        for way in (("--flow", "vary"), ("--flows", "4")):
            tui_trace_process.program(
                net.client, "-r", "-n", "-c2", "-i0.3", "-T", "-P443", *way, TARGET[family]
            )
    assert len({packet.ports[0] for packet in _probes(seen[SECOND])}) > 4
    assert not _probes(seen[FIRST])


@FAMILIES
@pytest.mark.parametrize("rights", [(), ("--unprivileged",)], ids=["raw", "unprivileged"])
def test_a_tunnel_without_a_gateway(net: TwoUplinks, rights: tuple[str, ...], family: int) -> None:
    """Only the rule's table knows that the tunnel leads to the target."""
    source = {4: "198.18.50.1", 6: "2001:db8:50::1"}[family]
    everywhere = {4: "0.0.0.0/0", 6: "::/0"}[family]
    with Tunnel(net.client, "vpn") as tunnel:
        net.client.ip(
            "link set vpn mtu 1380 up",
            f"addr add {source} dev vpn",
            f"route add {everywhere} dev vpn table 101",
        )
        with net.rule(f"{WEB} lookup 101", family), net.watched(family) as seen:
            done = tui_trace_process.program(
                *(net.client, *rights, "--jsonl", "-n", "-c1", "-m4", "-Z1", "-T", "-P443"),
                TARGET[family],
            )
        entered = [packet for packet in tunnel.stop() if packet.destination == TARGET[family]]
    stream = tui_trace_process.decode(done.stdout)
    assert not tui_trace_process.only(SendFailed, stream)
    (told,) = tui_trace_process.only(EgressFound, stream)
    assert told == EgressFound(told.at, 1, source, "vpn", "", 1380)
    assert {packet.ttl for packet in entered} == {1, 2, 3, 4}
    assert {(packet.source, packet.ports[1]) for packet in entered} == {(source, 443)}
    assert not any(_probes(found) for found in seen.values())


@FAMILIES
def test_the_main_table_may_know_both_ways(net: TwoUplinks, family: int) -> None:
    """The second one by a greater metric, as where a machine has two providers."""
    everywhere = {4: "0.0.0.0/0", 6: "::/0"}[family]
    known = f"route add {everywhere} via {SECOND.address(2, family)} dev second metric 5000"
    net.client.ip(known)
    try:
        with net.rule(f"{WEB} {TO_SECOND}", family), net.watched(family) as seen:
            stream = tui_trace_process.trace(net.client, "-c1", "-T", "-P443", TARGET[family])
    finally:
        net.client.ip(known.replace("add", "del"))
    assert any(reply.reached for reply in tui_trace_process.only(Reply, stream))
    assert _uplink_and_source(seen) == {("second", SECOND.address(1, family))}


def test_a_gateway_of_the_other_ip_version(net: TwoUplinks) -> None:
    """IPv4 by an IPv6 router (RFC 8950), which both tables know."""
    route = f"route add {TARGET[4]} via inet6 {SECOND.address(2, 6)} dev second"
    for table in (" metric 5000", " table 102"):
        net.client.ip(route + table)
    try:
        with net.rule(f"{WEB} lookup 102", 4), net.watched(4) as seen:
            stream = tui_trace_process.trace(net.client, "-c1", "-T", "-P443", TARGET[4])
    finally:
        for table in (" metric 5000", " table 102"):
            net.client.ip(route.replace("add", "del") + table)
    (told,) = tui_trace_process.only(EgressFound, stream)
    assert (told.interface, told.gateway) == ("second", SECOND.address(2, 6))
    assert any(reply.reached for reply in tui_trace_process.only(Reply, stream))
    assert _uplink_and_source(seen) == {("second", SECOND.address(1, 4))}


@FAMILIES
def test_several_next_hops_of_one_route(net: TwoUplinks, family: int) -> None:
    """By whichever the kernel picks for this connection: what is said is what is seen."""
    hops = " ".join(f"nexthop via {one.address(2, family)} dev {one.interface}" for one in UPLINKS)
    net.client.run(["ip", f"-{family}", *f"route add {TARGET[family]} {hops}".split()])
    net.client.sysctl(ipv4__fib_multipath_hash_policy=1, ipv6__fib_multipath_hash_policy=1)
    used = set()
    try:
        for port in range(9000, 9006):
            options = ("-c1", "-T", f"-P{port}", "-L40123")
            with net.watched(family) as seen:
                stream = tui_trace_process.trace(net.client, *options, TARGET[family])
            (told,) = tui_trace_process.only(EgressFound, stream)
            assert _uplink_and_source(seen) == {(told.interface, told.source)}
            used.add(told.interface)
    finally:
        net.client.run(["ip", f"-{family}", "route", "del", TARGET[family]])
    assert used == {"first", "second"}


@FAMILIES
def test_the_mtu_of_the_route(net: TwoUplinks, family: int) -> None:
    """A route's own MTU is told; one that was learnt from the path is not, as no probe heeds it."""
    options = ("-c1", "-u", TARGET[family])
    route = f"route add {TARGET[family]} via {FIRST.address(2, family)} dev first"
    net.client.ip(f"{route} mtu 1350")
    told = [_told(net, *options)]
    net.client.ip(route.replace("add", "del"))
    net.routers[0].ip("link set target mtu 1300")
    try:
        ping = ["ping", "-c1", "-W1", "-s1400", "-Mdo", TARGET[family]]
        net.client.run(ping, check=False)
        cached = net.client.run(["ip", "route", "get", TARGET[family]]).stdout
        told.append(_told(net, *options))
    finally:
        net.routers[0].ip("link set target mtu 1500")
        net.client.run(["ip", f"-{family}", "route", "flush", "cache"])
    assert "mtu 1300" in cached
    assert [one.mtu for one in told] == [1350, 1500]


def _told(net: TwoUplinks, *args: str) -> EgressFound:
    stream = tui_trace_process.trace(net.client, *args)
    return tui_trace_process.only(EgressFound, stream)[0]


@FAMILIES
def test_a_neighbour_needs_no_gateway(net: TwoUplinks, family: int) -> None:
    options = ("--dont-route",) if family == 4 else ()
    for uplink in UPLINKS:
        told = _told(net, "-c1", *options, uplink.address(2, family))
        source = uplink.address(1, family)
        assert told == EgressFound(told.at, 1, source, uplink.interface, "", uplink.mtu)


def test_a_scope_names_the_interface(net: TwoUplinks) -> None:
    for uplink, router in zip(UPLINKS, net.routers, strict=True):
        listing = json.loads(router.run(["ip", "-j", "-6", "addr", "show", "client"]).stdout)
        (local,) = (one["local"] for one in listing[0]["addr_info"] if one["scope"] == "link")
        told = _told(net, "-c1", "-T", "-P443", f"{local}%{uplink.interface}")
        assert (told.interface, told.gateway, told.mtu) == (uplink.interface, "", uplink.mtu)
        assert told.source.startswith("fe80::")
