"""Leases of source ports: no two probes share one while another is free."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.simulated_engine import TCP, UDP, trace
from tests.helpers.simulated_network import SimNet, answer_of
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.engine.source_ports import (
    HALF_OPEN,
    MAX_PORTS,
    RST_CONFIRMATION,
    RST_OVERTAKEN,
    SourcePorts,
)
from tui_trace.report.hop_notes import short_notes
from tui_trace.session.fold import Session
from tui_trace.wire.network import OutgoingProbe, ReceivedReply, SendError

MAIN = 40_000


def ports_of(count: int) -> SourcePorts:
    """`count` ports, of which no more are to be had."""
    further = itertools.count(MAIN + 1)

    def reserve() -> int:
        port = next(further)
        if port >= MAIN + count:
            raise SendError(24, "too many open files")
        return port

    return SourcePorts(MAIN, reserve)


_steps = st.lists(
    st.tuples(
        st.sampled_from(["lease", "lease", "give_back", "lost", "answered"]),
        st.integers(0, 30),
        st.integers(0, 3 * NS_PER_S),
    ),
    max_size=80,
)


@given(st.integers(1, 12), _steps)
def test_no_port_has_two_leases_while_another_is_free(
    count: int, steps: list[tuple[str, int, int]]
) -> None:
    ports = ports_of(count)
    now = NS_PER_S
    held: list[int] = []
    rests: dict[int, int] = {}
    for step, which, passed in steps:
        now += passed
        if step == "lease":
            port = ports.lease(now)
            assert MAIN <= port < MAIN + count
            all_ports = range(MAIN, MAIN + count)
            free = [each for each in all_ports if each not in held and rests.get(each, 0) <= now]
            assert port in (free or all_ports)
            shared = Counter(held)
            if not free:
                fewest = min(shared[each] for each in all_ports)
                assert shared[port] == fewest, "the port with the fewest probes is shared"
            held.append(port)
        elif held:
            port = held.pop(which % len(held))
            if step == "give_back":
                ports.give_back(port, now + passed)
                rests[port] = max(rests.get(port, 0), now + passed)
            elif step == "lost":
                ports.on_syn_lost(port, now)
                rests[port] = max(rests.get(port, 0), now + RST_CONFIRMATION)
            else:
                ports.on_syn_ack(port, now)
                # whether our RST is doubted is another test's
                rests[port] = max(rests.get(port, 0), now + RST_CONFIRMATION)
                now = max(now, rests[port])


def test_one_port_is_enough_while_each_probe_is_answered_before_the_next() -> None:
    ports = ports_of(10)
    now = NS_PER_S
    used = []
    for _ in range(20):
        used.append(ports.lease(now))
        ports.on_syn_ack(used[-1], now + 4 * NS_PER_MS)
        now += NS_PER_S
    assert len(set(used[5:])) == 1
    assert len(set(used)) <= 3, "more only until the first RSTs are known to have arrived"


def test_a_port_rests_after_a_syn_ack_until_the_reset_has_arrived() -> None:
    ports = ports_of(3)
    now = 10 * NS_PER_S
    ports.on_syn_ack(ports.lease(now), now)
    assert ports.lease(now + RST_CONFIRMATION - 1) != MAIN
    # from now on a reset is not doubted
    now += RST_CONFIRMATION
    assert ports.lease(now) == MAIN
    ports.on_syn_ack(MAIN, now)
    assert ports.lease(now + RST_OVERTAKEN - 1) != MAIN
    assert ports.lease(now + RST_OVERTAKEN) == MAIN


def test_a_repeated_syn_ack_lets_a_port_rest_until_the_target_has_forgotten_it() -> None:
    ports = ports_of(2)
    now = 10 * NS_PER_S
    ports.on_syn_ack(ports.lease(now), now)
    now += NS_PER_S
    ports.on_repeated_syn_ack(MAIN, now)
    ports.on_repeated_syn_ack(7, now)  # another flow's
    assert ports.lease(now + HALF_OPEN - 1) == MAIN + 1
    assert ports.lease(now + HALF_OPEN) == MAIN


def test_where_no_port_can_be_reserved_the_one_with_fewest_probes_is_shared() -> None:
    ports = ports_of(2)
    assert [ports.lease(0) for _ in range(4)] == [MAIN, MAIN + 1] * 2
    ports.give_back(MAIN + 1, 0)
    assert ports.lease(0) == MAIN + 1


def test_of_ports_that_rest_the_one_that_is_free_first_is_taken() -> None:
    ports = ports_of(2)
    for free_at in (9 * NS_PER_S, 8 * NS_PER_S):
        ports.give_back(ports.lease(0), free_at)
    assert ports.lease(NS_PER_S) == MAIN + 1


def test_a_port_of_the_users_is_the_only_one() -> None:
    ports = SourcePorts(5555, None)
    assert [ports.lease(0) for _ in range(5)] == [5555] * 5


def test_no_flow_takes_more_than_its_share() -> None:
    ports = SourcePorts(MAIN, itertools.count(MAIN + 1).__next__)
    leased = [ports.lease(0) for _ in range(3 * MAX_PORTS)]
    assert set(Counter(leased).values()) == {3}
    assert len(set(leased)) == MAX_PORTS


@pytest.mark.parametrize("also", [1, 3])
def test_a_port_that_is_shared_is_leased_only_when_all_gave_it_back(also: int) -> None:
    ports = ports_of(2)
    for _ in range(also):
        assert ports.share_main() == MAIN
    for _ in range(also):
        assert ports.lease(0) == MAIN + 1
        ports.give_back(MAIN + 1, 0)
        ports.give_back(MAIN, 0)
    assert ports.lease(0) == MAIN


@pytest.mark.parametrize(("settings", "differ"), [(UDP, False), (TCP, True)])
def test_the_row_of_a_target_says_when_its_probes_have_other_flows(
    settings: ProbeSettings, differ: bool
) -> None:
    net = SimNet(length=4)
    sent: dict[int, set[int]] = {}

    def seen(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        sent.setdefault(probe.ttl, set()).add(probe.flow[0])
        return answer_of(net, probe)

    net.respond = seen
    session = Session()
    for event in trace(net, settings, interval=NS_PER_S // 5, seconds=20).events:
        session.apply(event)
    hops = session.snapshot().run.hops
    assert all(hop.spare_ports < len(sent[hop.ttl]) for hop in hops)
    assert [hop.spare_ports > 0 for hop in hops] == [False, False, False, differ]
    assert ("flows" in short_notes(hops[-1])) == differ
    assert "flows" not in short_notes(hops[-2])
