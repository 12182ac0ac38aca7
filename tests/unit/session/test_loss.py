"""Loss that is a router's way to answer, told from loss on the way."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.event_builders import began, lost, opened, reply, sent
from tests.helpers.hop_builders import hop_of
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.fold import Session
from tui_trace.session.loss import LIMITED, LossPlace, limited, loss_of, loss_place
from tui_trace.session.snapshot import LOST


def hops(*shares: float, count: int = 100):
    return [
        hop_of(ttl, [LOST] * round(share * count) + [NS_PER_MS] * round((1 - share) * count))
        for ttl, share in enumerate(shares, 1)
    ]


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ((0, 0, 0), set()),
        ((0, 0.5, 0), {2}),
        ((0, 0.5, 0.5), set()),
        ((0, 0.5, 0.2, 0.2), {2}),
        ((0.3, 0.3, 0), {1, 2}),
        ((0, 1, 0), set()),
        ((0, 0, 0.5), set()),
    ],
    ids=str,
)
def test_what_those_behind_do_not_lose_is_not_lost_on_the_way(shares, found):
    assert limited(hops(*shares)) == found


def test_few_losses_tell_nothing():
    assert limited(hops(0.02, 0, 0)) == set()
    assert limited(hops(0.5, 0, 0, count=4)) == set()


@given(st.lists(st.lists(st.booleans(), max_size=40), max_size=30), st.randoms())
def test_a_hop_that_is_limited_loses_more_than_some_hop_behind_it(answers, rng: random.Random):
    found = [
        hop_of(ttl, [NS_PER_MS + rng.randrange(99) if ok else LOST for ok in each])
        for ttl, each in enumerate(answers, 1)
    ]
    for ttl in limited(found):
        mine = loss_of(found[ttl - 1])
        behind = [loss_of(hop) for hop in found[ttl:] if hop.figures.count]
        assert any(mine.low > loss.high for loss in behind)
        assert found[ttl - 1].figures.count, "who never answers has no limit"


def test_chance_makes_few_limits():
    rng = random.Random(3)
    called = 0
    for _ in range(300):
        outcomes = [
            [LOST if rng.random() < 0.1 else NS_PER_MS for _ in range(60)] for _ in range(10)
        ]
        called += len(limited([hop_of(ttl, each) for ttl, each in enumerate(outcomes, 1)]))
    assert called <= 1


def test_the_mark_comes_and_goes_with_the_figures():
    session = Session()
    for event in (began(), opened()):
        session.apply(event)
    probe = 0
    for number in range(30):
        for ttl in (1, 2):
            probe += 1
            session.apply(sent(probe, ttl))
            answered = ttl == 2 or number % 3 == 0
            session.apply(reply(probe, ttl, NS_PER_MS) if answered else lost(probe, ttl))
    assert session.snapshot().run.hops[0].marks == (LIMITED,)
    for _ in range(30):
        probe += 1
        session.apply(sent(probe, 2))
        session.apply(lost(probe, 2))
    assert session.snapshot().run.hops[0].marks == ()


def test_the_place_of_losses():
    silent, router, target = hops(1.0, 0.5, 0.5)
    assert loss_place(silent) is LossPlace.NOWHERE, "nothing answers, and nothing can be said"
    assert loss_place(hops(0.0)[0]) is LossPlace.NOWHERE
    assert loss_place(replace(router, is_target=False)) is LossPlace.PATH
    assert loss_place(replace(router, is_target=False, marks=(LIMITED,))) is LossPlace.ANSWERS
    assert loss_place(replace(target, is_target=True)) is LossPlace.TARGET
