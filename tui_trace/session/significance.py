"""Whether a difference could be chance: tests on samples that follow one another.

Successive round-trip times resemble each other, so that a hundred of them tell less than a hundred
independent ones would, and a plain test calls noise a difference. Each series therefore counts as
n/τ samples, where τ is its integrated autocorrelation time: the greater of Geyer's initial
positive sequence estimate and that of a first-order autoregression with its bias taken out
(Marriott and Pope). Short series make τ look small; what all hops of both runs have on average is
therefore the least that any of them gets, with a margin. Fewer than `ENOUGH` samples by that count
tell nothing.

RTT: Welch's t-test on ranks, `scipy.stats.ttest_ind_from_stats`; on the ranks, because a single
spike of a hundred milliseconds would drown a real difference of one. Loss: Fisher's exact test,
`scipy.stats.fisher_exact`, on counts divided by τ. All tests of a comparison share one promise, by
Holm's method, however the hops hang together: where nothing differs, a comparison that calls any
hop different is one in twenty at most (`PROMISE`).

What no test on one stretch each can tell from a difference: a network that changed for good between
the two. Runs that take turns see the same minutes: the tests are then on pairs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

PROMISE = 0.05
"""Share of comparisons without any real difference in which one may be called all the same."""
ENOUGH = 8.0
"""Samples, counted as independent ones, from which on RTTs are compared."""
_MARGIN = 1.3
_INDEPENDENT = 1.5
"""An estimate of τ up to this is the noise of independent samples."""


class Samples(NamedTuple):
    """One hop in two runs, each in the order in which the probes were sent."""

    rtts: tuple[Sequence[int], Sequence[int]]
    losses: tuple[Sequence[bool], Sequence[bool]]


class PValues(NamedTuple):
    """How likely chance alone is to make as great a difference; None where nothing can be told.

    Adjusted for all tests of the comparison: below `PROMISE` it is a difference.
    """

    rtt: float | None
    loss: float | None


def chances(hops: Sequence[Samples], *, paired: bool = False) -> list[PValues]:
    """Of each hop of a comparison; `ImportError` if there is no scipy.

    `paired`: the two series of a hop were taken turn by turn, so that what drifts, drifts in both.
    """
    rtt = _rtt_paired(hops) if paired else _rtt(hops)
    loss = _loss(hops)
    adjusted = holm([*rtt, *loss])
    return [
        PValues(*both) for both in zip(adjusted[: len(hops)], adjusted[len(hops) :], strict=True)
    ]


def holm(raw: Sequence[float | None]) -> list[float | None]:
    """Holm's adjustment: the adjusted values below α are wrong together with a chance of α."""
    order = sorted((p, place) for place, p in enumerate(raw) if p is not None)
    adjusted: list[float | None] = [None] * len(raw)
    least = 0.0
    for rank, (p, place) in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p))
        adjusted[place] = least
    return adjusted


def _rtt(hops: Sequence[Samples]) -> list[float | None]:
    import numpy as np
    from scipy import stats

    ranked: list[tuple[Array, Array] | None] = []
    for hop in hops:
        if min(map(len, hop.rtts)) < ENOUGH:
            ranked.append(None)
            continue
        ranks = stats.rankdata(np.concatenate(hop.rtts))
        size = len(hop.rtts[0])
        ranked.append((ranks[:size], ranks[size:]))
    times = _times([tuple(map(_time, pair)) if pair else None for pair in ranked])
    found: list[float | None] = []
    for pair, time in zip(ranked, times, strict=True):
        counts = [len(series) / time for series in pair] if pair else [0.0]
        if pair is None or min(counts) < ENOUGH:
            found.append(None)
            continue
        one, other = pair
        spread = one.std(ddof=1), other.std(ddof=1)
        if not any(spread):
            found.append(1.0 if one.mean() == other.mean() else 0.0)
            continue
        result = stats.ttest_ind_from_stats(
            one.mean(), spread[0], counts[0], other.mean(), spread[1], counts[1], equal_var=False
        )
        found.append(float(result.pvalue))
    return found


def _rtt_paired(hops: Sequence[Samples]) -> list[float | None]:
    import numpy as np
    from scipy import stats

    steps: list[Array | None] = []
    for hop in hops:
        size = min(map(len, hop.rtts))
        if size < ENOUGH:
            steps.append(None)
            continue
        one, other = (np.asarray(rtts[-size:], dtype=float) for rtts in hop.rtts)
        difference = one - other
        steps.append(np.sign(difference) * stats.rankdata(np.abs(difference)))
    times = _times([(_time(series),) if series is not None else None for series in steps])
    found: list[float | None] = []
    for series, time in zip(steps, times, strict=True):
        count = len(series) / time if series is not None else 0.0
        if series is None or count < ENOUGH:
            found.append(None)
            continue
        spread = float(series.std(ddof=1))
        if not spread:
            found.append(0.0 if series.any() else 1.0)
            continue
        score = abs(float(series.mean())) / spread * count**0.5
        found.append(float(2 * stats.t.sf(score, count - 1)))
    return found


def _loss(hops: Sequence[Samples]) -> list[float | None]:
    import numpy as np
    from scipy import stats

    series = [tuple(np.asarray(losses, dtype=float) for losses in hop.losses) for hop in hops]
    times = _times([tuple(map(_time, pair)) if all(map(len, pair)) else None for pair in series])
    found: list[float | None] = []
    for pair, time in zip(series, times, strict=True):
        if not all(map(len, pair)):
            found.append(None)
            continue
        table = [[round(s.sum() / time), round((len(s) - s.sum()) / time)] for s in pair]
        if pair[0].mean() == pair[1].mean():
            found.append(1.0)
        else:
            found.append(float(stats.fisher_exact(table).pvalue))
    return found


def _times(estimates: Sequence[tuple[float, ...] | None]) -> list[float]:
    """τ of each hop, from the estimates of its series."""
    known = [time for pair in estimates if pair for time in pair]
    common = sum(known) / len(known) if known else 1.0
    found = []
    for pair in estimates:
        time = max(common, *pair) if pair else common
        found.append(time * _MARGIN if time > _INDEPENDENT else time)
    return found


def _time(series: "Array") -> float:
    """The integrated autocorrelation time, in samples; 1 if they are independent or all alike."""
    import numpy as np

    count = len(series)
    centred = series - series.mean()
    transformed = np.fft.rfft(centred, 2 * count)
    covariance = np.fft.irfft(transformed * np.conj(transformed))[:count]
    if covariance[0] <= 1e-9 * count:
        return 1.0
    correlation = covariance / covariance[0]
    half = (count - 1) // 2
    pairs = correlation[1 : 2 * half : 2] + correlation[2 : 2 * half + 1 : 2]
    negative = np.flatnonzero(pairs <= 0)
    geyer = 1 + 2 * float(pairs[: negative[0] if len(negative) else None].sum())
    first = float(correlation[1]) if count > 1 else 0.0
    first = min(max(first + (1 + 3 * first) / count, 0.0), 0.99)
    return max(1.0, geyer, (1 + first) / (1 - first))
