"""Findings become episodes, with a beginning and an end."""

import msgspec
import pytest

from tests.helpers.event_builders import began, opened, reply, sent
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.session import finders
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.episodes import EpisodeLog
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.finding_text import describe_episode, describe_finding
from tui_trace.session.fold import Session

KIND = FindingKind


def finding(kind=KIND.DOWN, *, since=10, **fields):
    known = {"harm": True, "sure": Sure.CERTAIN, "text": "it is", "past": "it was", "run": 1}
    return Finding(kind=kind, since=since, **(known | fields))


def spans(log):
    return [(e.finding.kind, e.finding.since, e.told, e.until) for e in log.episodes()]


def test_an_episode_lasts_while_it_is_found():
    log = EpisodeLog()
    log.look([finding()], 13)
    log.look([finding(details="(4 probes)")], 14)
    assert spans(log) == [(KIND.DOWN, 10, 13, None)]
    assert log.findings()[0].details == "(4 probes)"
    log.look([], 20)
    assert spans(log) == [(KIND.DOWN, 10, 13, 20)]
    assert not log.findings()
    assert log.ended == {(KIND.DOWN, 1): 20}


def test_a_finder_that_knows_the_end_says_it():
    log = EpisodeLog()
    log.look([finding()], 13)
    log.look([finding(until=17)], 20)
    log.look([finding(since=30)], 33)
    assert spans(log) == [(KIND.DOWN, 10, 13, 17), (KIND.DOWN, 30, 33, None)]


def test_a_mistake_is_forgotten():
    log = EpisodeLog()
    log.look([finding()], 13)
    log.look([finding(until=9)], 20)
    assert not log.episodes()


def test_the_worst_stands_first_and_harmless_ones_last():
    found = [
        finding(KIND.RATE_LIMITED, harm=False, hop=3, severity=0.9),
        finding(KIND.LOSS, severity=0.2),
        finding(KIND.DOWN, severity=1.0),
        finding(KIND.SLOWER, severity=0.2, since=5),
    ]
    log = EpisodeLog()
    log.look(found, 13)
    kinds = [one.kind for one in log.findings()]
    assert kinds == [KIND.DOWN, KIND.SLOWER, KIND.LOSS, KIND.RATE_LIMITED]


def test_harmless_ones_are_told_apart_by_hop_and_harm_moves_with_its_hop():
    log = EpisodeLog()
    log.look([finding(KIND.ANSWERS_LOST, harm=False, hop=hop) for hop in (3, 4)], 13)
    assert [one.hop for one in log.findings()] == [3, 4]
    assert not log.episodes()
    log.look([finding(KIND.LOSS, hop=3)], 14)
    log.look([finding(KIND.LOSS, hop=4)], 15)
    assert [e.finding.hop for e in log.episodes() if e.until is None] == [4]


def test_episodes_are_bounded():
    log = EpisodeLog()
    for number in range(2000):
        log.look([finding(since=2 * number, run=number)], 2 * number)
        log.look([], 2 * number + 1)
    assert len(log.episodes()) == 500
    assert len(log.ended) <= 500


def clock(at):
    return f"03:12:{at:02}"


def test_sentences_speak_of_now_and_of_then():
    log = EpisodeLog()
    down = finding(text="target silent", past="target was silent", details="(3 probes), hop 4")
    log.look([down], 13)
    assert describe_finding(log.findings()[0], clock) == (
        "target silent since 03:12:10 (3 probes), hop 4"
    )
    log.look([], 20)
    (episode,) = log.episodes()
    assert describe_episode(episode, clock) == (
        "target was silent 03:12:10–03:12:20 (3 probes), hop 4"
    )
    quiet = finding(KIND.NAT, harm=False, text="a NAT rewrites checksums from hop 2 on")
    assert describe_finding(quiet, clock) == "a NAT rewrites checksums from hop 2 on"


@pytest.fixture
def _two_finders(monkeypatch):
    """A quick finder that says what the target's last outcome was, and a thorough one."""

    def find(session):
        target = session.run.log.target
        if target.lost.bit_length() > target.answered.bit_length():
            slot = target.answered.bit_length()
            yield finding(since=session.run.log.times[slot], run=session.run.number)

    def find_thorough(session):
        yield finding(KIND.OK, harm=False, details=str(session.run.rounds), run=session.run.number)

    monkeypatch.setattr(finders, "QUICK_FINDERS", [find])
    monkeypatch.setattr(finders, "THOROUGH_FINDERS", [find_thorough])


def outage(rounds, silent):
    """The target at TTL 1 is silent in some rounds; its probes are lost after half a second."""
    yield began()
    yield opened(1)
    for number in range(1, rounds + 1):
        at = number * NS_PER_S
        yield ev.RoundBegan(at=at, run=1, round=number)
        yield sent(number, 1, at=at)
        if number in silent:
            yield ev.ProbeLost(at=at + NS_PER_S // 2, run=1, probe=number, ttl=1)
        else:
            yield reply(number, 1, reached=True, at=at + 1000)
        if number == 1:
            yield ev.PathEnd(at=at + 1000, run=1, ttl=1, reached=True)


@pytest.mark.usefixtures("_two_finders")
def test_silence_is_told_when_the_third_probe_is_lost_and_its_end_at_the_first_answer():
    session = Session()
    for event in outage(40, range(11, 21)):
        session.apply(event)
    down = [e for e in session.snapshot().episodes if e.finding.kind is KIND.DOWN]
    begin = 11 * NS_PER_S
    assert [(e.finding.since, e.until) for e in down] == [(begin, 21 * NS_PER_S + 1000)]
    assert down[0].told <= begin + 2 * NS_PER_S + NS_PER_S // 2


@pytest.mark.usefixtures("_two_finders")
def test_thorough_looks_are_rare():
    looked = set()
    session = Session()
    for event in outage(200, ()):
        session.apply(event)
        looked |= {one.details for one in session.snapshot().findings}
    slots = [*range(8, 65, 8), *range(80, 200, 16)]
    assert looked == {str(number + 1) for number in slots}


@pytest.mark.usefixtures("_two_finders")
def test_a_session_taken_up_again_tells_the_same():
    events = list(outage(60, {*range(11, 21), *range(40, 47)}))
    whole = Session()
    for event in events:
        whole.apply(event)
    for cut in range(0, len(events), 7):
        session = Session()
        for event in events[:cut]:
            session.apply(event)
        state = msgspec.msgpack.encode(session.checkpoint())
        session = Session.from_checkpoint(msgspec.msgpack.decode(state, type=SessionCheckpoint))
        for event in events[cut:]:
            session.apply(event)
        assert session.snapshot() == whole.snapshot()
