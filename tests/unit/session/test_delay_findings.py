"""What is said of delay, on networks whose truth is known."""

import random

import pytest

from tests.helpers.generated_sessions import (
    TARGET,
    Node,
    World,
    constant,
    deal,
    noisy,
    queueing,
    routers,
    stepping,
)
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.finding_text import describe_episode
from tui_trace.session.fold import Session
from tui_trace.session.rtt_level import RttLevel, least_step

HOPS = 6


def path() -> list[Node]:
    nodes = routers(HOPS)
    for node in nodes:
        node.delay = noisy(3)
    return nodes


def watched(world: World, rounds: int = 300, seed: int = 1) -> Session:
    session = Session()
    for event in deal(world, rounds, seed):
        session.apply(event)
    return session


def kinds(session: Session) -> set[Kind]:
    return {one.kind for one in session.findings()} | {
        episode.finding.kind for episode in session.snapshot().episodes
    }


def one(session: Session, kind: Kind):
    (found,) = [finding for finding in session.findings() if finding.kind is kind]
    return found


def clock(at: int) -> str:
    return f"{at / NS_PER_S:.0f}"


def told(session: Session) -> list[str]:
    return [describe_episode(episode, clock) for episode in session.snapshot().episodes]


@pytest.mark.parametrize("hop", [1, 4, HOPS + 1])
def test_a_step_up_is_told_with_its_hop_its_size_and_its_time(hop: int) -> None:
    nodes = path()
    nodes[hop - 1].delay = stepping(noisy(3), 100.5, 10)
    slower = one(watched(World.of(nodes)), Kind.SLOWER)
    assert (slower.hop, slower.harm) == (hop, True)
    assert float(slower.evidence["added_ms"]) == pytest.approx(10, abs=1.5)
    assert abs(slower.since - 100.5 * NS_PER_S) <= 2 * NS_PER_S


def test_a_step_up_that_goes_down_again_is_over() -> None:
    nodes = path()
    up = stepping(noisy(3), 100, 10)
    nodes[3].delay = lambda at, rng: up(at, rng) if at < 180 * NS_PER_S else noisy(3)(at, rng)
    session = watched(World.of(nodes))
    (line,) = told(session)
    assert line.startswith("the target was ")
    begin, end = (int(part) for part in line.split(" on ")[1].split(" ")[0].split("–"))
    assert (abs(begin - 100) <= 2, abs(end - 180) <= 2) == (True, True)
    assert kinds(session) == {Kind.SLOWER, Kind.OK}


def test_a_step_that_comes_with_a_longer_way_back_says_so() -> None:
    before, after = path(), path()
    for ttl, node in enumerate(after, 1):
        if ttl >= 4:
            node.back_hops = ttl + 3
            node.delay = noisy(8) if ttl == 4 else noisy(3)
    world = World(lambda at, _f, _r: before if at < 100 * NS_PER_S else after)
    slower = one(watched(world), Kind.SLOWER)
    assert "from hop 4 on, back over 3 more hops" in slower.text


@pytest.mark.parametrize("period", [40, 120])
def test_a_queue_grows_and_drains_and_is_no_step(period: int) -> None:
    nodes = path()
    nodes[2].delay = queueing(noisy(3), 80, period)
    session = watched(World.of(nodes), 290)
    queue = one(session, Kind.QUEUE)
    assert queue.hop == 3
    assert float(queue.evidence["added_ms"]) == pytest.approx(80, abs=12)
    # what stays for a minute is told as slower before it is seen to drain
    assert period > 40 or Kind.SLOWER not in kinds(session)


def test_noise_and_spikes_are_nothing() -> None:
    for seed in range(3):
        assert kinds(watched(World.of(path()), 900, seed)) == {Kind.OK}


def test_a_hop_that_answers_slowly_is_harmless() -> None:
    nodes = path()
    nodes[2].answer_delay = lambda _at, rng: rng.uniform(2, 60)
    session = watched(World.of(nodes), 60)
    slow = one(session, Kind.SLOW_ANSWERS)
    assert (slow.hop, slow.harm) == (3, False)
    assert "slow answers" in session.snapshot().run.hops[2].marks


def test_answers_that_come_back_over_more_hops() -> None:
    nodes = path()
    for ttl, node in enumerate(nodes, 1):
        node.back_hops = ttl + 3 if ttl >= 4 else ttl
    found = one(watched(World.of(nodes), 30), Kind.ASYMMETRIC)
    assert (found.hop, found.evidence["further_hops"]) == (4, 3)
    assert found.text == "answers from hop 4 on come back over 3 more hops than probes go"


def test_two_ways_of_different_length_by_chance_are_no_harm() -> None:
    quick, slow = path(), path()
    slow[2] = Node("10.9.3.1", delay=noisy(8))
    session = watched(World(lambda _at, _flow, rng: rng.choice((quick, slow))))
    assert not any(finding.harm for finding in session.findings())


def test_a_longer_path_is_a_move_and_a_slowdown() -> None:
    short = path()
    longer = [*short[:3], Node("10.8.1.1", delay=constant(9)), *short[3:-1], Node(TARGET)]
    session = watched(World(lambda at, _f, _r: short if at < 100 * NS_PER_S else longer), 150)
    assert {Kind.SLOWER, Kind.PATH_CHANGE} <= kinds(session)
    assert one(session, Kind.SLOWER).hop == 4


# --- the level itself


def levels(*stretches: tuple[int, float], seed: int = 1, noise: float = 0.2) -> RttLevel:
    rng, level, slot = random.Random(seed), RttLevel(), 0
    for count, ms in stretches:
        for _ in range(count):
            level.add(slot, round((ms + rng.gauss(0, noise)) * NS_PER_MS))
            slot += 1
    return level


def test_steps_are_found_both_ways_and_in_their_place() -> None:
    level = levels((100, 20), (60, 25), (60, 20), (60, 22))
    assert [step.slot for step in level.steps] == [100, 160, 220]
    assert [step.after > step.before for step in level.steps] == [True, False, True]


def test_what_does_not_matter_is_no_step() -> None:
    assert not levels((200, 100), (200, 101.5)).steps, "below 2 %"
    assert not levels((200, 1), (200, 1.4), noise=0.02).steps, "below 0.5 ms"
    assert levels((200, 300), (200, 303)).steps, "2.5 ms are enough"
    assert least_step(1_000_000_000) == 2_500_000


def test_a_level_knows_how_small_a_step_it_would_see() -> None:
    quiet, loud = levels((100, 20)), levels((100, 20), noise=5)
    assert quiet.smallest_step < 1_000_000 < loud.smallest_step
    assert RttLevel().smallest_step is None
