"""The confidence interval of a loss, and where the losses of a hop happen."""

import enum
import math

import msgspec

from tui_trace.session.snapshot import Hop

_Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
OWN_LOSS_MARKS = frozenset({"rate-limited", "answers lost"})
"""Marks of a hop that loses answers of its own."""


class LossPlace(enum.Enum):
    """Where the lost probes of a hop, or their answers, got lost."""

    NOWHERE = "nowhere"
    """Nothing is known to be lost, or the hop never answers."""
    ANSWERS = "answers"
    """Only answers are lost: the path itself is fine."""
    PATH = "path"
    """On the way to the hop, as far as can be told, or on the way back."""
    TARGET = "target"
    """The target itself loses probes."""


def loss_place(hop: Hop) -> LossPlace:
    """Return where the losses of a hop happen."""
    if not hop.lost or not (hop.responders or hop.given_up):
        return LossPlace.NOWHERE
    if OWN_LOSS_MARKS.intersection(hop.marks):
        return LossPlace.ANSWERS
    return LossPlace.TARGET if hop.is_target else LossPlace.PATH


class Interval(msgspec.Struct, frozen=True):
    """Loss in percent, with the interval of Wilson."""

    percent: float
    low: float
    high: float


def wilson(lost: float, decided: float, z: float = _Z) -> Interval:
    """Of `lost` out of `decided` > 0; 95 % if `z` is not given."""
    share = lost / decided
    centre = share + z * z / (2 * decided)
    reach = z * math.sqrt(share * (1 - share) / decided + z * z / (4 * decided * decided))
    scale = 100 / (1 + z * z / decided)
    low = max(0.0, (centre - reach) * scale) if lost else 0.0
    high = min(100.0, (centre + reach) * scale) if lost < decided else 100.0
    return Interval(100.0 * share, low, high)


def loss_of(hop: Hop, z: float = _Z) -> Interval | None:
    """Of the probes of a hop; None before the first was decided."""
    decided = hop.lost + hop.figures.count
    return wilson(hop.lost, decided, z) if decided else None
