"""What everybody may do: the same hops without a right, and one line on what is missing."""

import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import listen, refusing
from tests.helpers.network.netns import Netns
from tests.helpers.network.packet_parser import Packet
from tests.helpers.network.params import FAMILIES, NOBODY, OPEN_PORT
from tui_trace.core.events import Event, Notice, Reply, ReplyKind, SendFailed, SessionEnded, Stamp

CLOSED_PORT = 81
WAYS: dict[str, tuple[tuple[str, ...], ReplyKind]] = {
    "udp": (("-u",), ReplyKind.UNREACHABLE),
    "tcp-open": (("-T", "-P", str(OPEN_PORT)), ReplyKind.SYN_ACK),
    "tcp-closed": (("-T", "-P", str(CLOSED_PORT)), ReplyKind.RST),
    "icmp": (("--icmp",), ReplyKind.ECHO),
}
EACH_WAY = pytest.mark.parametrize("way", list(WAYS))
STAMPS = {
    ReplyKind.SYN_ACK: (Stamp.SCHEDULER, Stamp.SCHEDULER),
    ReplyKind.RST: (Stamp.USER, Stamp.USER),
}
"""Who stamps a direct answer to a connect(); a router's answer is stamped by the kernel."""
EVERYBODY = "0 2147483647"
NO_CAPABILITY = "0" * 16


@pytest.fixture(scope="module")
def path() -> Iterator[Chain]:
    """12 routers, 2 of them silent; everybody may send ICMP echo."""
    with Chain(12, silent=(3, 7)) as chain:
        listen(chain.target, OPEN_PORT)
        chain.client.sysctl(ipv4__ping_group_range=EVERYBODY)
        yield chain


@pytest.fixture(scope="module")
def strict() -> Iterator[Chain]:
    """2 routers; nobody may send ICMP echo, as on a kernel that was told nothing."""
    with Chain(2) as chain:
        listen(chain.target, OPEN_PORT)
        chain.client.sysctl(ipv4__ping_group_range="1 0")
        yield chain


def run(space: Netns, *args: str, check: bool = True) -> CompletedProcess[str]:
    """As a user with no right at all."""
    done = space.run(
        [*NOBODY, *tui_trace_process.command(*args)],
        check=check,
        timeout=60,
        env=tui_trace_process.environment(),
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def trace(space: Netns, *args: str) -> list[Event]:
    stream = tui_trace_process.decode(run(space, "--jsonl", "-n", *args).stdout)
    assert isinstance(stream[-1], SessionEnded)
    return stream


def refusal(space: Netns, *args: str) -> str:
    done = run(space, "-r", "-n", "-c1", *args, check=False)
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def sent(chain: Chain, family: int, *args: str) -> list[Packet]:
    """Probes as they were on the wire."""
    target = chain.target_address(family)
    with Capture(chain.client, DOWN) as capture:
        trace(chain.client, *args, target)
        seen = probes(capture.stop(), chain.source_address(family), target)
    return [one.packet for one in seen]


@FAMILIES
@EACH_WAY
def test_same_hops_as_with_rights(path: Chain, way: str, family: int) -> None:
    options, kind = WAYS[way]
    target = path.target_address(family)
    stream = trace(path.client, *options, "-c3", "-i0.3", target)
    mine = tui_trace_process.hops(stream)
    assert mine == path.hops(family)
    assert mine == tui_trace_process.hops(
        tui_trace_process.trace(path.client, *options, "-c2", "-i0.3", target)
    )
    for one in tui_trace_process.outcomes(stream):
        is_silent = one.sent.ttl in path.silent_hops
        assert one.lost == (is_silent and not one.void), one
        assert one.void or len(one.replies) == (not is_silent), one
    replies = tui_trace_process.only(Reply, stream)
    assert {reply.kind for reply in replies if reply.reached} == {kind}
    assert not any(reply.late or reply.duplicate for reply in replies)


@FAMILIES
@EACH_WAY
def test_stamps_are_told_for_what_they_are(path: Chain, way: str, family: int) -> None:
    options, _ = WAYS[way]
    sender = Stamp.USER if "-T" in options else Stamp.KERNEL
    stream = trace(path.client, *options, "-c2", "-i0.2", path.target_address(family))
    replies = tui_trace_process.only(Reply, stream)
    assert len(replies) > 20
    for reply in replies:
        wanted = STAMPS.get(reply.kind, (sender, Stamp.KERNEL))
        assert (reply.sent_stamp, reply.received_stamp) == wanted, reply
        assert not reply.clock_stepped


@FAMILIES
def test_a_udp_answer_is_an_answer(strict: Chain, family: int) -> None:
    listen(strict.target, 5300 + family, udp=True)
    target = strict.target_address(family)
    stream = trace(strict.client, "-u", "-P", str(5300 + family), "-c4", "-i0.1", target)
    assert tui_trace_process.hops(stream) == strict.hops(family)
    at_target = [reply for reply in tui_trace_process.only(Reply, stream) if reply.reached]
    assert {reply.kind for reply in at_target} == {ReplyKind.UDP}
    assert {reply.received_stamp for reply in at_target} == {Stamp.KERNEL}
    assert not any(reply.duplicate for reply in at_target)


def test_the_kernel_has_no_right_to_give(path: Chain) -> None:
    """In any thread, whether there were none from the start or they were given up."""
    for user, flag in ((NOBODY, ()), ((), ("--unprivileged",))):
        args = [
            *user,
            *tui_trace_process.command("--jsonl", *flag, "-c50", "-i0.2", path.target_address()),
        ]
        process = path.client.popen(args, env=tui_trace_process.environment())
        try:
            assert process.stdout is not None
            line = b""
            while b'"reply"' not in line:
                line = process.stdout.readline()
                assert line
            tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
            for task in tasks:
                status = dict(
                    row.split(":\t", 1) for row in (task / "status").read_text().splitlines()
                )
                for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                    assert status[name] == NO_CAPABILITY, (task, name)
                assert status["NoNewPrivs"] == "1"
        finally:
            process.kill()
            process.communicate()


def test_no_raw_socket_is_opened_when_told_not_to(path: Chain) -> None:
    process = path.client.popen(
        tui_trace_process.command(
            "--jsonl", "-n", "--unprivileged", "-c50", "-i0.2", path.target_address()
        ),
        env=tui_trace_process.environment(),
    )
    try:
        assert process.stdout is not None
        while b'"reply"' not in process.stdout.readline():
            pass
        for table in ("raw", "raw6", "packet"):
            lines = Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()
            assert len(lines) == 1, lines
    finally:
        process.kill()
        process.communicate()


# --- what it says


def test_icmp_by_default_becomes_udp_and_says_so(strict: Chain) -> None:
    for family in (4, 6):
        stream = trace(strict.client, "-c2", "-i0.1", strict.target_address(family))
        assert tui_trace_process.hops(stream) == strict.hops(family)
        told = [notice.text for notice in tui_trace_process.only(Notice, stream)]
        assert sum("UDP instead of ICMP" in text for text in told) == 1
        kinds = {reply.kind for reply in tui_trace_process.only(Reply, stream) if reply.reached}
        assert kinds == {ReplyKind.UNREACHABLE}


def test_icmp_by_name_says_how_to_get_it_and_that_works(strict: Chain) -> None:
    target = strict.target_address()
    line = refusal(strict.client, "--icmp", target)
    command = re.search(r"sudo (sysctl -w \S+=\"[^\"]*\")", line)
    assert command, line
    before = strict.client.run(["sysctl", "-n", "net.ipv4.ping_group_range"]).stdout.split()
    strict.client.run(shlex.split(command[1]))
    try:
        for family in (4, 6):
            stream = trace(strict.client, "--icmp", "-c1", strict.target_address(family))
            assert tui_trace_process.hops(stream) == strict.hops(family)
    finally:
        strict.client.sysctl(ipv4__ping_group_range=" ".join(before))


def test_the_rights_it_recommends_are_had_that_way(strict: Chain) -> None:
    done = run(strict.client, "-r", "-n", "-c1", strict.target_address())
    words = done.stderr.partition("or: sudo ")[2].splitlines()[0]
    assert words.startswith("setpriv ")
    assert words.endswith(" tui-trace HOST")
    # what sudo's shell would have put there
    words = words.replace("$(id -u)", "65534").replace("$(id -g)", "65534")
    program = tui_trace_process.command("--jsonl", "-n", "-T", "-P", str(OPEN_PORT), "-c2", "-i0.1")
    words = words.replace("tui-trace HOST", shlex.join([*program, strict.target_address()]))
    told = strict.client.run(["sh", "-c", words], env=tui_trace_process.environment())
    assert told.stderr == ""
    stream = tui_trace_process.check_stamps(tui_trace_process.decode(told.stdout))
    assert tui_trace_process.hops(stream) == strict.hops()


def test_one_line_says_what_is_missing(strict: Chain) -> None:
    target = strict.target_address()
    for done in (
        run(strict.client, "-r", "-n", "-u", "-c1", target),
        tui_trace_process.program(strict.client, "-r", "-n", "-u", "-c1", "--unprivileged", target),
    ):
        (line,) = done.stderr.splitlines()
        assert "handshake" in line
        assert "header" in line
        assert line.removeprefix("tui-trace: ") in done.stdout.splitlines()
    assert "sudo" not in line


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("-u", "-L", "4000"), "source port"),
        (("--ack",), "flags"),
        (("-T", "--ack"), "CAP_NET_RAW; use sudo"),
        (("--protocol", "sctp"), "CAP_NET_RAW; use sudo"),
        (("--ecn",), "flags"),
        (("-T", "-s", "1000"), "1000 bytes"),
        (("-T", "-Q", "1"), "ECN"),
        (("-u", "-a", "192.0.2.77"), "192.0.2.77"),
        (("-T", "-a", "192.0.2.77"), "192.0.2.77"),
        (("-u", "-I", "nosuch0"), "nosuch0"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    strict: Chain, options: Sequence[str], word: str
) -> None:
    assert word in refusal(strict.client, *options, strict.target_address())


# --- what is on the wire


@FAMILIES
@pytest.mark.parametrize("option", ["-u", "--icmp"])
@pytest.mark.parametrize("df", [True, False])
def test_datagrams_are_as_the_settings_say(path: Chain, option: str, df: bool, family: int) -> None:
    flags = ("--df",) if df else ()
    seen = sent(path, family, option, "-s", "777", "-Q", "0xb9", *flags, "-c2", "-i0.1")
    assert {packet.ttl for packet in seen} >= set(range(1, path.length + 1))
    assert {packet.length for packet in seen} == {777}
    assert {packet.tos for packet in seen} == {0xB9}
    assert {packet.df for packet in seen} == {df or family == 6}
    if option == "--icmp":
        assert all(packet.has_right_checksum for packet in seen)
        assert len({packet.flow for packet in seen}) == 1
    else:
        assert len({packet.ports[1] for packet in seen}) == 1


@FAMILIES
@pytest.mark.parametrize("df", [True, False])
def test_syns_are_as_the_settings_say(path: Chain, df: bool, family: int) -> None:
    flags = ("--df",) if df else ()
    options = ("-T", "-P", str(CLOSED_PORT), "-Q", "0xb8")
    seen = sent(path, family, *options, *flags, "-c2", "-i0.1")
    assert {packet.ttl for packet in seen} >= set(range(1, path.length + 1))
    assert {packet.tos for packet in seen} == {0xB8}
    assert {packet.df for packet in seen} == {df or family == 6}
    assert {packet.length for packet in seen} == {60 if family == 4 else 80}
    assert {packet.tcp_flags for packet in seen} == {2}


@FAMILIES
def test_a_silent_target_gets_no_syn_after_the_wait(family: int) -> None:
    """While a reply is waited for, the kernel repeats a SYN of IPv6: once in 1.5 s."""
    with Chain(2) as chain:
        chain.target.nft(
            "table inet mute {\nchain c {\ntype filter hook input priority 0\n"
            "meta l4proto tcp drop\n}\n}\n"
        )
        target = chain.target_address(family)
        with Capture(chain.client, DOWN) as capture:
            stream = trace(chain.client, "-T", "-m3", "-c2", "-i1.6", "-Z1.5", target)
            seen = probes(capture.stop(), chain.source_address(family), target)
    outcomes = tui_trace_process.outcomes(stream)
    assert [one.sent.ttl for one in outcomes if one.lost] == [3, 3]
    assert len(outcomes) == 6
    times = 1 if family == 4 else 2
    syns = Counter((one.packet.ports, one.packet.sequence, one.packet.ttl) for one in seen)
    assert sorted((ttl, count) for (_, _, ttl), count in syns.items()) == [
        (1, 1), (1, 1), (2, 1), (2, 1), (3, times), (3, times),
    ]  # fmt: skip


@FAMILIES
def test_an_open_connection_is_reset(path: Chain, family: int) -> None:
    target, source = path.target_address(family), path.source_address(family)
    options = ("-T", "-P", str(OPEN_PORT), "-f", str(path.length), "-m", str(path.length))
    with Capture(path.client, DOWN) as capture:
        stream = trace(path.client, *options, "-c3", "-i0.1", target)
        seen = [one.packet for one in capture.stop() if one.packet.source == source]
    opened = {reply.kind for reply in tui_trace_process.only(Reply, stream)}
    assert opened == {ReplyKind.SYN_ACK}
    began = [packet.ports for packet in seen if packet.tcp_flags == 2]
    reset = [packet.ports for packet in seen if packet.is_rst]
    assert len(began) == 3
    assert set(reset) >= set(began)


@FAMILIES
@pytest.mark.parametrize("option", ["-u", "-T", "--icmp"])
def test_source_and_interface(path: Chain, option: str, family: int) -> None:
    extra = "198.18.1.9" if family == 4 else "2001:db8:0:1::9"
    width = 24 if family == 4 else 64
    path.client.ip(f"address add {extra}/{width} dev {DOWN}{'' if family == 4 else ' nodad'}")
    target = path.target_address(family)
    try:
        with Capture(path.client, DOWN) as capture:
            stream = trace(path.client, option, "-a", extra, "-I", DOWN, "-c1", target)
            seen = probes(capture.stop(), extra, target)
    finally:
        path.client.ip(f"address delete {extra}/{width} dev {DOWN}")
    assert tui_trace_process.hops(stream) == path.hops(family)
    assert len(seen) >= path.length


# --- trouble


# an ICMPv6 echo that a filter drops is a success for sendto()
@pytest.mark.parametrize(("option", "family"), [("-u", 4), ("-u", 6), ("--icmp", 4)])
def test_a_local_refusal_is_told_and_passes(path: Chain, option: str, family: int) -> None:
    process = path.client.popen(
        [
            *NOBODY,
            *tui_trace_process.command(
                "--jsonl", "-n", option, "-i0.2", path.target_address(family)
            ),
        ],
        env=tui_trace_process.environment(),
    )
    try:
        assert process.stdout is not None

        def until(kind: type[Event], count: int) -> list[Event]:
            found: list[Event] = []
            while len(tui_trace_process.only(kind, found)) < count:
                assert process.stdout is not None
                found += tui_trace_process.decode(process.stdout.readline().decode())
            return found

        until(Reply, 10)
        with refusing(path.client):
            failed = tui_trace_process.only(SendFailed, until(SendFailed, 3))
        assert all("firewall" in one.reason for one in failed)
        assert until(Reply, 20)
    finally:
        process.kill()
        process.communicate()


@FAMILIES
def test_larger_than_the_link(path: Chain, family: int) -> None:
    for option in ("-u", "--icmp"):
        stream = trace(path.client, option, "-s", "2000", "-c1", path.target_address(family))
        failed = tui_trace_process.only(SendFailed, stream)
        assert failed
        assert all("MTU (1500 bytes)" in one.reason for one in failed)


@pytest.mark.parametrize("limit", [24, 64, 1024])
@pytest.mark.parametrize("way", ["udp", "tcp-open"])
def test_sockets_stay_few(path: Chain, way: str, limit: int) -> None:
    options, _ = WAYS[way]
    process = path.client.popen(
        [
            *("prlimit", f"--nofile={limit}", *NOBODY),
            *tui_trace_process.command(
                "--jsonl", "-n", *options, "-c40", "-i0.1", path.target_address()
            ),
        ],
        env=tui_trace_process.environment(),
        stderr=None,
    )
    counts = []
    assert process.stdout is not None
    stream: list[Event] = []
    for line in process.stdout:
        stream += tui_trace_process.decode(line.decode())
        try:
            counts.append(len(os.listdir(f"/proc/{process.pid}/fd")))
        except FileNotFoundError:
            break
    assert process.wait(10) == 0
    assert isinstance(stream[-1], SessionEnded)
    assert max(counts) < limit
    counted = [one for one in tui_trace_process.outcomes(stream) if one.sent.ttl <= path.length]
    answered = [one for one in counted if one.answer is not None]
    assert {one.sent.ttl for one in answered} == {
        ttl for ttl in range(1, path.length + 1) if ttl not in path.silent_hops
    }
    for one in answered:
        assert one.answer is not None
        assert one.answer.address == path.hop(one.sent.ttl)


@pytest.mark.parametrize("option", ["-u", "-T", "--icmp"])
@FAMILIES
def test_quotes_of_eight_bytes_are_enough(
    strict: Chain, tmp_path: Path, option: str, family: int
) -> None:
    """Answers overtake each other, and of a UDP probe they show nothing: its socket tells."""
    hops = "".join(
        f'[[hops]]\nname = "r{k}.example"\nv4 = "198.18.0.{k}"\nv6 = "2001:db8:7::{k:x}"\n'
        f"delay = {(3, 0, 9, 0, 1)[k % 5]}\njitter = 40\nquote = 8\nduplicate = 50\n\n"
        for k in range(1, 9)
    )
    scenario = tmp_path / "short.toml"
    scenario.write_text(f'title = "Short quotes"\n\n{hops}')
    options = ("--lab", str(scenario), "--unprivileged", "--jsonl", "-n", f"-{family}")
    done = tui_trace_process.program(strict.client, *options, option, "-c20", "-i0.05")
    outcomes = tui_trace_process.outcomes(tui_trace_process.decode(done.stdout))
    counted = [one for one in outcomes if not one.void]
    assert len(counted) >= 20 * 7
    prefix = "198.18.0." if family == 4 else "2001:db8:7::"
    for one in counted:
        assert 1 <= len(one.replies) <= 2, one
        assert [reply.duplicate for reply in one.replies] == [False, True][: len(one.replies)]
        hop = min(one.sent.ttl, 8)
        assert {reply.address for reply in one.replies} == {f"{prefix}{hop:x}"}, one


_SENDER = """
import sys, time
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.unprivileged.error_queue import UserSockets
from tui_trace.wire.network import OutgoingProbe
from tui_trace.wire.unprivileged.error_queue_network import ErrorQueueNetwork

network = ErrorQueueNetwork(UserSockets(), sys.argv[1], 4)
network.open()
settings = ProbeSettings(protocol=Protocol.ICMP)
flow = network.reserve_port(Protocol.ICMP), 4242
sent = []
for _ in range(5):
    sent.append(OutgoingProbe(settings, 1, flow, network.monotonic(), network.wall()))
    network.send(sent[-1])
    time.sleep(0.2)
print(sorted(1 + sent.index(answer.probe) for answer in network.receive(0).answers))
"""


def test_an_answer_that_waits_to_be_read_stops_no_probe() -> None:
    """Its error would fail the next send on the same socket; delayed, it comes after its own."""
    with Chain(1, relay=1) as chain:
        chain.client.sysctl(ipv4__ping_group_range=EVERYBODY)
        assert chain.relay is not None
        chain.relay.delay(forward_ms=50)
        done = chain.client.run(
            [*NOBODY, sys.executable, "-c", _SENDER, chain.target_address()],
            env=tui_trace_process.environment(),
        )
    assert done.stdout == "[1, 2, 3, 4, 5]\n"


def test_no_cached_path_mtu_changes_a_probe(strict: Chain) -> None:
    target = strict.target_address()
    route = f"route replace {target} via {strict.hop(1)}"
    strict.client.ip(f"{route} mtu 1000")
    try:
        for flags in ((), ("--df",)):
            seen = sent(strict, 4, "-u", "-s", "1400", *flags, "-c1")
            assert {packet.length for packet in seen} == {1400}
    finally:
        strict.client.ip(f"route delete {target}")
