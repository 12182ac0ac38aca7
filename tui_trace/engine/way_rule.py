"""How many flows have to pass a router before all routers behind it count as known.

The stopping rule of the multipath detection algorithm (Augustin, Friedman, Teixeira 2007; Veitch,
Augustin, Teixeira, Friedman 2009): if there were one router more than the `k` that were seen, and
all were equally likely, then so many flows would have met all of them but for a small chance. The
chance of missing anything on the whole way is shared by the places where ways part.
"""

from functools import lru_cache
from math import ceil, comb, log

RESERVE = 4
"""The rule works with so much smaller a chance of a miss than is promised: the bound is for equal
shares, and a graph is told as complete only as a whole."""


@lru_cache(maxsize=4096)
def flows_needed(seen: int, chance: float) -> int:
    """Return after how many flows to stop, with `seen` routers behind one.

    `chance` is the greatest probability, 0 to 1, that one more, met as often as each of the others,
    was missed.
    """
    seen = max(1, seen)
    flows = max(seen + 1, ceil(log((seen + 1) / chance) / log((seen + 1) / seen)) - 8)
    while _chance_of_miss(seen + 1, flows) > chance:
        flows += 1
    return flows


def _chance_of_miss(routers: int, flows: int) -> float:
    """Return the probability that so many flows do not meet all of so many equal routers."""
    terms = (
        (-1) ** (missed + 1) * comb(routers, missed) * (1 - missed / routers) ** flows
        for missed in range(1, routers)
    )
    return float(sum(terms))


def share_of_chance(confidence: float, partings: int) -> float:
    """Return the chance of a miss at each router, if ways part at `partings` of them."""
    return (1 - confidence) / RESERVE / max(1, partings)
