"""Whether two runs lose differently: the evidence of bursts.

Losses come in bursts, and a probe that follows a lost one is no new sample. Each burst is therefore
a coin that falls on one run or the other, by their numbers of probes. A bettor who does not know
which run loses more stakes on them; what the stake has grown to is an e-value: under chance alone
it reaches 20 in at most one session of 20, however often it is looked at (Ville's inequality;
Ramdas, Grünwald, Vovk and Shafer, Game-theoretic statistics and safe anytime-valid inference,
2023). One bettor counts bursts, another one weighs them by length; each has half of the stake.

An outage of ten seconds is one burst for ten probes and for a hundred. So the run with the faster
pace is thinned to the pace of the other.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

E_VALUE = 20.0
"""Evidence from which on a difference is told."""
LOSS_FLOOR = 0.01
"""Difference (share of the probes) below which none is told."""


class Bursts(NamedTuple):
    """Bursts of lost probes: their lengths in each run, and the number of probes of each."""

    lengths: tuple[tuple[int, ...], tuple[int, ...]]
    probes: tuple[int, int]
    of_answers: bool = False
    """Most probes are lost: the bursts are those of answers."""


_SPACES = (-1, 0, 1, 2, 4, 8, 16, 32)
"""Answers between two losses of one burst at most, to be tried; -1: each loss is a burst."""
_ENOUGH_GAPS = 4
_PAUSE = 4
"""Times of a long gap between two probes, from which on it is a pause."""
_ONE_IN_TEN = 1.2816
"""Deviations that chance exceeds once in ten times."""
_STAKES = tuple(math.cos(math.pi * (place + 0.5) / 33) for place in range(33))
"""Shares of what can be staked: their distribution is Jeffreys' prior of a coin."""


def mean_gap(times: Sequence[int]) -> float:
    """Return the mean time between probes (ns), in the order of time, without pauses.

    0 where there are too few.
    """
    gaps = sorted(after - before for before, after in pairwise(times))
    if not gaps:
        return 0.0
    # probes of one round may leave at once: most gaps may be short
    longest = _PAUSE * gaps[len(gaps) * 9 // 10]
    return sum(min(gap, longest) for gap in gaps) / len(gaps)


def at_one_pace(
    losses: tuple[Sequence[bool], Sequence[bool]], gaps: tuple[float, float]
) -> tuple[Sequence[bool], Sequence[bool]]:
    """Return the outcomes of two runs, those of the faster one thinned; `gaps` are mean ones."""
    if not all(gaps):
        return losses
    strides = [max(round(max(gaps) / gap), 1) for gap in gaps]
    one, other = (each[::-stride][::-1] for each, stride in zip(losses, strides, strict=True))
    return one, other


def bursts_of(one: Sequence[bool], other: Sequence[bool]) -> Bursts:
    """Return the bursts of losses in two runs, whose outcomes are in order; True: lost.

    Where most are lost, a few answers are what is rare: then the bursts are those of answers.
    """
    both: tuple[Sequence[bool], Sequence[bool]] = (one, other)
    of_answers = 2 * sum(map(sum, both)) > sum(map(len, both))
    if of_answers:
        both = [not lost for lost in one], [not lost for lost in other]
    space = max(map(_space, both))
    lengths = [tuple(_merge(losses, space)) for losses in both]
    return Bursts((lengths[0], lengths[1]), (len(one), len(other)), of_answers)


def bursts_in_turns(one: Sequence[bool], other: Sequence[bool]) -> Bursts:
    """Return the bursts of two runs in turns: of each, by how many one run has lost more.

    `one` and `other` are the outcomes of pairs, in order.
    """
    space = max(_space(one), _space(other))
    either = [first or second for first, second in zip(one, other, strict=True)]
    more = [int(second) - int(first) for first, second in zip(one, other, strict=True)]
    excess = _merge(either, space, more)
    lengths = tuple(-d for d in excess if d < 0), tuple(d for d in excess if d > 0)
    return Bursts(lengths, (len(one), len(other)))


def _space(losses: Sequence[bool]) -> int:
    """Return the answers between losses up to which these depend on each other.

    The least from which on the next loss comes as if the last one was forgotten.
    """
    places = [place for place, lost in enumerate(losses) if lost]
    gaps = [after - before - 1 for before, after in pairwise(places)]
    if not gaps:
        return -1
    ends = places[0], len(losses) - 1 - places[-1]
    for space in _SPACES:
        rest = [gap - space - 1 for gap in gaps if gap > space]
        if len(rest) < _ENOUGH_GAPS:
            if space < 0:
                continue
            return space
        probes = sum(rest) + len(rest) + sum(max(end - space - 1, 0) for end in ends)
        soon = space + 2
        share = 1 - (1 - len(rest) / probes) ** soon
        expected = len(rest) * share
        allowed = expected + 1.5 * math.sqrt(expected * (1 - share)) + 0.5
        if sum(gap < soon for gap in rest) <= allowed:
            return space
    return _SPACES[-1]


def _merge(losses: Sequence[bool], space: int, weights: Sequence[int] | None = None) -> list[int]:
    """Return the sums of the weights (1 each, if none are given) of all bursts."""
    sums: list[int] = []
    last = None
    for place, lost in enumerate(losses):
        if lost:
            weight = 1 if weights is None else weights[place]
            if last is not None and place - last - 1 <= space:
                sums[-1] += weight
            else:
                sums.append(weight)
            last = place
    return sums


def loss_evidence(bursts: Bursts) -> float:
    """Return the e-value that the runs lose differently: 1 says nothing, 20 is much."""
    lengths, probes = bursts.lengths, bursts.probes
    longest = max((*lengths[0], *lengths[1]), default=0)
    if not longest or not all(probes):
        return 1.0
    share = probes[1] / sum(probes)
    counted = Counter({(1.0, run): len(lengths[run]) for run in (0, 1)})
    if longest == 1:
        return _stake(counted, share)
    weighed = Counter((length / longest, run) for run in (0, 1) for length in lengths[run])
    return (_stake(counted, share) + _stake(weighed, share)) / 2


def _stake(coins: Counter[tuple[float, int]], share: float) -> float:
    """Return what 1 has become after all coins, which fall on run 1 with this share."""
    total = 0.0
    for stake in _STAKES:
        # so much is staked that nothing can be lost but all
        scaled = stake / (1 - share) if stake < 0 else stake / share
        grown = sum(
            count * math.log1p(scaled * weight * (1 - share if run else -share))
            for (weight, run), count in coins.items()
        )
        total += math.exp(min(grown, 600.0))
    return total / len(_STAKES)


def visible_loss(bursts: Bursts, e_value: float = E_VALUE) -> float | None:
    """Return the difference of loss (share) that would have been seen nine times in ten.

    None: not even a run that lost everything would have been told from the other.
    """
    if not all(bursts.probes):
        return None
    worst = 0.0
    lengths, probes = bursts.lengths, bursts.probes
    known = [*lengths[0], *lengths[1]]
    typical = max(sum(known) / len(known), 1.0) if known else 1.0
    level = sum(map(len, lengths)) / max(sum(probes), 1)
    for run in (0, 1):
        counts = [level * probes[0], level * probes[1]]
        for more in range(1, probes[run] + 1):
            share = probes[1] / sum(probes)
            coins = Counter({(1.0, one): round(counts[one]) for one in (0, 1)})
            coins[1.0, run] += more
            if _stake(coins, share) >= e_value:
                # a mean of so many gives `more` in nine cases of ten
                mean = more + _ONE_IN_TEN * math.sqrt(more + sum(counts)) + 1
                worst = max(worst, mean * typical / probes[run])
                break
        else:
            return None
    floor = LOSS_FLOOR + _ONE_IN_TEN * math.sqrt(LOSS_FLOOR / min(probes))
    return max(worst, floor) if worst < 1 else None
