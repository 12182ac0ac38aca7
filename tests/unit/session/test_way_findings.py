"""A way that loses is told, with its router and a port; ways that lose alike are not."""

import random

import msgspec
import pytest

from tests.helpers.dealt_ways import END, Lost, searched, watched, watched_events, way
from tui_trace.core import events as ev
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.fold import Session


def told(ways: int, rounds: int, lost: Lost, seed: int = 1) -> tuple[Session, list[Finding]]:
    """A session after so many rounds, and what was found of single ways at its end."""
    session = Session()
    for _ in watched(session, ways, rounds, lost, random.Random(seed)):
        pass
    found = [one for one in session.findings() if one.kind is FindingKind.WAY_LOSS]
    return session, found


def is_of_flow(number: int, flow: int, _rng: random.Random) -> bool:
    """Lose all of flow 2 from round 20 on."""
    return flow == 2 and number >= 20


@pytest.mark.parametrize("ways", [3, 8, 16])
def test_a_dead_way_is_told_with_its_port(ways: int) -> None:
    session, (found,) = told(ways, 30, is_of_flow)
    assert (found.hop, found.address, found.sure) == (2, way(2, ways), Sure.CERTAIN)
    assert found.text == f"1 of {ways} ways at hop 2 loses everything"
    assert found.evidence["source_port"] == 40_002
    assert found.since == 21 * 10**9, "the first probe that was lost"
    assert session.snapshot().ways.watched is not None


def test_it_is_over_when_the_way_is_well_again() -> None:
    session, found = told(8, 90, lambda number, flow, _: flow == 2 and 20 <= number < 50)
    assert not found
    (episode,) = [
        one for one in session.snapshot().episodes if one.finding.kind is FindingKind.WAY_LOSS
    ]
    assert episode.until is not None
    assert episode.until < 75 * 10**9


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_ways_that_lose_alike_are_not_told(share: float) -> None:
    for seed in range(4):
        _, found = told(8, 120, lambda _n, _f, rng: rng.random() < share, seed)
        assert not found


def test_two_bad_ways_are_told_apart() -> None:
    _, (found,) = told(8, 60, lambda _n, flow, rng: flow == 1 or (flow == 5 and rng.random() < 0.6))
    assert found.text == "2 of 8 ways at hop 2 lose probes"
    assert found.evidence["source_ports"] == "40001 40005"


def test_without_a_watch_nothing_is_said() -> None:
    _, found = told(1, 30, lambda *_: True)
    assert not found


def test_a_way_whose_router_answers_nobody_is_told_too() -> None:
    """What is dead answers no search either."""
    session = Session()
    for dealt in searched(8):
        event = dealt
        if isinstance(dealt, ev.Reply) and dealt.flow % 8 == 3 and dealt.ttl > 1:
            event = ev.ProbeLost(at=dealt.at, run=2, probe=dealt.probe, ttl=dealt.ttl)
        session.apply(event)
    for event in watched_events(8, 20, lambda _n, flow, _r: flow == 3, random.Random(1)):
        session.apply(event)
    (found,) = [one for one in session.findings() if one.kind is FindingKind.WAY_LOSS]
    assert found.text == "1 of 8 ways at hop 2 loses everything"
    assert found.evidence["source_port"] == 40_003
    assert "nobody answers there" in found.details


def test_a_way_that_becomes_longer_is_not_accused() -> None:
    """Its probes expire at a router where the target was: they are not lost."""
    session = Session()
    for event in searched(8):
        session.apply(event)
    for event in watched_events(8, 40, lambda *_: False, random.Random(1)):
        is_late = event.at > 15 * 10**9 and isinstance(event, ev.Reply) and event.flow == 3
        if is_late and event.ttl == END:
            kind = ev.ReplyKind.TIME_EXCEEDED
            moved = {"address": "192.0.2.99", "kind": kind, "reached": False}
            session.apply(msgspec.structs.replace(event, **moved))
        else:
            session.apply(event)
    assert not [one for one in session.findings() if one.kind is FindingKind.WAY_LOSS]
