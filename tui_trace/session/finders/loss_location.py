"""From which hop on probes to the target are lost."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.session.finders.burst_statistics import bursts_in
from tui_trace.session.round_log import RunLog

SURE = 0.95
"""Probability from which on one hop is named."""
_RATES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5, 0.7, 0.9, 0.99)
"""Shares that may be lost (0 to 1)."""
_HARDLY = 0.001
"""Share that a hop loses which has no loss of its own."""
_OWN = 0.1
"""Prior probability that a hop loses answers of its own, besides what the path loses."""


class LossLocation(NamedTuple):
    """Where a loss begins."""

    hop: int | None
    """The TTL; None: it cannot be told."""
    words: str
    """`from hop 4 on`, `from between hop 2 and hop 4 on`; empty if nothing can be told."""
    clean: int = 0
    """The last TTL of which is known that probes pass it; 0: none is."""
    bad: int | None = None
    """The TTL by which the loss has begun; None: it is not known."""


class _Answers(NamedTuple):
    ttl: int
    lost: float
    answered: float


def locate(log: RunLog, slots: int) -> LossLocation:
    """Return from which hop on probes are lost in `slots` (bits), by the losses of all hops.

    A loss on the way to a hop is shared by it and by all behind it, as each probe has to pass
    there; a hop may lose answers of its own besides (RFC 1812 §4.3.2.8). So the posterior of each
    place is computed, over the share that is lost. Losses in bursts count as fewer.
    """
    hops = _answers(log, slots)
    if not hops:
        return LossLocation(None, "")
    chances = _posterior(hops)
    best = max(range(len(hops)), key=chances.__getitem__)
    if chances[best] >= SURE:
        before = hops[best - 1].ttl if best else 0
        first = before + 1
        if first == hops[best].ttl:
            words = f"from hop {first} on" if len(hops) > 1 else ""
            return LossLocation(first, words, before, first)
        # silent hops stand before it: any of them may begin to lose
        bad = hops[best].ttl
        return LossLocation(bad, f"from between hop {before} and {bad} on", before, bad)
    first, last = _range(chances)
    begin = hops[first - 1].ttl if first else 0
    bad = hops[last].ttl
    return LossLocation(None, f"from between hop {begin} and {bad} on", begin, bad)


def _answers(log: RunLog, slots: int) -> list[_Answers]:
    """Count the hops that answer in these slots, in the order of their TTLs, the target last."""
    found: list[_Answers] = []
    end = log.target_ttl
    if end is None:
        return found
    for ttl in sorted(ttl for ttl in log.hops if ttl <= end):
        hop = log.target if ttl == end else log.hops[ttl]
        bursts = bursts_in(hop.lost & ~hop.refused, hop.answered, slots)
        if bursts.answered:
            weight = 1 / (2 * bursts.length - 1)
            found.append(_Answers(ttl, bursts.lost * weight, bursts.answered * weight))
    return found


def _posterior(hops: Sequence[_Answers]) -> list[float]:
    """Return, for each hop, how probable it is that the loss begins on the way to it."""
    clean, own = math.log(1 - _OWN), math.log(_OWN)
    likelihoods = [[_log_likelihood(hop, rate) for rate in _RATES] for hop in hops]
    before = [
        _log_sum(clean + _log_likelihood(hop, _HARDLY), own + _log_mean(known))
        for hop, known in zip(hops, likelihoods, strict=True)
    ]
    behind = [_behind(known, clean, own) for known in likelihoods]
    scores: list[list[float]] = [[] for _ in hops]
    for rate in range(len(_RATES)):
        score = sum(values[rate] for values in behind)
        for place in range(len(hops)):
            scores[place].append(score)
            score += before[place] - behind[place][rate]
    total = [_log_mean(score) for score in scores]
    greatest = max(total)
    weights = [math.exp(value - greatest) for value in total]
    return [weight / sum(weights) for weight in weights]


def _behind(likelihoods: Sequence[float], clean: float, own: float) -> list[float]:
    """Return, for each share that the path loses, how likely the answers of a hop behind are.

    With losses of its own it loses any greater share.
    """
    found: list[float] = []
    greater: float | None = None
    for count, known in enumerate(reversed(likelihoods)):
        mean = known if greater is None else greater - math.log(count)
        found.append(_log_sum(clean + known, own + mean))
        greater = known if greater is None else _log_sum(greater, known)
    return found[::-1]


def _log_likelihood(hop: _Answers, rate: float) -> float:
    return hop.lost * math.log(rate) + hop.answered * math.log1p(-rate)


def _log_sum(one: float, other: float) -> float:
    greatest = max(one, other)
    return greatest + math.log(math.exp(one - greatest) + math.exp(other - greatest))


def _log_mean(values: Sequence[float]) -> float:
    greatest = max(values)
    return greatest + math.log(sum(math.exp(value - greatest) for value in values) / len(values))


def _range(chances: Sequence[float]) -> tuple[int, int]:
    """Return the shortest stretch of places that holds `SURE` of the probability."""
    best = (0, len(chances) - 1)
    for first in range(len(chances)):
        held = 0.0
        for last in range(first, len(chances)):
            held += chances[last]
            if held >= SURE:
                if last - first < best[1] - best[0]:
                    best = (first, last)
                break
    return best
