"""The wire on real sockets: a client, a router, a target, joined by veth pairs."""

import ctypes
import errno
import os
import pickle
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.network.netns import Netns, make_all, missing_right
from tui_trace.core import privileges
from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags
from tui_trace.wire.network import Answer, OutgoingProbe, SendError
from tui_trace.wire.network_group import NetworkGroup
from tui_trace.wire.raw.raw_network import RawNetwork
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.raw.sockets import MissingRight, RawSockets

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(missing_right() is not None, reason=str(missing_right())),
]

TARGET = {4: "10.66.2.2", 6: "fd66:2::2"}
ROUTER = {4: "10.66.1.2", 6: "fd66:1::2"}
US = {4: "10.66.1.1", 6: "fd66:1::1"}
OTHER_ROUTER = {4: "10.66.3.2", 6: "fd66:3::2"}
OTHER_US = {4: "10.66.3.1", 6: "fd66:3::1"}
SECOND_ROUTES = (
    "route add default via 10.66.3.2 dev e2 metric 9",
    "route add ::/0 via fd66:3::2 dev e2 metric 2000",
)
FAMILIES = pytest.mark.parametrize("family", [4, 6])

Net = tuple[Netns, Netns, Netns]


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    """Two links from client to router, e1 and e2; by default e1 is used."""
    client, router, target = spaces = make_all(["wr-client", "wr-router", "wr-target"])
    for space in spaces:
        space.sysctl(
            ipv4__icmp_ratelimit=0,
            ipv4__icmp_msgs_per_sec=100_000,
            ipv4__icmp_msgs_burst=100_000,
            ipv6__icmp__ratelimit=0,
            # link-local addresses that are still tentative ask for no neighbour
            ipv6__conf__all__accept_dad=0,
            ipv6__conf__default__accept_dad=0,
            ipv4__conf__all__rp_filter=0,
            ipv4__conf__default__rp_filter=0,
            ipv4__icmp_errors_use_inbound_ifaddr=1,
        )
        space.ip("link set lo up")
    router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    for link, number in (("e1", 1), ("e2", 3)):
        join(client, link, router, link, number)
    join(router, "e0", target, "e0", 2)
    client.ip("route add default via 10.66.1.2", "route add ::/0 via fd66:1::2")
    client.ip(*SECOND_ROUTES)
    target.ip("route add default via 10.66.2.1", "route add ::/0 via fd66:2::1")
    yield client, router, target
    for space in spaces:
        space.delete()


def join(left: Netns, left_link: str, right: Netns, right_link: str, number: int) -> None:
    left.ip(f"link add {left_link} type veth peer name {right_link} netns {right.name}")
    for space, link, host in ((left, left_link, 1), (right, right_link, 2)):
        space.ip(
            f"addr add 10.66.{number}.{host}/24 dev {link}",
            f"addr add fd66:{number}::{host}/64 dev {link} nodad",
            f"link set {link} up",
        )


def inside(space: Netns, function: Callable[[], Any]) -> Any:
    """What the function returns in a process of its own in that namespace; never in ours."""
    space.check()
    ours = Path("/proc/self/ns/net").stat().st_ino
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            handle = os.open(f"/run/netns/{space.name}", os.O_RDONLY)
            assert ctypes.CDLL(None, use_errno=True).setns(handle, 0) == 0
            assert Path("/proc/self/ns/net").stat().st_ino != ours
            result: tuple[bool, Any] = (True, function())
        except BaseException:  # it is told in the parent
            result = (False, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        good, value = pickle.load(pipe)
    os.waitpid(pid, 0)
    assert good, value
    return value


class Serving:
    """A server in the target, until the end of the block."""

    def __init__(self, space: Netns, code: str) -> None:
        self._process = space.popen(["/usr/bin/env", "python3", "-u", "-c", code])
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


LISTEN = """
import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
s.bind(("::", 8080)); s.listen(); print("ready"); time.sleep(60)
"""
ECHO = """
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 5353)); print("ready")
while True:
    data, peer = s.recvfrom(2000); s.sendto(b"answer", peer)
"""


def opened(family: int, target: str | None = None) -> RawNetwork:
    network = RawNetwork(RawWire(RawSockets(), family), target or TARGET[family])
    network.open()
    return network


def flow_of(network: RawNetwork, settings: ProbeSettings) -> tuple[int, int]:
    port = network.reserve_port(settings.protocol)
    return port, 0x1234 if settings.protocol is Protocol.ICMP else settings.port


def send(
    network: RawNetwork, settings: ProbeSettings, ttl: int, flow: tuple[int, int]
) -> OutgoingProbe:
    probe = OutgoingProbe(settings, ttl, flow, network.monotonic(), network.wall())
    network.send(probe)
    return probe


def collect(network: RawNetwork, answers: int) -> list[Answer[OutgoingProbe]]:
    """All that comes until so many answers are there, or two seconds over."""
    got = network.receive(0).answers
    end = network.monotonic() + 2_000_000_000
    while len(got) < answers and network.monotonic() < end:
        more = network.receive(50_000_000).answers
        for answer in more:
            assert answer.probe.stamp is not Stamp.USER, "its stamp is there before its reply"
        got += more
    return got


KINDS = [
    (ProbeSettings(protocol=Protocol.ICMP, size=84), ReplyKind.ECHO),
    (ProbeSettings(protocol=Protocol.UDP, port=33434, size=101), ReplyKind.UNREACHABLE),
    (ProbeSettings(protocol=Protocol.TCP, port=81, size=80), ReplyKind.RST),
    (
        ProbeSettings(protocol=Protocol.TCP, port=81, size=80, tcp_flags=TcpFlags.ECN),
        ReplyKind.RST,
    ),
    (
        ProbeSettings(protocol=Protocol.TCP, port=81, size=80, tcp_flags=TcpFlags.ACK),
        ReplyKind.RST,
    ),
]


@FAMILIES
@pytest.mark.parametrize(("settings", "kind"), KINDS)
def test_every_probe_is_answered(
    net: Net, family: int, settings: ProbeSettings, kind: ReplyKind
) -> None:
    def trace() -> Any:
        network = opened(family)
        source = network.egress(settings).source
        flow = flow_of(network, settings)
        # the kernel starts to stamp some time after it is asked
        time.sleep(0.3)
        for ttl in (1, 2):
            send(network, settings, ttl, flow)
        return source, flow, collect(network, 2)

    source, flow, answers = inside(net[0], trace)
    assert source == US[family]
    answers.sort(key=lambda answer: answer.probe.ttl)
    (first, second), (near, far) = zip(*((each.probe, each.reply) for each in answers), strict=True)
    assert (first.ttl, second.ttl) == (1, 2)
    assert (near.address, near.kind) == (ROUTER[family], ReplyKind.TIME_EXCEEDED)
    assert (far.address, far.kind) == (TARGET[family], kind)
    assert (near.flow, near.key) == (flow, first.key)
    assert near.ip_id == (first.ip_id if family == 4 else None)
    counts_data = kind is ReplyKind.RST and settings.tcp_flags is not TcpFlags.ACK
    counted = second.data_length if counts_data else 0
    assert (far.flow, far.key) == (flow, (second.key + counted) % (1 << 32))
    assert {near.destination, far.destination} == {TARGET[family]}
    assert {first.target, second.target} == {TARGET[family]}
    assert (near.reply_ttl, far.reply_ttl) == (64, 63)
    assert {near.stamp, far.stamp} == {Stamp.KERNEL}
    for probe, reply, quoted, _ in answers:
        assert probe.stamp is Stamp.KERNEL
        assert 0 < reply.wall - probe.wall < 2_000_000_000
        assert quoted.changed == ()


@FAMILIES
def test_an_open_port_answers_every_syn(net: Net, family: int) -> None:
    """Our kernel's own RST ends each half-open connection, or the second SYN got no answer."""
    settings = ProbeSettings(protocol=Protocol.TCP, port=8080, size=60 if family == 4 else 80)

    def trace() -> Any:
        network = opened(family)
        network.egress(settings)
        flow = flow_of(network, settings)
        got = []
        for _ in range(20):
            probe = send(network, settings, 9, flow)
            got += [(each.reply.kind, each.probe is probe) for each in collect(network, 1)]
        return got

    with Serving(net[2], LISTEN):
        answers = inside(net[0], trace)
    assert answers == [(ReplyKind.SYN_ACK, True)] * 20


@FAMILIES
def test_a_udp_answer(net: Net, family: int) -> None:
    settings = ProbeSettings(protocol=Protocol.UDP, port=5353, size=80)

    def trace() -> Any:
        network = opened(family)
        network.egress(settings)
        flow = flow_of(network, settings)
        probes = [send(network, settings, 9, flow) for _ in range(2)]
        return flow, [(each.reply, probes.index(each.probe)) for each in collect(network, 2)]

    with Serving(net[2], ECHO):
        flow, answers = inside(net[0], trace)
    assert [(r.kind, r.flow, r.key) for r, _ in answers] == [(ReplyKind.UDP, flow, None)] * 2
    assert [number for _, number in answers] == [1, 1], "the one that left last from the port"


@FAMILIES
def test_a_busy_host_reaches_no_socket_of_ours(net: Net, family: int) -> None:
    host = "127.0.0.1" if family == 4 else "::1"

    def traffic() -> Any:
        sockets = RawSockets()
        network = RawNetwork(RawWire(sockets, family), host)
        network.open()
        ours = network.reserve_port(Protocol.TCP), network.reserve_port(Protocol.UDP)
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        server = socket.create_server((host, 0), family=af)
        datagrams = socket.socket(af, socket.SOCK_DGRAM)
        datagrams.bind((host, 0))
        for _ in range(50):
            with socket.create_connection(server.getsockname()[:2]) as peer:
                peer.sendall(b"x" * 1000)
                datagrams.sendto(b"x", datagrams.getsockname()[:2])
            server.accept()[0].close()
        # a refused connection: an RST from the target, but to a port that is not ours
        closed = socket.socket(af)
        closed.connect_ex((host, 1))
        raw = sockets.families[family]
        read = [sockets.read(raw.tcp, family), sockets.read(raw.udp, family)]
        # that the filter can pass something: an RST to the port of ours
        with socket.socket(af) as closed:
            closed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            settings = ProbeSettings(protocol=Protocol.TCP, port=1, size=80)
            network.egress(settings)
            send(network, settings, 9, (ours[0], 1))
        return read, [each.reply for each in collect(network, 1)]

    read, answers = inside(net[0], traffic)
    assert read == [[], []]
    assert [answer.kind for answer in answers] == [ReplyKind.RST]


@FAMILIES
@pytest.mark.parametrize("target", [ROUTER, TARGET], ids=["another target", "the same target"])
def test_what_another_program_sends_is_none_of_ours(
    net: Net, family: int, target: dict[int, str]
) -> None:
    """Of its probes to our target, the ICMP errors are counted as foreign; RSTs stay outside."""
    settings = ProbeSettings(protocol=Protocol.TCP, port=81, size=80)

    def trace() -> Any:
        other, ours = opened(family), opened(family, target[family])
        other.egress(settings)
        ours.egress(settings)
        ours.reserve_port(Protocol.TCP)
        flow = flow_of(other, settings)
        for ttl in (1, 9):
            send(other, settings, ttl, flow)
        kinds = {each.reply.kind for each in collect(other, 2)}
        return kinds, ours.receive(200_000_000), ours.receive(50_000_000)

    kinds, first, second = inside(net[0], trace)
    assert kinds == {ReplyKind.TIME_EXCEEDED, ReplyKind.RST}
    assert first.answers == second.answers == []
    assert first.foreign + second.foreign == (1 if target is TARGET else 0)


@FAMILIES
def test_targets_share_a_wire_at_the_same_time(net: Net, family: int) -> None:
    settings = ProbeSettings(protocol=Protocol.TCP, port=81, size=80)

    def trace() -> Any:
        wire = RawWire(RawSockets(), family)
        networks = [RawNetwork(wire, each[family]) for each in (TARGET, ROUTER)]
        probes = []
        for network in networks:
            network.open()
            network.egress(settings)
        flow = flow_of(networks[0], settings)
        for _ in range(3):
            probes += [send(network, settings, 9, flow) for network in networks]
        group: NetworkGroup = NetworkGroup()
        for network in networks:
            group.add(network)
        got = []
        end = time.monotonic() + 5
        while len(got) < 6 and time.monotonic() < end:
            got += [
                (probes.index(one.probe), networks.index(network), one.reply.address)
                for network, received in group.receive(100_000_000)
                for one in received.answers
            ]
        return sorted(got)

    each = [(0, TARGET[family]), (1, ROUTER[family])]
    assert inside(net[0], trace) == [(n, *told) for n, told in enumerate(each * 3)]


@FAMILIES
def test_without_rights_all_goes_on(net: Net, family: int) -> None:
    def trace() -> Any:
        sockets = RawSockets()
        privileges.drop_capabilities()
        with pytest.raises(PermissionError):
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        network = RawNetwork(RawWire(sockets, family), TARGET[family])
        network.open()
        got = []
        for settings, _ in KINDS:
            for interface in (None, "e2"):
                chosen = ProbeSettings(
                    protocol=settings.protocol,
                    port=settings.port,
                    size=settings.size,
                    interface=interface,
                )
                network.egress(chosen)
                flow = flow_of(network, chosen)
                send(network, chosen, 1, flow)
                got += [answer.reply.address for answer in collect(network, 1)]
        return got

    through_e2 = [ROUTER[family], OTHER_ROUTER[family]] * len(KINDS)
    assert inside(net[0], trace) == through_e2


@FAMILIES
def test_a_fixed_source_follows_the_rules_for_it(net: Net, family: int) -> None:
    """Policy routing by source holds for probes as for any program's packets."""
    plain = ProbeSettings(protocol=Protocol.UDP, port=9, size=80)
    fixed = ProbeSettings(protocol=Protocol.UDP, port=9, size=80, source=OTHER_US[family])

    def trace() -> Any:
        network = opened(family)
        said = []
        for settings in (plain, fixed, plain):
            source = network.egress(settings).source
            send(network, settings, 1, flow_of(network, settings))
            said += [(source, each.reply.address) for each in collect(network, 1)]
        return said

    six = ["ip", f"-{family}"]
    rule = [*six, "rule", "add", "from", OTHER_US[family], "table", "9"]
    route = [*six, "route", "add", "default", "via", OTHER_ROUTER[family], "table", "9"]
    net[0].run(rule)
    net[0].run(route)
    try:
        said = inside(net[0], trace)
    finally:
        net[0].run([*six, "rule", "del", "from", OTHER_US[family], "table", "9"])
        net[0].run([*six, "route", "flush", "table", "9"])
    usual = US[family], ROUTER[family]
    assert said == [usual, (OTHER_US[family], OTHER_ROUTER[family]), usual]


@FAMILIES
def test_cap_net_raw_alone_is_enough(net: Net, family: int) -> None:
    settings, kind = KINDS[0]

    def trace() -> Any:
        head = privileges._Head(privileges._VERSION_3, 0)
        sets = (privileges._Sets * 2)(privileges._Sets(1 << 13, 1 << 13, 0))
        assert ctypes.CDLL(None).capset(ctypes.byref(head), ctypes.byref(sets)) == 0
        network = opened(family)
        privileges.drop_capabilities()
        network.egress(settings)
        send(network, settings, 9, flow_of(network, settings))
        return [each.reply.kind for each in collect(network, 1)]

    assert inside(net[0], trace) == [kind]


@FAMILIES
def test_targets_one_after_another_share_the_sockets(net: Net, family: int) -> None:
    settings = ProbeSettings(protocol=Protocol.TCP, port=81, size=80)

    def trace() -> Any:
        wire = RawWire(RawSockets(), family)
        said = []
        for target in (TARGET[family], ROUTER[family], TARGET[family]):
            network = RawNetwork(wire, target)
            network.open()
            network.egress(settings)
            send(network, settings, 9, flow_of(network, settings))
            said += [(each.reply.address, each.probe.stamp) for each in collect(network, 1)]
            network.close()
        return said

    each = (TARGET[family], ROUTER[family], TARGET[family])
    assert inside(net[0], trace) == [(address, Stamp.KERNEL) for address in each]


@FAMILIES
def test_a_stamp_ends_no_wait(net: Net, family: int) -> None:
    """A probe that nobody answers is stamped, and the engine sleeps on."""
    settings = ProbeSettings(protocol=Protocol.UDP, port=9, size=80)
    net[0].nft(
        "table inet wr {\nchain in {\ntype filter hook prerouting priority -300\n"
        "icmp type time-exceeded drop\nicmpv6 type time-exceeded drop\n}\n}\n"
    )

    def trace() -> Any:
        network = opened(family)
        network.egress(settings)
        probe = send(network, settings, 1, flow_of(network, settings))
        began = network.monotonic()
        received = network.receive(150_000_000)
        return network.monotonic() - began, probe.stamp, received

    try:
        waited, stamp, received = inside(net[0], trace)
    finally:
        net[0].run(["nft", "delete table inet wr"])
    assert waited >= 150_000_000
    assert stamp is Stamp.KERNEL
    assert received == ([], 0)


def test_the_missing_right_is_one_line(net: Net) -> None:
    def start() -> str:
        privileges.drop_capabilities()
        with pytest.raises(MissingRight) as caught:
            RawSockets()
        return str(caught.value)

    line = inside(net[0], start)
    assert "CAP_NET_RAW" in line
    assert "\n" not in line


def test_what_the_line_recommends_works(net: Net) -> None:
    """The same setpriv words, for nobody instead of `id -u`."""
    done = net[0].run(
        [
            *("setpriv", "--reuid=65534", "--regid=65534", "--init-groups"),
            *("--inh-caps=+net_raw", "--ambient-caps=+net_raw"),
            *("grep", "CapEff", "/proc/self/status"),
        ]
    )
    assert int(done.stdout.split()[1], 16) == 1 << 13


@FAMILIES
def test_a_refusal_is_told_and_moves_no_stamp(net: Net, family: int) -> None:
    """A probe that our kernel refuses in the midst of others leaves no trace on their stamps."""
    small = ProbeSettings(protocol=Protocol.UDP, port=33434, size=80)
    refused = ProbeSettings(protocol=Protocol.UDP, port=666, size=80)
    large = ProbeSettings(protocol=Protocol.UDP, port=33434, size=1501)
    net[0].nft(
        "table inet wr {\nchain out {\ntype filter hook output priority 0\n"
        "udp dport 666 drop\n}\n}\n"
    )

    def trace() -> Any:
        network = opened(family)
        port = network.reserve_port(Protocol.UDP)
        said, probes = [], {}
        for number in range(1, 31):
            settings = (small, refused, large)[number % 3]
            probe = probes[number] = OutgoingProbe(settings, 1, (port, settings.port), 0, 0)
            try:
                network.send(probe)
            except SendError as error:
                said.append((number, error.errno, str(error)))
        for _ in range(10):
            network.receive(20_000_000)
        return said, [number for number, each in probes.items() if each.stamp is Stamp.KERNEL]

    try:
        said, stamps = inside(net[0], trace)
    finally:
        net[0].run(["nft", "delete table inet wr"])
    firewall = (errno.EPERM, "refused by a local firewall rule (EPERM)")
    mtu = (errno.EMSGSIZE, "larger than the interface's MTU (1500 bytes)")
    expected = [(key, *(firewall if key % 3 == 1 else mtu)) for key in range(1, 31) if key % 3]
    assert said == expected
    assert stamps == [key for key in range(1, 31) if key % 3 == 0]


@FAMILIES
def test_a_cached_path_mtu_refuses_nothing(net: Net, family: int) -> None:
    """After the router said 1300, 1400 still leave whole, with DF and without."""
    net[1].ip("link set e0 mtu 1300")

    def trace() -> Any:
        network = opened(family)
        got = []
        for df in (True, True, False):
            settings = ProbeSettings(protocol=Protocol.UDP, port=9999, size=1400, df=df)
            network.egress(settings)
            send(network, settings, 9, flow_of(network, settings))
            got += [(each.reply.kind, each.reply.mtu) for each in collect(network, 1)]
        return got

    try:
        got = inside(net[0], trace)
    finally:
        net[1].ip("link set e0 mtu 1500")
    too_big = (ReplyKind.TOO_BIG, 1300)
    assert got == [too_big, too_big, (ReplyKind.UNREACHABLE, None) if family == 4 else too_big]


@FAMILIES
def test_errors_of_the_route(net: Net, family: int) -> None:
    nowhere = {4: "198.51.100.9", 6: "2001:db8::9"}[family]

    def trace() -> Any:
        network = opened(family, nowhere)
        said = []
        for settings in (
            ProbeSettings(size=80),
            ProbeSettings(size=80, interface="nope0"),
            ProbeSettings(size=80, source={4: "192.0.2.1", 6: "2001:db8::1"}[family]),
        ):
            for ask in (network.egress, lambda s: send(network, s, 1, (1, 2))):
                with pytest.raises(SendError) as caught:
                    ask(settings)
                said.append((caught.value.errno, str(caught.value)))
        return said

    net[2].ip("route del default", "route del ::/0")
    try:
        said = inside(net[2], trace)
    finally:
        net[2].ip("route add default via 10.66.2.1", "route add ::/0 via fd66:2::1")
    source = {4: "192.0.2.1", 6: "2001:db8::1"}[family]
    assert said[::2] == said[1::2]
    assert said[::2] == [
        (errno.ENETUNREACH, "no route to the target"),
        (errno.ENODEV, "interface nope0 is not there"),
        (errno.EADDRNOTAVAIL, f"source address {source} is not on this machine"),
    ]


@FAMILIES
def test_an_interface_made_anew_serves_again(net: Net, family: int) -> None:
    """Also without rights: in a child, whose links the parent makes while it waits."""
    settings = ProbeSettings(protocol=Protocol.UDP, port=9, size=80, interface="e2")
    ask, asked = os.pipe()
    go, went = os.pipe()

    def trace() -> Any:
        sockets = RawSockets()
        privileges.drop_capabilities()
        network = RawNetwork(RawWire(sockets, family), TARGET[family])
        network.open()
        port = network.reserve_port(Protocol.UDP)
        said: list[Any] = []
        for key in range(1, 4):
            try:
                said.append(network.egress(settings).source)
                probe = send(network, settings, 1, (port, 9))
                got = collect(network, 1)
                said += [(each.reply.address, key) for each in got if each.probe is probe]
            except SendError as error:
                said.append(str(error))
            os.write(asked, b".")
            os.read(ask if key == 3 else go, 1)
        return said

    def remake() -> None:
        os.read(ask, 1)
        net[0].ip("link del e2")
        os.write(went, b".")
        os.read(ask, 1)
        join(net[0], "e2", net[1], "e2", 3)
        net[0].ip(*SECOND_ROUTES)
        os.write(went, b".")

    # fork first, thread later: the thread belongs to the parent alone
    maker = threading.Timer(0.5, remake)
    maker.start()
    said = inside(net[0], trace)
    maker.join()
    for end in (ask, asked, go, went):
        os.close(end)
    assert said == [
        *(OTHER_US[family], (OTHER_ROUTER[family], 1)),
        "interface e2 is not there",
        *(OTHER_US[family], (OTHER_ROUTER[family], 3)),
    ]


@FAMILIES
def test_a_taken_port_is_refused(net: Net, family: int) -> None:
    def reserve() -> Any:
        network = opened(family)
        af = socket.AF_INET if family == 4 else socket.AF_INET6
        with socket.socket(af, socket.SOCK_STREAM) as other:
            other.bind(("", 0))
            taken = other.getsockname()[1]
            with pytest.raises(SendError) as caught:
                network.reserve_port(Protocol.TCP, taken)
        port = network.reserve_port(Protocol.TCP, taken)
        again = network.reserve_port(Protocol.TCP, taken)
        network.close()
        with socket.socket(af, socket.SOCK_STREAM) as other:
            other.bind(("", taken))
        return caught.value.errno, str(caught.value), taken, port, again

    number, said, taken, port, again = inside(net[0], reserve)
    assert (number, said) == (errno.EADDRINUSE, f"source port {taken} is in use")
    assert port == again == taken


def test_wake_ends_a_receive(net: Net) -> None:
    def wait() -> float:
        network = opened(4)
        threading.Timer(0.1, network.wake).start()
        began = time.monotonic()
        network.receive(20_000_000_000)
        waited = time.monotonic() - began
        # and it is used up
        assert network.receive(0) == ([], 0)
        return waited

    assert inside(net[0], wait) < 10


def test_the_target_is_named_as_answers_name_it(net: Net) -> None:
    def names() -> Any:
        wire = RawWire(RawSockets(), 6)
        given = "FD66:0002:0::0002", "fe80::0:1%lo"
        return [RawNetwork(wire, each).address for each in given]

    assert inside(net[0], names) == ["fd66:2::2", "fe80::1"]


def test_a_machine_without_ipv6(net: Net) -> None:
    def start() -> Any:
        sockets = RawSockets()
        for sock in sockets.families.pop(6)[1:]:
            sock.close()
        with pytest.raises(SendError) as caught:
            RawWire(sockets, 6)
        return caught.value.errno

    assert inside(net[0], start) == errno.EAFNOSUPPORT
