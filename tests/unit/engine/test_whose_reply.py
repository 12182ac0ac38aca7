"""What a reply decides in a session: the target's own, a router's, or one that came again."""

import pytest

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import TARGET, SimNet, answer_of, make_answer, router
from tui_trace.core import events
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.wire.network import OutgoingProbe, ReceivedReply

PROTOCOLS = pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
BEGAN = SimNet().now
RTT = 40 * NS_PER_MS


def outcomes(tape: Tape, ttl: int) -> tuple[set[int], set[int], list[events.Reply]]:
    """Which probes with this TTL were lost in the end and which answered, and the repeats."""
    replies = [reply for reply in events_of(tape, events.Reply) if reply.ttl == ttl]
    answered = {reply.probe for reply in replies if not reply.repeat and not reply.duplicate}
    lost = {event.probe for event in events_of(tape, events.ProbeLost) if event.ttl == ttl}
    return lost - answered, answered, [reply for reply in replies if reply.repeat]


@pytest.mark.parametrize("after", [1, 3, 7])
@pytest.mark.parametrize("rtt", [RTT, 300 * NS_PER_MS])
def test_a_syn_ack_that_the_target_sends_again_answers_nothing(after: int, rtt: int) -> None:
    """Every fifth SYN/ACK is lost, and so are the repeats before `after` seconds."""
    dropped: set[int] = set()

    def lossy(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        if probe.ttl != 4 or net.now < BEGAN + 3 * NS_PER_S or probe.number % 5:
            return answer
        dropped.add(probe.number)
        net.inject(net.now + rtt + after * NS_PER_S, probe, answer)
        return None

    net = SimNet(length=4, respond=lossy, delay=lambda _p, _n: rtt)
    lost, answered, repeats = outcomes(trace(net, TCP, seconds=60), 4)
    assert len(dropped) >= 8
    settled = {number for number in dropped if number < max(dropped)}
    assert settled <= lost <= dropped
    assert not answered & dropped
    assert {reply.probe for reply in repeats} >= settled - {max(settled)}
    assert all(reply.reached and not reply.late for reply in repeats)


def test_a_repeat_after_an_answer_is_told_as_one_and_as_a_duplicate() -> None:
    def unreset(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        if probe.ttl == 3:
            net.inject(net.now + RTT + NS_PER_S, probe, answer)
        return answer

    net = SimNet(length=3, respond=unreset, delay=lambda _p, _n: RTT)
    lost, answered, repeats = outcomes(trace(net, TCP, seconds=20), 3)
    assert not lost
    assert {reply.probe for reply in repeats} <= answered
    assert len(repeats) >= 17
    assert all(reply.duplicate for reply in repeats)


@PROTOCOLS
def test_a_slow_answer_is_late_and_no_repeat(settings: ProbeSettings) -> None:
    def slow(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        if probe.ttl == 3 and net.now > BEGAN + 3 * NS_PER_S and probe.number % 5 == 0:
            net.inject(net.now + RTT + 700 * NS_PER_MS, probe, answer)
            return None
        return answer

    net = SimNet(length=3, respond=slow, delay=lambda _p, _n: RTT)
    tape = trace(net, settings, seconds=30)
    lost, _, repeats = outcomes(tape, 3)
    assert not repeats
    assert not lost - {max(event.probe for event in events_of(tape, events.ProbeSent))}
    late = [reply.late for reply in events_of(tape, events.Reply) if reply.rtt > RTT]
    assert len(late) > 3
    assert late[0], "the wait adapts to it then"


@PROTOCOLS
def test_packets_that_expire_at_the_targets_address_have_not_reached_it(
    settings: ProbeSettings,
) -> None:
    """A router that forwards ports: hop 3 has the target's address, hop 5 is the target."""

    def forwarding(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if probe.ttl == 3:
            return make_answer(probe, TARGET, ReplyKind.TIME_EXCEEDED)
        return answer_of(net, probe)

    tape = trace(SimNet(length=5, respond=forwarding), settings, rounds=4)
    end = events_of(tape, events.PathEnd)[-1]
    assert (end.ttl, end.reached) == (5, True)
    replies = [reply for reply in events_of(tape, events.Reply) if not reply.past_target]
    assert {reply.ttl for reply in replies if reply.reached} == {5}
    assert {reply.ttl for reply in replies if reply.address == TARGET} == {3, 5}


def test_a_targets_unreachable_port_counts_from_another_address_of_its_own() -> None:
    def multi_homed(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        answer = answer_of(net, probe)
        if answer.kind is ReplyKind.UNREACHABLE:
            return answer._replace(address="198.51.100.99", icmp_type=3, code=3)
        return answer

    tape = trace(SimNet(length=4, respond=multi_homed), UDP, rounds=3)
    end = events_of(tape, events.PathEnd)[-1]
    assert (end.ttl, end.reached) == (4, True)
    assert {r.ttl for r in events_of(tape, events.Reply) if r.reached and not r.past_target} == {4}


@PROTOCOLS
def test_an_outage_that_a_router_tells_does_not_shorten_a_path(settings: ProbeSettings) -> None:
    """A gateway without its uplink refuses for 12 of 40 s what it forwards otherwise."""

    def gateway(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if 10 * NS_PER_S < net.now - BEGAN < 22 * NS_PER_S and probe.ttl > 1:
            answer = make_answer(probe, router(1), ReplyKind.UNREACHABLE, distance=1)
            return answer._replace(icmp_type=3, code=0)
        return answer_of(net, probe)

    tape = trace(SimNet(length=5, respond=gateway), settings, seconds=40)
    known = [end for end in events_of(tape, events.PathEnd) if end.at > NS_PER_S]
    assert {end.ttl for end in known} <= {5}
    sent = [event for event in events_of(tape, events.ProbeSent) if event.at > NS_PER_S]
    assert {event.ttl for event in sent if event.ttl <= 5} == {1, 2, 3, 4, 5}
    at_target = [event for event in sent if event.ttl == 5]
    assert len(at_target) >= 37, "the target is probed all the time"
    refused = [r for r in events_of(tape, events.Reply) if r.kind is ReplyKind.UNREACHABLE]
    assert not [r for r in refused if r.address == router(1) and r.reached]


def test_a_scout_whose_syn_ack_is_repeated_moves_no_end() -> None:
    """The target is silent in its own row, so nothing but the scout tells of it."""

    def late(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if probe.ttl < net.length:
            return answer_of(net, probe)
        is_scout = [each.ttl for _, each in net.sent].count(30) == 1
        return (
            make_answer(probe, TARGET, ReplyKind.SYN_ACK) if probe.ttl == 30 and is_scout else None
        )

    net = SimNet(
        length=5, respond=late, delay=lambda p, _n: NS_PER_S + 40 * NS_PER_MS if p.ttl == 30 else 1
    )
    tape = trace(net, TCP, rounds=1, wait=3 * NS_PER_S)
    assert any(reply.repeat for reply in events_of(tape, events.Reply))
    assert all(end.ttl < 30 for end in events_of(tape, events.PathEnd))


def test_a_scout_that_our_own_kernel_gives_up_is_no_loss() -> None:
    def dead_gateway(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if net.now < began + 3 * NS_PER_S:
            return answer_of(net, probe)
        own = make_answer(probe, net.source_address, ReplyKind.UNREACHABLE)
        return own._replace(icmp_type=3, code=1)

    def delay(probe: OutgoingProbe, _number: int) -> int:
        is_dead = net.now >= began + 3 * NS_PER_S
        return 3 * NS_PER_S if is_dead else probe.ttl * NS_PER_MS

    net = SimNet(length=4, respond=dead_gateway, delay=delay)
    began = net.now
    tape = trace(net, ICMP, seconds=20)
    scouts = {event.probe for event in events_of(tape, events.ProbeSent) if event.ttl == 30}
    assert len(scouts) > 3
    lost = events_of(tape, events.ProbeLost)
    assert {event.ttl for event in lost} == {1, 2, 3, 4}
    assert not scouts & {event.probe for event in lost}
