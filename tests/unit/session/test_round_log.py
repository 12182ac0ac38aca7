"""The log of rounds: each outcome in its slot, whatever the order of the events."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.event_builders import lost, opened, reply, sent
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.session.fold import Session
from tui_trace.session.round_log import NO_RTT, RTT_WINDOW, WINDOW, RunLog, bits_of

US = 1000
LAST = 4
"""TTL of the target."""


def answer(probe, ttl, rtt=1000, **fields):
    return reply(probe, ttl, rtt, reached=ttl == LAST, **fields)


def run_log(rounds, outcomes):
    """A log, and what is true of it: by TTL and slot, an RTT or None for a loss."""
    log, truth = RunLog(1, ProbeSettings()), {}
    probe, late = 0, []
    for number in range(rounds):
        log.on_round(number + 1)
        for ttl in range(1, LAST + 1):
            probe += 1
            log.on_sent(probe, ttl, 0, number * NS_PER_S)
            outcome = next(outcomes)
            truth[ttl, number] = outcome if outcome != "late" else probe * US
            if outcome is None or outcome == "late":
                log.on_lost(probe, ttl, at_end=ttl == LAST)
            else:
                log.on_answer(answer(probe, ttl, outcome))
            if outcome == "late":
                late.append((probe, ttl))
        if len(late) > 3:
            lated, ttl = late.pop(0)
            log.on_answer(answer(lated, ttl, lated * US, late=True))
    for lated, ttl in late:
        log.on_answer(answer(lated, ttl, lated * US, late=True))
    return log, truth


@given(st.lists(st.sampled_from([None, 5 * US, 7000 * US, "late"]), min_size=LAST, max_size=200))
def test_each_outcome_stands_in_its_slot(told):
    rounds = len(told) // LAST
    log, truth = run_log(rounds, iter(told))
    assert log.slots == rounds
    assert list(log.rounds) == list(range(1, rounds + 1))
    for (ttl, slot), outcome in truth.items():
        for hop in [log.hops[ttl], *([log.target] if ttl == LAST else [])]:
            assert hop.lost >> slot & 1 == (outcome is None)
            assert hop.answered >> slot & 1 == (outcome is not None)
            if outcome is not None:
                assert hop.rtts[slot] == outcome
                assert hop.by_address[f"203.0.113.{ttl}"] >> slot & 1


def test_the_oldest_slots_are_forgotten():
    rng = random.Random(4)
    rounds = 3 * WINDOW + 17
    log, truth = run_log(rounds, iter(lambda: rng.choice([None, 5 * US, 9 * US, "late"]), object()))
    assert WINDOW <= log.slots <= 2 * WINDOW
    assert log.first_slot + log.slots == rounds
    assert log.rounds[0] == log.first_slot + 1
    for ttl in range(1, LAST + 1):
        hop = log.hops[ttl]
        for slot in range(log.slots):
            outcome = truth[ttl, slot + log.first_slot]
            assert hop.lost >> slot & 1 == (outcome is None)
            shown = hop.rtts[slot] if slot < len(hop.rtts) else NO_RTT
            age = log.slots - slot
            if outcome is None or age > 2 * RTT_WINDOW:
                assert shown == NO_RTT
            elif age <= RTT_WINDOW:
                assert shown == outcome
    assert len(log.target.rtts_of(log.latest(2 * WINDOW))) == log.target.answered.bit_count()
    assert log.since(log.times[-5]) == log.latest(5)
    assert log.latest(5).bit_count() == 5
    assert log.latest(10**6).bit_count() == log.slots


def test_the_target_is_the_target_at_whatever_ttl():
    log = RunLog(1, ProbeSettings())
    for number, ttl in enumerate((4, 4, 6, 6)):
        log.on_round(number + 1)
        log.on_sent(number, ttl, 0, number)
        if number in (1, 2):
            log.on_lost(number, ttl, at_end=True)
        else:
            log.on_answer(reply(number, ttl, reached=True))
    assert (log.target.answered, log.target.lost, log.target_ttl) == (0b1001, 0b0110, 6)


def test_an_answer_to_a_ttl_past_the_target_shows_that_it_is_there():
    log = RunLog(1, ProbeSettings())
    log.on_round(1)
    log.on_sent(1, 4, 0, 0)
    log.on_sent(2, 9, 0, 0)
    log.on_lost(1, 4, at_end=True)
    log.on_past_target(reply(2, 9, reached=True, past_target=True))
    assert (log.target.answered, log.target.lost) == (1, 0)
    assert (log.hops[9].answered, log.hops[9].lost) == (0, 0)


def test_queries_have_slots_of_their_own():
    log = RunLog(1, ProbeSettings(flows=2))
    probe = 0
    for number in range(3):
        log.on_round(number + 1)
        for flow in range(2):
            for ttl in range(1, 4):
                probe += 1
                log.on_sent(probe, ttl, flow, probe)
                if ttl == 2 and flow:
                    log.on_lost(probe, ttl, at_end=False)
                else:
                    log.on_answer(reply(probe, ttl))
    assert list(log.rounds) == [1, 1, 2, 2, 3, 3]
    assert list(log.flows) == [0, 1] * 3
    assert log.hops[2].lost == 0b101010
    assert log.hops[3].answered == 0b111111


def test_refused_and_void_probes():
    log = RunLog(1, ProbeSettings())
    log.on_round(1)
    for ttl in (1, 2, 3):
        log.on_sent(ttl, ttl, 0, 0)
    log.on_lost(1, 1, at_end=False)
    log.on_lost(2, 2, at_end=True, is_refused=True)
    log.on_void(1, 1)
    log.on_void(3, 3)
    log.on_lost(3, 3, at_end=True)
    assert [log.hops[ttl].lost for ttl in (1, 2, 3)] == [0, 1, 0]
    assert (log.hops[2].refused, log.target.lost, log.target.refused) == (1, 1, 1)


def test_the_session_fills_it_in():
    session = Session()
    session.apply(opened(1))
    for number in range(6):
        session.apply(ev.RoundBegan(at=number * NS_PER_S, run=1, round=number + 1))
        for ttl in (1, 2):
            probe = number * 2 + ttl
            session.apply(sent(probe, ttl, at=number * NS_PER_S))
            if (number + ttl) % 3:
                session.apply(reply(probe, ttl, reached=ttl == 2, at=number * NS_PER_S + 5))
            else:
                session.apply(lost(probe, ttl, at=number * NS_PER_S + 9))
        if not number:
            session.apply(ev.PathEnd(at=9, run=1, ttl=2, reached=True))
    log = session.run_log(1)
    assert list(bits_of(log.hops[1].lost)) == [2, 5]
    assert list(bits_of(log.target.lost)) == [1, 4]
    assert list(bits_of(log.target.answered)) == [0, 2, 3, 5]


def test_more_probes_in_a_round_than_slots_are_remembered():
    log = RunLog(1, ProbeSettings())
    log.on_round(1)
    for probe in range(5 * WINDOW):
        log.on_sent(probe, 1, 0, probe)
        log.on_answer(reply(probe, 1))
    log.on_sent(10**6, 2, 0, 10**6)
    log.on_lost(10**6, 2, at_end=True)
    assert WINDOW <= log.slots <= 2 * WINDOW
    assert (log.hops[1].answered.bit_count(), log.target.lost) == (log.slots, 0)
