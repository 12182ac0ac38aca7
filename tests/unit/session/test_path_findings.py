"""What is said of the path, and of what routers quote, on networks whose truth is known."""

import pytest

from tests.helpers.event_builders import began, opened, reply, sent
from tests.helpers.generated_sessions import TARGET, Node, World, bernoulli, deal, routers
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.fold import Session

PLAIN = routers(7)
OTHER = [*PLAIN[:3], Node("10.9.4.1"), *PLAIN[4:]]
LONGER = [*PLAIN[:3], Node("10.9.4.1"), Node("10.9.5.1"), *PLAIN[4:]]


def watched(way, rounds: int = 200, seed: int = 1, **settings: object) -> Session:
    session = Session()
    for event in deal(World(way, **settings), rounds, seed):
        session.apply(event)
    return session


def of_kind(session: Session, kind: Kind):
    return [finding for finding in session.findings() if finding.kind is kind]


def moving(at: int, _flow: int, _rng) -> list[Node]:
    return PLAIN if at < 100 * NS_PER_S else LONGER


def test_a_move_of_the_path_is_an_episode_for_a_while() -> None:
    session = watched(moving, 140)
    (move,) = of_kind(session, Kind.PATH_CHANGE)
    assert move.text == "the path moved from A to B from hop 4 on, 1 hop longer"
    assert 100 * NS_PER_S <= move.since <= 101 * NS_PER_S
    later = watched(moving, 220)
    assert not of_kind(later, Kind.PATH_CHANGE)
    kinds = [episode.finding.kind for episode in later.snapshot().episodes]
    assert kinds.count(Kind.PATH_CHANGE) == 1


@pytest.mark.parametrize("stay", [5, 10, 20])
def test_a_path_that_goes_back_and_forth_is_not_balanced(stay: int) -> None:
    session = watched(lambda at, _f, _r: (PLAIN, OTHER)[at // NS_PER_S // stay % 2], 300)
    (flap,) = of_kind(session, Kind.FLAP)
    assert flap.hop == 4
    assert not of_kind(session, Kind.BALANCED_PACKET)


def test_chance_for_each_packet_is_balancing_and_no_move() -> None:
    session = watched(lambda _at, _f, rng: rng.choice((PLAIN, OTHER)))
    (balanced,) = of_kind(session, Kind.BALANCED_PACKET)
    assert (balanced.hop, balanced.evidence["ways"]) == (4, 2)
    assert "2 ways" in session.snapshot().run.hops[3].marks
    assert not session.snapshot().episodes


def test_one_stray_answer_in_fifty_is_nothing() -> None:
    for seed in range(3):
        session = watched(lambda _at, _f, rng: OTHER if rng.random() < 0.02 else PLAIN, 400, seed)
        assert [one.kind for one in session.findings()] == [Kind.OK]


def test_ways_by_flow() -> None:
    session = watched(
        lambda _at, flow, _r: (PLAIN, OTHER)[flow % 2], 30, settings=ProbeSettings(flows=8)
    )
    (balanced,) = of_kind(session, Kind.BALANCED_FLOW)
    assert balanced.hop == 4


def test_a_circle() -> None:
    """Two routers send each other what is for the target."""
    nodes = [*PLAIN[:3], *(Node(("10.7.1.1", "10.7.2.1")[n % 2]) for n in range(20)), Node(TARGET)]
    nodes[-1].drops = bernoulli(1)
    session = watched(lambda _at, _f, _r: nodes, 20)
    (loop,) = of_kind(session, Kind.LOOP)
    assert (loop.hop, loop.harm) == (4, True)
    assert loop.text == "probes run in a circle between hop 4 and hop 5"


def test_one_address_at_two_hops_is_no_circle() -> None:
    nodes = [*PLAIN[:3], Node("10.7.1.1"), Node("10.7.1.1"), *PLAIN[3:]]
    assert not of_kind(watched(lambda _at, _f, _r: nodes, 40), Kind.LOOP)


Field = ev.RewrittenField


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (ev.Change(Field.SOURCE_PORT, 40000, 1024), Kind.NAT),
        (ev.Change(Field.CHECKSUM), Kind.NAT),
        (ev.Change(Field.TOS, 0xB8, 0), Kind.TOS_REWRITTEN),
        (ev.Change(Field.ECN, 2, 0), Kind.ECN_CLEARED),
        (ev.Change(Field.TCP_FLAGS, "SEW", "S"), Kind.ECN_CLEARED),
        (ev.Change(Field.MSS, 1460, 1360), Kind.MSS_CLAMPED),
        (ev.Change(Field.ECN, 2, 3), None),
        (ev.Change(Field.IP_ID), None),
    ],
)
def test_what_is_rewritten_before_a_hop(change: ev.Change, kind: Kind | None) -> None:
    session = Session()
    for event in (began(), opened(1)):
        session.apply(event)
    probe = 0
    for number in range(20):
        session.apply(ev.RoundBegan(at=number * NS_PER_S, run=1, round=number + 1))
        for ttl in range(1, 6):
            probe += 1
            session.apply(sent(probe, ttl, at=number * NS_PER_S))
            changed = (change,) if ttl >= 3 else ()
            session.apply(
                reply(probe, ttl, at=number * NS_PER_S + 9, quoted_ttl=1, changed=changed)
            )
    rewrites = {Kind.NAT, Kind.TOS_REWRITTEN, Kind.ECN_CLEARED, Kind.MSS_CLAMPED}
    found = [(one.kind, one.hop) for one in session.findings() if one.kind in rewrites]
    assert found == ([] if kind is None else [(kind, 3)])
