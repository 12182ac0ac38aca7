"""The interval of a loss, and the place of the losses of a hop."""

import random

import pytest
from msgspec.structs import replace

from tests.helpers.generated_sessions import Bursts
from tests.helpers.hop_builders import hop_of
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.finders.burst_statistics import bursts_in
from tui_trace.session.loss import OWN_LOSS_MARKS, LossPlace, loss_place
from tui_trace.session.snapshot import LOST


def hops(*shares: float, count: int = 100):
    return [
        hop_of(ttl, [LOST] * round(share * count) + [NS_PER_MS] * round((1 - share) * count))
        for ttl, share in enumerate(shares, 1)
    ]


@pytest.mark.parametrize("mark", sorted(OWN_LOSS_MARKS))
def test_the_place_of_losses(mark: str) -> None:
    silent, router, target = hops(1.0, 0.5, 0.5)
    assert loss_place(silent) is LossPlace.NOWHERE, "nothing answers, and nothing can be said"
    assert loss_place(hops(0.0)[0]) is LossPlace.NOWHERE
    assert loss_place(replace(router, is_target=False)) is LossPlace.PATH
    assert loss_place(replace(router, is_target=False, marks=(mark,))) is LossPlace.ANSWERS
    assert loss_place(replace(target, is_target=True)) is LossPlace.TARGET


@pytest.mark.parametrize("length", [1, 5, 20])
def test_the_interval_of_a_loss_holds_in_bursts_too(length: int) -> None:
    rng = random.Random(length)
    held = 0
    for _ in range(400):
        drops = Bursts(0.19, length)
        drops.is_bad = rng.random() < 0.19
        lost = sum(1 << slot for slot in range(1024) if drops(0, rng))
        whole = (1 << 1024) - 1
        interval = bursts_in(lost, whole & ~lost, whole).interval()
        held += interval.low <= 19 <= interval.high
    assert held >= 0.93 * 400
