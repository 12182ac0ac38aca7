"""What is said of losses, on networks whose truth is known."""

import pytest

from tests.helpers.generated_sessions import (
    TARGET,
    Bursts,
    Node,
    TokenBucket,
    World,
    bernoulli,
    between,
    deal,
    routers,
)
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.finding import Sure
from tui_trace.session.finding_text import describe_episode
from tui_trace.session.fold import Session


def watched(world: World, rounds: int = 300, seed: int = 1) -> Session:
    session = Session()
    for event in deal(world, rounds, seed):
        session.apply(event)
    return session


def at_hop(hop: int, hops: int = 8, **fields: object) -> World:
    nodes = routers(hops)
    for name, value in fields.items():
        setattr(nodes[hop - 1], name, value)
    return World.of(nodes)


def clock(at: int) -> str:
    return f"{at / NS_PER_S:.0f}"


def told(session: Session) -> list[str]:
    return [describe_episode(episode, clock) for episode in session.snapshot().episodes]


def findings(session: Session, kind: Kind):
    return [finding for finding in session.findings() if finding.kind is kind]


def test_nothing_is_said_of_a_clean_path_but_how_small_a_fault_would_have_been_seen():
    session = watched(World.of(routers(8)))
    assert not told(session)
    (ok,) = session.findings()
    assert (ok.kind, ok.text) == (
        Kind.OK,
        "no loss above 0.9 % in 300 probes, RTT steady within 0.5 ms",
    )


def test_loss_on_the_path_begins_at_its_hop_and_is_carried_to_the_target():
    (loss,) = findings(watched(at_hop(4, drops=bernoulli(0.2))), Kind.LOSS)
    assert (loss.hop, loss.harm, loss.sure) == (4, True, Sure.CERTAIN)
    assert loss.evidence["low_percent"] <= 20 <= loss.evidence["high_percent"]
    assert "loss at the target, from hop 4 on" in loss.text


def test_loss_on_the_last_link_begins_at_the_target():
    (loss,) = findings(watched(at_hop(9, drops=bernoulli(0.3))), Kind.LOSS)
    assert loss.hop == 9


def test_behind_silent_hops_the_beginning_is_a_range():
    nodes = routers(8)
    for node in nodes[3:6]:
        node.drops_answers = bernoulli(1)
    nodes[4].drops = bernoulli(0.3)
    (loss,) = findings(watched(World.of(nodes)), Kind.LOSS)
    assert "from between hop 3 and 7 on" in loss.text


def test_a_loss_that_is_over_is_told_in_the_past_and_no_more_in_the_present():
    session = watched(at_hop(4, drops=between(50, 150, bernoulli(0.2))))
    (line,) = [line for line in told(session) if "loss" in line]
    assert line.startswith("there was ")
    begin, end = (int(number) for number in line.split(" on ")[1].split(" ")[0].split("–"))
    assert 50 <= begin <= 65
    assert 135 <= end <= 150
    assert [finding.kind for finding in session.findings()] == [Kind.OK]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_loss_that_goes_on_is_not_said_to_have_ended(share: float) -> None:
    for seed in range(8):
        session = watched(at_hop(4, drops=bernoulli(share)), 500, seed)
        (loss,) = (e for e in session.snapshot().episodes if e.finding.kind is Kind.LOSS)
        assert loss.until is None


def test_an_outage_has_a_begin_and_an_end_and_is_no_loss():
    session = watched(at_hop(5, drops=between(100.5, 110.5, bernoulli(1))))
    assert told(session) == ["target was silent 101–111 (9 probes), last answer hop 4 10.0.4.1"]
    assert [finding.kind for finding in session.findings()] == [Kind.OK]


def test_a_target_that_never_answers():
    session = watched(at_hop(5, drops=bernoulli(1)), 60)
    (line,) = told(session)
    assert line.startswith("no answer from the target since 1 (")
    assert line.endswith("probes), last answer hop 4 10.0.4.1")


def test_silence_is_told_within_two_intervals_and_the_wait():
    session = watched(at_hop(5, drops=between(100.5, 110.5, bernoulli(1))))
    (episode,) = session.snapshot().episodes
    assert episode.told - episode.finding.since <= 3 * NS_PER_S
    assert episode.until - 110.5 * NS_PER_S <= NS_PER_S


def test_under_a_loss_in_bursts_a_usual_burst_is_no_outage():
    said = [
        sum(line.startswith("target was silent") for line in told(session))
        for session in (watched(at_hop(4, drops=Bursts(0.19, 5)), 600, seed) for seed in range(8))
    ]
    assert sum(said) <= 3 * len(said), "there are about 20 bursts of three and more in each"


def test_answers_of_one_hop_are_lost_and_the_row_is_calm():
    session = watched(at_hop(4, drops_answers=bernoulli(0.15)))
    (own,) = findings(session, Kind.ANSWERS_LOST)
    assert (own.hop, own.harm) == (4, False)
    assert "answers lost" in session.snapshot().run.hops[3].marks
    assert not told(session)


def test_a_token_bucket_is_a_rate_limit():
    session = watched(at_hop(4, drops_answers=TokenBucket(0.5)))
    assert findings(session, Kind.RATE_LIMITED)
    assert "rate-limited" in session.snapshot().run.hops[3].marks


def test_chance_is_no_rate_limit():
    for seed in range(10):
        session = watched(at_hop(4, drops_answers=bernoulli(0.4)), seed=seed)
        assert findings(session, Kind.ANSWERS_LOST)


def test_a_hop_that_answers_all_again_is_marked_no_more():
    session = watched(at_hop(4, drops_answers=between(0, 100, bernoulli(0.3))))
    assert not findings(session, Kind.ANSWERS_LOST)
    assert not any(hop.marks for hop in session.snapshot().run.hops)


def test_loss_of_the_path_that_healed_before_the_path_got_longer_limits_nobody():
    short = routers(6)
    short[2].drops = between(0, 100, bernoulli(0.2))
    longer = [*short[:-1], Node("10.8.1.1"), Node("10.8.2.1"), Node(TARGET)]
    for seed in range(5):
        world = World(lambda at, _f, _r: short if at < 150 * NS_PER_S else longer)
        session = watched(world, 300, seed)
        kinds = {finding.kind for finding in session.findings()}
        assert not kinds & {Kind.ANSWERS_LOST, Kind.RATE_LIMITED}


@pytest.mark.parametrize("flows", [1, 4])
def test_a_hop_that_is_silent_on_one_of_two_ways(flows: int):
    first, second = routers(6), routers(6)
    second[1], second[2] = Node("10.9.2.1"), Node("10.9.3.1", drops_answers=bernoulli(1))
    settings = ProbeSettings(flows=flows)
    ways = (first, second)
    if flows == 1:
        world = World(lambda _at, _flow, rng: rng.choice(ways))
    else:
        world = World(lambda _at, flow, _rng: ways[flow % 2], settings=settings)
    (own,) = findings(watched(world, 100 * flows), Kind.ANSWERS_LOST)
    assert own.hop == 3
    assert ("missing on 2 of 4 ways" in own.text) == (flows == 4)


def test_a_largest_ttl_before_the_target_is_no_alarm():
    session = watched(World.of(routers(8), pace=Pace(max_ttl=4)), 60)
    (finding,) = findings(session, Kind.MAX_TTL)
    assert (finding.text, finding.harm) == ("the largest TTL 4 ends before the target", False)


@pytest.mark.parametrize("queries", [1, 3])
def test_several_queries_a_round_change_nothing(queries: int):
    world = at_hop(4, drops=bernoulli(0.2))
    world.pace = Pace(queries=queries)
    (loss,) = findings(watched(world, 200), Kind.LOSS)
    assert loss.hop == 4


def test_flows_of_which_one_is_dead_are_no_silence():
    good, dead = routers(6), routers(6)
    dead[3].drops = bernoulli(1)
    world = World(
        lambda _at, flow, _rng: dead if flow == 5 else good, settings=ProbeSettings(flows=8)
    )
    assert not any(line.startswith("target") for line in told(watched(world, 40)))
