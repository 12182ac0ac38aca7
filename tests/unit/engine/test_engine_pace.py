"""A sequence of probes that waits for no silent hop: how the classic programs are followed."""

from itertools import pairwise

from tests.helpers.simulated_engine import ICMP, TCP, events_of, trace
from tests.helpers.simulated_network import SimNet
from tui_trace.core import events
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Protocol

HURRY = 50 * NS_PER_MS


def test_an_answer_lets_the_next_probe_go_and_silence_holds_it_up_for_a_moment_only():
    net = SimNet(length=4, delay=lambda p, _n: None if p.ttl == 2 else 10 * NS_PER_MS)
    tape = trace(net, ICMP, sequential=True, next_probe_after=HURRY, queries=2, wait=NS_PER_S)
    assert [probe.ttl for _, probe in net.sent] == [1, 1, 2, 2, 3, 3, 4, 4]
    times = [when for when, _ in net.sent]
    gaps = [(b - a) // NS_PER_MS for a, b in pairwise(times)]
    assert gaps == [10, 10, 50, 50, 10, 10, 10]
    assert [(lost.ttl, lost.at >= NS_PER_S) for lost in events_of(tape, events.ProbeLost)] == [
        (2, True)
    ] * 2


def test_few_probes_overshoot_the_target():
    net = SimNet(length=3, delay=lambda _p, _n: 120 * NS_PER_MS)
    tape = trace(net, ICMP, sequential=True, next_probe_after=HURRY, wait=NS_PER_S)
    assert [probe.ttl for _, probe in net.sent] == [1, 2, 3, 4, 5]
    reached = [
        reply for reply in events_of(tape, events.Reply) if reply.reached and not reply.past_target
    ]
    assert [reply.ttl for reply in reached] == [3]


def test_no_two_syns_are_on_their_way_to_the_target_from_one_port():
    net = SimNet(length=3, delay=lambda p, _n: None if p.ttl >= 2 else NS_PER_MS)
    trace(net, TCP, sequential=True, next_probe_after=HURRY, queries=3, wait=NS_PER_S, max_ttl=4)
    after = [(when, probe.flow[0]) for when, probe in net.sent if probe.ttl > 1]
    assert len(after) == 9
    last: dict[int, int] = {}
    for when, port in after:
        assert when - last.get(port, -NS_PER_S) >= NS_PER_S
        last[port] = when


def test_a_given_port_is_kept_even_if_probes_have_to_wait_for_it():
    settings = type(TCP)(protocol=Protocol.TCP, port=443, source_port=5555, size=60)
    net = SimNet(length=3, delay=lambda p, _n: None if p.ttl == 2 else NS_PER_MS)
    tape = trace(net, settings, sequential=True, queries=2, wait=NS_PER_S, max_ttl=3)
    assert [(probe.ttl, probe.flow[0]) for _, probe in net.sent] == [
        (ttl, 5555) for ttl in (1, 1, 2, 2, 3, 3)
    ]
    assert events_of(tape, events.RunOpened)[0].source_port == 5555
    hurried = SimNet(length=3, delay=lambda p, _n: None if p.ttl == 2 else NS_PER_MS)
    trace(
        hurried,
        settings,
        sequential=True,
        next_probe_after=HURRY,
        queries=2,
        wait=NS_PER_S,
        max_ttl=3,
    )
    assert [probe.ttl for _, probe in hurried.sent] == [1, 1, 2, 2, 3, 3]


def test_the_port_of_the_first_flow_is_told():
    tape = trace(SimNet(length=2), TCP)
    assert events_of(tape, events.RunOpened)[0].source_port == 40_000
    assert events_of(trace(SimNet(length=2), ICMP), events.RunOpened)[0].source_port == 0
