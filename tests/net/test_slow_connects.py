"""TCP without rights over a path slower than the kernel's first repetition of a SYN, 1 s."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, Seen, probes
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import Dropping, listen
from tests.helpers.network.params import FAMILIES, NOBODY, OPEN_PORT
from tests.helpers.network.tui_trace_process import Outcome, only, outcomes
from tui_trace.core.events import Event, Notice, Reply
from tui_trace.core.settings import NS_PER_MS, NS_PER_S

SLOW_FROM = 3
"""The first hop behind the slow link."""
WAY_MS = 600
RTT = 2 * WAY_MS * NS_PER_MS
CLOSED_PORT = 81
PORTS = pytest.mark.parametrize("port", [OPEN_PORT, CLOSED_PORT], ids=["open", "closed"])
SYN = 0x02
IN_DOUBT = "TCP replies after more than 1 s count as lost"


@pytest.fixture(scope="module")
def slow() -> Iterator[Chain]:
    """4 routers; from the third on, a round trip takes 1.2 s."""
    with Chain(4, relay=SLOW_FROM) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(WAY_MS, WAY_MS)
        yield chain


def trace(chain: Chain, port: int, family: int, rounds: int) -> list[Event]:
    """As a user with no right at all."""
    options = ("--jsonl", "-n", "-T", "-P", str(port), "-i", "1", "-c", str(rounds))
    command = tui_trace_process.command(*options, chain.target_address(family))
    done = chain.client.run([*NOBODY, *command], timeout=90, env=tui_trace_process.environment())
    return tui_trace_process.decode(done.stdout)


def by_hop(chain: Chain, stream: Sequence[Event]) -> dict[int, list[Outcome]]:
    """The probes that count, at each TTL of the path."""
    found: dict[int, list[Outcome]] = defaultdict(list)
    for one in outcomes(stream):
        if one.sent.ttl <= chain.length and not one.void:
            found[one.sent.ttl].append(one)
    assert sorted(found) == list(range(1, chain.length + 1))
    return found


def assert_no_rtt_is_a_second_wrong(stream: Sequence[Event]) -> None:
    for reply in only(Reply, stream):
        truth = 0 if reply.ttl < SLOW_FROM else RTT
        assert truth - 20 * NS_PER_MS < reply.rtt < truth + 700 * NS_PER_MS, reply


@FAMILIES
@PORTS
def test_no_loss_beyond_the_first_repetition(slow: Chain, port: int, family: int) -> None:
    stream = trace(slow, port, family, 4)
    assert tui_trace_process.hops(stream)[: slow.length] == slow.hops(family)
    assert not any(one.lost for hop in by_hop(slow, stream).values() for one in hop)
    assert_no_rtt_is_a_second_wrong(stream)
    assert not any(notice.text.startswith(IN_DOUBT) for notice in only(Notice, stream))


def first_syns(seen: list[Seen], chain: Chain, family: int) -> list[Seen]:
    """The first SYN of each connect(), in order."""
    known = set()
    found = []
    for one in probes(seen, chain.source_address(family), chain.target_address(family)):
        name = one.packet.ports, one.packet.sequence
        if one.packet.tcp_flags & 0x3F == SYN and name not in known:
            known.add(name)
            found.append(one)
    return found


@pytest.mark.slow
@FAMILIES
@PORTS
def test_loss_is_that_of_the_first_syns(slow: Chain, port: int, family: int) -> None:
    """The second router drops every fourth packet. A reply to a repetition is no reply."""
    target = slow.target_address(family)
    dropper = slow.nodes[1]
    Dropping(dropper, target, 25)
    try:
        with Capture(slow.client, DOWN) as before, Capture(dropper, DOWN) as behind:
            stream = trace(slow, port, family, 12)
            left, passed = before.stop(), behind.stop()
    finally:
        dropper.nft("delete table inet dropping\n")
    assert_no_rtt_is_a_second_wrong(stream)
    passed_at: dict[object, int] = {}
    for one in probes(passed, slow.source_address(family), target):
        passed_at.setdefault((one.packet.ports, one.packet.sequence), one.wall)
    fates: dict[int, list[bool]] = defaultdict(list)
    for one in first_syns(left, slow, family):
        at = passed_at.get((one.packet.ports, one.packet.sequence))
        is_dropped = at is None or at - one.wall > NS_PER_S // 2
        fates[one.packet.ttl].append(is_dropped)
    sent: dict[int, list[Outcome]] = defaultdict(list)
    for probe in outcomes(stream):
        sent[probe.sent.ttl].append(probe)
    said = lost = 0
    for ttl in range(2, slow.length + 1):
        assert len(sent[ttl]) == len(fates[ttl])
        for probe, is_dropped in zip(sent[ttl], fates[ttl], strict=True):
            assert not (is_dropped and probe.replies), probe
            if not probe.void:
                lost += is_dropped
                said += probe.lost
    assert lost > 0
    doubted = any(notice.text.startswith(IN_DOUBT) for notice in only(Notice, stream))
    assert said == lost or (doubted and said > lost)


@PORTS
def test_what_cannot_be_told_is_said(slow: Chain, port: int) -> None:
    """Without TCP timestamps nothing tells an answer to the probe from one to its repetition.

    Of IPv4 there is no repetition here.
    """
    slow.client.sysctl(ipv4__tcp_timestamps=0)
    try:
        stream, other = trace(slow, port, 6, 2), trace(slow, port, 4, 2)
    finally:
        slow.client.sysctl(ipv4__tcp_timestamps=1)
    hops = by_hop(slow, stream)
    assert not any(one.lost for ttl in range(1, SLOW_FROM) for one in hops[ttl])
    assert all(one.lost for ttl in range(SLOW_FROM, slow.length + 1) for one in hops[ttl])
    said = [notice.text for notice in only(Notice, stream) if notice.text.startswith(IN_DOUBT)]
    assert len(said) == 1
    assert not any(one.lost for hop in by_hop(slow, other).values() for one in hop)
    assert_no_rtt_is_a_second_wrong(other)
