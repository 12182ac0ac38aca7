"""The end of the path: found anew when it moves, and not moved by chance."""

import random
from itertools import pairwise

import pytest

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet, answer_of, make_answer, router
from tui_trace.core import events
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.engine.path_end import PathEndDetector
from tui_trace.wire.network import OutgoingProbe, ReceivedReply

PROTOCOLS = pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)


def ends(tape: Tape) -> list[tuple[float, int, bool]]:
    """When the end was told, in seconds, and which."""
    return [(end.at / NS_PER_S, end.ttl, end.reached) for end in events_of(tape, events.PathEnd)]


@PROTOCOLS
def test_a_refusal_that_is_over_is_forgotten(settings: ProbeSettings) -> None:
    """Hop 4 refuses for a second, and hop 5 never answers."""
    net = SimNet(length=6)
    began = net.now

    def respond(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        if probe.ttl >= 5 and 3 * NS_PER_S < net.now - began < 4 * NS_PER_S:
            return make_answer(probe, router(4), ReplyKind.UNREACHABLE)
        return None if probe.ttl == 5 else answer_of(net, probe)

    net.respond = respond
    told = ends(trace(net, settings, seconds=10))
    assert (5, False) in [end[1:] for end in told]
    assert told[-1][1:] == (6, True)
    assert told[-1][0] < 10


@PROTOCOLS
def test_a_path_that_grows_behind_a_silent_hop_is_found(settings: ProbeSettings) -> None:
    """From 5 hops to 12, the seventh of which never answers."""
    net = SimNet(length=5)

    def respond(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        return None if net.length == 12 and probe.ttl == 7 else answer_of(net, probe)

    net.respond = respond
    net.at.append((net.now + 5 * NS_PER_S, lambda: setattr(net, "length", 12)))
    told = ends(trace(net, settings, seconds=25))
    assert told[-1][1:] == (12, True)
    assert told[-1][0] < 8


@PROTOCOLS
def test_a_path_that_grows_into_silence_is_found(settings: ProbeSettings) -> None:
    """From 5 hops to 12, and none of the new ones answers: nothing but the end's silence shows."""
    net = SimNet(length=5)

    def respond(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        return None if net.length == 12 and 5 <= probe.ttl < 12 else answer_of(net, probe)

    net.respond = respond
    net.at.append((net.now + 5 * NS_PER_S, lambda: setattr(net, "length", 12)))
    told = ends(trace(net, settings, seconds=40))
    assert told[-1][1:] == (12, True)
    assert told[-1][0] < 20


@PROTOCOLS
def test_a_target_behind_eight_silent_routers_is_seen_when_it_comes_up(
    settings: ProbeSettings,
) -> None:
    net = SimNet(length=10)
    began = net.now

    def respond(net: SimNet, probe: OutgoingProbe) -> ReceivedReply | None:
        is_silent = 2 <= probe.ttl < 10 or (probe.ttl >= 10 and net.now - began < 4 * NS_PER_S)
        return None if is_silent else answer_of(net, probe)

    net.respond = respond
    told = ends(trace(net, settings, seconds=20))
    assert told[-1][1:] == (10, True)
    assert told[-1][0] < 8


@PROTOCOLS
def test_a_target_that_goes_away_leaves_no_rows_behind_it(settings: ProbeSettings) -> None:
    net = SimNet(length=5)
    began = net.now
    net.delay = lambda probe, _n: (
        None if probe.ttl >= 5 and net.now - began > 5 * NS_PER_S else probe.ttl * NS_PER_MS
    )
    tape = trace(net, settings, seconds=30)
    assert ends(tape)[-1][1:] == (5, True)
    lost = events_of(tape, events.ProbeLost)
    assert {probe.ttl for probe in lost} == {5}
    assert 20 < len(lost) < 30
    scouts = [probe for when, probe in net.sent if when - began > 6 * NS_PER_S and probe.ttl == 30]
    assert 15 < len(scouts) < 25


def test_every_scout_is_decided_at_the_end() -> None:
    net = SimNet(length=99, delay=lambda probe, _n: NS_PER_MS if probe.ttl <= 7 else None)
    tape = trace(net, rounds=5)
    sent = {event.probe for event in events_of(tape, events.ProbeSent)}
    decided = {
        event.probe
        for kind in (events.ProbeLost, events.ProbeVoid, events.Reply)
        for event in events_of(tape, kind)
    }
    assert decided == sent
    first, _sweep, *later = [
        event.probe for event in events_of(tape, events.ProbeSent) if event.ttl == 30
    ]
    assert len(later) == 3, "from the third round on"
    assert {event.probe for event in events_of(tape, events.ProbeVoid)} == {first, *later}


def test_there_is_a_scout_a_second_however_short_the_interval() -> None:
    """More would take a share of what a host that limits its replies answers."""
    net = SimNet(length=99, delay=lambda probe, _n: NS_PER_MS if probe.ttl <= 7 else None)
    trace(net, seconds=20, interval=NS_PER_S // 10)
    _first, _sweep, *sent = [when for when, probe in net.sent if probe.ttl == 30]
    assert 17 <= len(sent) <= 20
    assert all(after - before >= 0.9 * NS_PER_S for before, after in pairwise(sent))


@PROTOCOLS
def test_while_a_router_refuses_nothing_goes_past_it(settings: ProbeSettings) -> None:
    net = SimNet(length=9)
    net.respond = lambda net, probe: (
        make_answer(probe, router(4), ReplyKind.UNREACHABLE)
        if probe.ttl > 4
        else answer_of(net, probe)
    )
    assert ends(trace(net, settings, seconds=20))[-1][1:] == (5, False)
    assert max(probe.ttl for _, probe in net.sent[30:]) == 5


@pytest.mark.parametrize("percent", [5, 20, 50, 80, 95])
def test_loss_at_the_target_does_not_move_the_end(percent: int) -> None:
    """500 sessions of 300 rounds: hardly one loses its end, however much is lost."""
    rng = random.Random(percent)
    moved = 0
    for _ in range(500):
        end = PathEndDetector()
        for ttl in range(1, 5):
            end.on_time_exceeded(ttl, ttl)
        end.on_final_reply(5, 5, by_target=True)
        for number in range(6, 306):
            scouts = [30] if end.is_doubtful else []
            if scouts:
                end.on_scout_sent(number)
            for ttl in (5, *scouts):
                if rng.random() * 100 < percent:
                    end.on_lost(ttl)
                else:
                    end.on_final_reply(ttl, number, by_target=True, is_scout=ttl == 30)
            if end.end_ttl != 5:
                moved += 1
                break
    assert moved <= 500 * 0.02
