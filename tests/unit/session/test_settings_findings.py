"""What one setting passes and another one does not: said after a switch, settled by turns."""

import pytest

from tests.helpers.generated_sessions import (
    Bursts,
    Stretch,
    World,
    bernoulli,
    between,
    deal_stretches,
    routers,
)
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.session.finding import FindingKind, Sure
from tui_trace.session.fold import Session

ICMP = ProbeSettings()
TCP = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)
LARGE = ProbeSettings(size=1500, df=True)
OURS = {FindingKind.FILTERED, FindingKind.BLACK_HOLE}


def world(settings=ICMP, *, blocked_after=None, drops=None):
    """Six routers and the target; nothing passes behind `blocked_after`."""
    nodes = routers(6)
    if blocked_after is not None:
        nodes[blocked_after].drops = bernoulli(1.0)
    if drops is not None:
        nodes[3].drops = drops
    return World.of(nodes, settings=settings)


def watched(*stretches, seed=1):
    """Return the session, and all findings of this kind that it ever had, in their order."""
    session, told = Session(), []
    for event in deal_stretches(stretches, seed):
        session.apply(event)
        told += [one for one in session.findings() if one.kind in OURS]
    return session, told


def episodes(session):
    return [one for one in session.snapshot().episodes if one.finding.kind in OURS]


def test_after_a_switch_the_protocol_that_stops_is_named():
    _, told = watched(Stretch({1: world(TCP)}, 20), Stretch({2: world(ICMP, blocked_after=4)}, 12))
    found = told[-1]
    assert found.kind is FindingKind.FILTERED
    assert found.text == "TCP 443 reaches the target, ICMP stops after hop 4"
    assert found.details.endswith(" probes), the other goes on to 10.0.5.1")
    assert (found.hop, found.address, found.run) == (4, "10.0.4.1", 2)
    assert found.sure is Sure.LIKELY, "the target may have gone down with the switch"
    assert "b alternates" in found.next


def test_five_lost_probes_are_needed():
    _, told = watched(Stretch({1: world(TCP)}, 20), Stretch({2: world(blocked_after=4)}, 4))
    assert not told


def test_large_packets_that_vanish_are_a_black_hole():
    _, told = watched(Stretch({1: world()}, 20), Stretch({2: world(LARGE, blocked_after=4)}, 12))
    assert told[-1].kind is FindingKind.BLACK_HOLE
    assert told[-1].text == "1500 bytes vanish after hop 4, 64 pass: a black hole"
    assert told[-1].past == "1500 bytes vanished after hop 4, 64 passed: a black hole"
    assert told[-1].next == "--mtu finds the size"


def test_turns_make_it_certain():
    session, told = watched(
        Stretch({1: world(TCP)}, 20),
        Stretch({2: world(TCP), 3: world(ICMP, blocked_after=4)}, 20),
    )
    assert told[-1].sure is Sure.CERTAIN
    assert told[-1].run == 3
    assert len({(one.kind, one.run) for one in told}) == 1
    (only,) = episodes(session)
    assert only.until is None


def test_an_outage_that_begins_with_the_switch_is_taken_back():
    down = between(19.9, 999, bernoulli(1.0))
    session, told = watched(
        Stretch({1: world(TCP, drops=down)}, 20),
        Stretch({2: world(ICMP, drops=down)}, 12),
        Stretch({1: world(TCP, drops=down)}, 12),
    )
    assert told, "it looked like a filter"
    assert all(one.sure is Sure.LIKELY for one in told)
    assert not episodes(session), "nothing passes: it was an outage"


def test_a_silence_as_long_as_one_before_is_no_filter():
    outages = between(8, 18, bernoulli(1.0)), between(29, 40, bernoulli(1.0))
    down = lambda at, rng: any(drops(at, rng) for drops in outages)  # noqa: E731
    _, told = watched(
        Stretch({1: world(TCP, drops=down)}, 30), Stretch({2: world(ICMP, drops=down)}, 20)
    )
    assert not told


@pytest.mark.parametrize("begin", [8, 12, 16])
def test_who_switches_because_of_an_outage_blames_no_setting(begin):
    down = between(begin, 35, bernoulli(1.0))
    session, told = watched(
        Stretch({1: world(TCP, drops=down)}, 20),
        Stretch({2: world(ICMP, drops=down)}, 30),
        Stretch({1: world(TCP, drops=down)}, 20),
    )
    assert not told
    assert not episodes(session)


def test_the_first_setting_tried_again_ends_it_and_the_second_makes_it_certain():
    blocked = world(ICMP, blocked_after=4)
    session, told = watched(
        Stretch({1: world(TCP)}, 20),
        Stretch({2: blocked}, 12),
        Stretch({1: world(TCP)}, 12),
        Stretch({2: blocked}, 12),
    )
    assert told[-1].sure is Sure.CERTAIN
    first, last = episodes(session)
    assert first.until is not None
    assert last.until is None


def test_it_ends_when_the_target_answers():
    healing = world(ICMP, drops=between(0, 40, bernoulli(1.0)))
    session, told = watched(Stretch({1: world(TCP)}, 20), Stretch({2: healing}, 40))
    assert told
    (only,) = episodes(session)
    assert only.until is not None
    assert abs(only.until / 1e9 - 40) < 3


def test_what_was_reached_long_ago_says_nothing():
    _, told = watched(
        Stretch({1: world(TCP)}, 20),
        Stretch({2: world(ProbeSettings(tos=184), drops=between(60, 999, bernoulli(1.0)))}, 150),
        Stretch({3: world(ICMP, blocked_after=4)}, 12),
    )
    assert not told


EF = ProbeSettings(tos=184)


def test_loss_that_depends_on_the_mark():
    _, told = watched(
        Stretch({1: world()}, 100), Stretch({2: world(EF, drops=bernoulli(0.2))}, 100)
    )
    assert told[-1].text.endswith(" % loss with TOS 184 (EF), none with TOS 0")
    assert told[-1].sure is Sure.LIKELY
    assert (told[-1].run, told[-1].harm) == (2, True)


def test_in_turns_it_is_certain_and_it_ends():
    heals = between(0, 300, bernoulli(0.25))
    session, told = watched(Stretch({1: world(), 2: world(EF, drops=heals)}, 250))
    assert {one.run for one in told} == {2}
    assert Sure.CERTAIN in {one.sure for one in told}
    (only,) = episodes(session)
    assert only.until is not None
    assert 300 <= only.until / 1e9 < 400


@pytest.mark.parametrize("seed", range(20))
def test_a_few_losses_more_depend_on_nothing(seed):
    _, told = watched(
        Stretch({1: world(drops=bernoulli(0.05))}, 50),
        Stretch({2: world(EF, drops=bernoulli(0.05))}, 50),
        seed=seed,
    )
    assert not told


@pytest.mark.parametrize("seed", range(10))
def test_equal_loss_depends_on_nothing(seed):
    lossy = [world(one, drops=Bursts(0.1, 5)) for one in (ICMP, EF)]
    session, _ = watched(Stretch({1: lossy[0]}, 100), Stretch({2: lossy[1]}, 150), seed=seed)
    assert not episodes(session)


@pytest.mark.parametrize("seed", range(20))
def test_loss_alone_is_no_filter(seed):
    lossy = [world(one, drops=bernoulli(0.4)) for one in (TCP, ICMP)]
    session, _ = watched(
        Stretch({1: lossy[0]}, 30),
        Stretch({2: lossy[1]}, 30),
        Stretch({1: lossy[0]}, 30),
        Stretch({2: lossy[1]}, 30),
        seed=seed,
    )
    assert not episodes(session)


def test_a_switch_away_from_what_never_passed_says_so_and_is_no_harm():
    session, told = watched(Stretch({1: world(blocked_after=4)}, 12), Stretch({2: world(TCP)}, 12))
    assert told[-1].text == "TCP 443 reaches the target, ICMP stops after hop 4"
    assert (told[-1].harm, told[-1].sure, told[-1].run) == (False, Sure.LIKELY, 1)
    assert not episodes(session)
