"""Significance tests of the difference between two runs, on autocorrelated samples.

Successive round-trip times resemble each other. A hundred of them tell less than a hundred
independent samples, and a plain test calls noise a difference. Each series therefore counts as n/τ
samples, where τ is its integrated autocorrelation time: the greater of Geyer's initial positive
sequence estimate and the estimate of a first-order autoregression, corrected for bias (Marriott and
Pope). Short series make τ look small. The τ of a series is therefore at least the average over all
hops of both runs, times a margin. Series with fewer than `MIN_EFFECTIVE_SAMPLES` samples by that
count are not tested.

RTT: Welch's t-test on ranks (`scipy.stats.ttest_ind_from_stats`). Ranks, because one spike of a
hundred milliseconds would hide a real difference of one millisecond. Loss: Fisher's exact test
(`scipy.stats.fisher_exact`) on counts divided by τ. p-values are Holm-corrected over all tests of a
comparison: the family-wise error is at most `FAMILYWISE_ALPHA`, under any dependence of the hops.

If the network changed between two runs, no test can tell that from a difference of the settings.
Runs that alternate see the same minutes: the tests then use pairs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

FAMILYWISE_ALPHA = 0.05
"""Share of comparisons without a real difference that may report one all the same."""
MIN_EFFECTIVE_SAMPLES = 8.0
"""Effective number of samples from which on RTTs are compared."""
_MARGIN = 1.3
_INDEPENDENT = 1.5
"""An estimate of τ up to this value is taken for the noise of independent samples."""


class Samples(NamedTuple):
    """One hop in two runs, each in the order in which the probes were sent."""

    rtts: tuple[Sequence[int], Sequence[int]]
    losses: tuple[Sequence[bool], Sequence[bool]]


class PValues(NamedTuple):
    """The p-values of one hop; None where there are too few samples.

    They are adjusted for all tests of the comparison: below `FAMILYWISE_ALPHA` is significant.
    """

    rtt: float | None
    loss: float | None


def adjusted_p_values(hops: Sequence[Samples], *, paired: bool = False) -> list[PValues]:
    """Return the adjusted p-values of each hop; `ImportError` if there is no scipy.

    `paired`: the runs alternated round by round, so that any drift is in both series of a hop.
    """
    rtt = _rtt_paired(hops) if paired else _rtt(hops)
    loss = _loss(hops)
    adjusted = holm([*rtt, *loss])
    return [
        PValues(*both) for both in zip(adjusted[: len(hops)], adjusted[len(hops) :], strict=True)
    ]


def holm(raw: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted by Holm's method; None stays None."""
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
        if min(map(len, hop.rtts)) < MIN_EFFECTIVE_SAMPLES:
            ranked.append(None)
            continue
        ranks = stats.rankdata(np.concatenate(hop.rtts))
        size = len(hop.rtts[0])
        ranked.append((ranks[:size], ranks[size:]))
    times = _taus([tuple(map(autocorrelation_time, pair)) if pair else None for pair in ranked])
    found: list[float | None] = []
    for pair, time in zip(ranked, times, strict=True):
        counts = [len(series) / time for series in pair] if pair else [0.0]
        if pair is None or min(counts) < MIN_EFFECTIVE_SAMPLES:
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
        if size < MIN_EFFECTIVE_SAMPLES:
            steps.append(None)
            continue
        one, other = (np.asarray(rtts[-size:], dtype=float) for rtts in hop.rtts)
        difference = one - other
        steps.append(np.sign(difference) * stats.rankdata(np.abs(difference)))
    times = _taus(
        [(autocorrelation_time(series),) if series is not None else None for series in steps]
    )
    found: list[float | None] = []
    for series, time in zip(steps, times, strict=True):
        count = len(series) / time if series is not None else 0.0
        if series is None or count < MIN_EFFECTIVE_SAMPLES:
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
    times = _taus(
        [tuple(map(autocorrelation_time, pair)) if all(map(len, pair)) else None for pair in series]
    )
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


def _taus(estimates: Sequence[tuple[float, ...] | None]) -> list[float]:
    """Return τ of each hop, in samples, from the estimates of its series."""
    known = [time for pair in estimates if pair for time in pair]
    common = sum(known) / len(known) if known else 1.0
    found = []
    for pair in estimates:
        time = max(common, *pair) if pair else common
        found.append(time * _MARGIN if time > _INDEPENDENT else time)
    return found


def autocorrelation_time(series: "Array") -> float:
    """Return the integrated autocorrelation time in samples: 1 if all are independent or equal."""
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
