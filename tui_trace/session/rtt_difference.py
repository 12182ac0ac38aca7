"""Whether the RTTs of two runs differ: an exact test of ranks, on batches.

RTTs that follow one another resemble each other: a hundred that drift tell less than a hundred
that do not. Each run is cut into at most `MAX_BATCHES` batches in the order of time, each twice as
long as its RTTs remember, and the medians of the batches are compared by the exact test of Mann and
Whitney. Runs in turns see the same minutes: there the differences of pairs are tested (Wilcoxon's
signed ranks), and what the network did to both cancels out.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import median, variance
from typing import NamedTuple

P_VALUE = 0.001
"""Chance below which a difference is told, at one look; many looks make it ten times that."""
MAX_BATCHES = 16
LEAST_BATCHES = 6
_LEAST_LENGTH = 3
"""RTTs of a batch at least: one spike shall not be the median."""
LEAST_RTTS = LEAST_BATCHES * _LEAST_LENGTH
"""RTTs of a run from which on it is compared."""
_LEAST_PAIRS = 11
"""Batches of pairs of which the test can tell anything at `P_VALUE`."""
_HEADROOM = 0.25
"""Part of the floor that chance has to be ruled out beyond."""
_ONE_IN_TEN = 1.2816
"""Deviations that chance exceeds once in ten times."""


class RttDifference(NamedTuple):
    """How the RTTs of two runs differ."""

    step: float
    """How much longer those of the second run are, in ns; negative: shorter."""
    p: float
    """Chance that equal runs differ so much, at one look; 1 below the floor."""
    visible: float
    """The difference, in ns, that would have been seen nine times in ten."""


def rtt_floor(rtt: float) -> float:
    """Return the difference below which none is told: 0.5 ms or 2 %, at most 3 ms (all in ns)."""
    return max(500_000.0, min(0.02 * rtt, 3_000_000.0))


def compare_rtts(
    one: Sequence[int], other: Sequence[int], p_value: float = P_VALUE
) -> RttDifference | None:
    """Compare the RTTs (ns, in the order of time) of two runs; None: there are too few."""
    if min(len(one), len(other)) < LEAST_RTTS:
        return None
    middles = median(one), median(other)
    floor = rtt_floor(min(middles))
    first, second = _batch_medians(one), _batch_medians(other)

    def chance(step: float, first: Sequence[float], second: Sequence[float]) -> float:
        beyond = math.copysign(_HEADROOM * floor, step)
        return _rank_sum_p(first, [rtt - beyond for rtt in second], is_greater=step > 0)

    centres = median(first), median(second)
    level = [rtt - centres[0] for rtt in first], [rtt - centres[1] for rtt in second]
    visible = _least_shift(
        floor, lambda shift: chance(shift, level[0], [rtt + shift for rtt in level[1]]) <= p_value
    )
    if visible is None:
        return None
    step = middles[1] - middles[0]
    p = chance(step, first, second) if abs(step) >= floor else 1.0
    return RttDifference(step, p, visible + _doubt(first, second))


def compare_pairs(
    pairs: Sequence[tuple[int, int]], p_value: float = P_VALUE
) -> RttDifference | None:
    """Compare the RTTs (ns) of two runs in turns, pair by pair; None: there are too few."""
    if len(pairs) < _LEAST_PAIRS * _LEAST_LENGTH:
        return None
    floor = rtt_floor(min(median(pair[run] for pair in pairs) for run in (0, 1)))
    differences = [second - first for first, second in pairs]
    batches = _batch_medians(differences)

    def chance(step: float, batches: Sequence[float]) -> float:
        beyond = math.copysign(_HEADROOM * floor, step)
        return _signed_rank_p([x - beyond for x in batches], is_positive=step > 0)

    centre = median(batches)
    visible = _least_shift(
        floor, lambda shift: chance(shift, [x - centre + shift for x in batches]) <= p_value
    )
    if visible is None:
        return None
    step = median(differences)
    p = chance(step, batches) if abs(step) >= floor else 1.0
    return RttDifference(step, p, visible + _doubt(batches))


def _doubt(*batches: Sequence[float]) -> float:
    """Return by how much chance makes a step smaller at most, nine times in ten."""
    return _ONE_IN_TEN * math.sqrt(sum(variance(one) / len(one) for one in batches))


def _least_shift(floor: float, is_seen: Callable[[float], bool]) -> float | None:
    """Return the least difference (ns) that is seen, from the floor on; None: none is."""
    high = floor
    while not is_seen(high):
        high *= 2
        if high > 1e12:
            return None
    low = high / 2
    if high == floor:
        return floor
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if is_seen(middle) else (middle, high)
    return high


# --- batches


def _batch_medians(rtts: Sequence[int]) -> list[float]:
    """Return the medians of batches of equal length; the oldest RTTs may be left over."""
    memory = _memory(rtts)
    count = max(int(len(rtts) / (2 * memory)) if memory > 1 else MAX_BATCHES, LEAST_BATCHES)
    count = min(count, MAX_BATCHES, len(rtts) // _LEAST_LENGTH)
    length = len(rtts) // count
    begin = len(rtts) - count * length
    return [float(median(rtts[at : at + length])) for at in range(begin, len(rtts), length)]


def _memory(rtts: Sequence[int]) -> float:
    """Return the autocorrelation time of the ranks, in samples: 1 if they are independent.

    That of a first-order autoregression, with its bias corrected (Marriott and Pope, 1954).
    """
    count = len(rtts)
    order = sorted(rtts)
    # equal ones share the mean of their ranks
    shared = {rtt: bisect_left(order, rtt) + bisect_right(order, rtt) - count for rtt in set(rtts)}
    ranks = [shared[rtt] for rtt in rtts]
    spread = sum(rank * rank for rank in ranks)
    if not spread:
        return 1.0
    found = sum(a * b for a, b in pairwise(ranks)) / spread
    found = min(found + (1 + 3 * found) / count, 0.99)
    return (1 + found) / (1 - found) if found > 2 / math.sqrt(count) else 1.0


# --- exact tests, two-sided


def _rank_sum_p(first: Sequence[float], second: Sequence[float], *, is_greater: bool) -> float:
    """Return the chance that the second is greater (or less) than the first by so much."""
    against = 0.0
    for x in first:
        for y in second:
            if x == y:
                against += 0.5
            elif (x > y) == is_greater:
                against += 1
    return 2 * _rank_sums(len(first), len(second))[math.ceil(against)]


@lru_cache(256)
def _rank_sums(first: int, second: int) -> tuple[float, ...]:
    """Return the distribution function of Mann and Whitney's U for samples of these sizes."""
    counts: dict[tuple[int, int], list[int]] = {}
    for one in range(first + 1):
        for other in range(second + 1):
            ways = [0] * (one * other + 1)
            if one and other:
                for u, count in enumerate(counts[one - 1, other]):
                    ways[u + other] += count
                for u, count in enumerate(counts[one, other - 1]):
                    ways[u] += count
            else:
                ways[0] = 1
            counts[one, other] = ways
    return _cumulated(counts[first, second])


def _signed_rank_p(differences: Sequence[float], *, is_positive: bool) -> float:
    """Return the chance that so many and so great ones are positive (or negative)."""
    order = sorted(differences, key=abs)
    against = sum(rank for rank, x in enumerate(order, 1) if not (x > 0 if is_positive else x < 0))
    return 2 * _signed_ranks(len(order))[against]


@lru_cache(64)
def _signed_ranks(size: int) -> tuple[float, ...]:
    """Return the distribution function of Wilcoxon's sum of signed ranks."""
    ways = [1]
    for rank in range(1, size + 1):
        more = [*ways, *[0] * rank]
        for total, count in enumerate(ways):
            more[total + rank] += count
        ways = more
    return _cumulated(ways)


def _cumulated(ways: Sequence[int]) -> tuple[float, ...]:
    total, below, shares = sum(ways), 0, []
    for count in ways:
        below += count
        shares.append(below / total)
    return tuple(shares)
