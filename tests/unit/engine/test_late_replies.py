"""The end of a report: what is only late is no loss, and what is lost holds nobody up for long."""

import random

import pytest

from tests.helpers.simulated_engine import ICMP, TCP, UDP, Tape, events_of, trace
from tests.helpers.simulated_network import SimNet
from tui_trace.core import events
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.engine.engine import Engine

ROUNDS = 10
BEGAN = SimNet().now


def loss(tape: Tape) -> set[int]:
    """The probes that were lost in the end."""
    answered = {reply.probe for reply in events_of(tape, events.Reply)}
    return {lost.probe for lost in events_of(tape, events.ProbeLost)} - answered


def silent_from(when: int) -> SimNet:
    """Three hops that answer nothing from so many ns on."""
    net = SimNet(length=3)
    net.delay = lambda probe, _n: None if net.now - BEGAN >= when else probe.ttl * NS_PER_MS
    return net


@pytest.mark.parametrize("settings", [ICMP, UDP, TCP], ids=lambda s: s.protocol.value)
def test_one_answer_in_ten_that_takes_a_second_is_never_a_loss(settings: ProbeSettings) -> None:
    for seed in range(100):
        rng = random.Random(seed)
        # each hop answers its first probe in time: before that nobody knows that it answers
        net = SimNet(
            length=6,
            delay=lambda probe, number, rng=rng: (
                NS_PER_S if number > 12 and rng.random() < 0.1 else probe.ttl * NS_PER_MS
            ),
        )
        tape = trace(net, settings, rounds=ROUNDS)
        assert not loss(tape), seed


def test_a_loss_in_the_last_round_is_waited_for_five_seconds_and_no_longer() -> None:
    net = silent_from(2 * NS_PER_S)
    tape = trace(net, ICMP, rounds=3)
    last_sent = max(sent.at for sent in events_of(tape, events.ProbeSent))
    end = events_of(tape, events.SessionEnded)[0].at
    assert len(loss(tape)) == 3
    assert 4.9 * NS_PER_S < end - last_sent < 5.2 * NS_PER_S


def test_a_hop_that_never_answered_holds_nobody_up() -> None:
    net = SimNet(length=3, delay=lambda p, _n: None if p.ttl == 2 else p.ttl * NS_PER_MS)
    tape = trace(net, ICMP, rounds=3)
    last_sent = max(sent.at for sent in events_of(tape, events.ProbeSent))
    assert events_of(tape, events.SessionEnded)[0].at - last_sent < NS_PER_S


def test_a_wait_that_was_given_is_the_end_of_waiting() -> None:
    net = silent_from(NS_PER_S)
    tape = trace(net, ICMP, rounds=3, wait=NS_PER_S)
    last_sent = max(sent.at for sent in events_of(tape, events.ProbeSent))
    assert events_of(tape, events.SessionEnded)[0].at - last_sent < 1.2 * NS_PER_S


def test_no_probe_is_lost_whose_reply_may_wait_to_be_read() -> None:
    net, tape = SimNet(length=3, delay=lambda _p, _n: None), Tape()
    engine = Engine(net, target="t", settings=ICMP, pace=Pace(), version="0")
    engine.begin(tape)
    engine.send_due()
    sent_at = net.now
    net.now += 60 * NS_PER_S
    engine.pass_time(read_at=sent_at)
    assert not loss(tape)
    net.now += NS_PER_S
    engine.pass_time(read_at=net.now)
    assert loss(tape)
