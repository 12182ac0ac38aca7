"""The confidence interval of a loss, and loss of answers that is no loss of the path."""

import enum
import math
from collections.abc import Sequence

import msgspec

from tui_trace.session.snapshot import Hop

_Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
_SURE = 3.0
"""Deviations that the loss of two hops has to be apart, each way: chance does that hardly ever."""
LIMITED = "rate-limited"
"""The mark of a hop that loses answers although later hops lose less: the path itself is fine."""
_LEAST = 3
"""Losses from which on it is looked at."""


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
    if LIMITED in hop.marks:
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


def limited(hops: Sequence[Hop]) -> set[int]:
    """The TTLs that answer less often than one behind them, which their probes must have passed.

    What gets lost on the way to a hop gets lost on the way through it too. Loss that does not
    reach farther hops is that of the answers alone: routers limit how many they send, or let them
    wait (RFC 1812 §4.3.2.8). A loss with a reason is none of the answers.
    """
    found: set[int] = set()
    least = 100.0
    for hop in reversed(hops):
        loss = loss_of(hop, _SURE)
        if loss is None or not hop.figures.count:
            continue
        answers = wilson(hop.unexplained, hop.lost + hop.figures.count, _SURE)
        if hop.unexplained >= _LEAST and answers.low > least:
            found.add(hop.ttl)
        least = min(least, loss.high)
    return found
