"""Statistics of round-trip times, in bounded memory and without drift.

Sums are exact integers, and only results are rounded: mean and deviation are as exact after 10⁷
samples as after ten. Percentiles come from a histogram. The width of a bucket is 1/64 of its value
(the leading seven bits), so that its middle is within 0.8 % of every sample in it.
"""

import math
from bisect import bisect_left
from itertools import accumulate

from tui_trace.core.ranges import LARGEST
from tui_trace.session.checkpoint import CheckpointError, StatsCheckpoint
from tui_trace.session.snapshot import RttStatistics

_SUBBITS = 6
_SUBBUCKETS = 1 << _SUBBITS
_MASK = _SUBBUCKETS - 1
_LARGEST = LARGEST - 1
_LONGEST_SUM = 48
"""Hexadecimal digits: 2⁶³ squared, 2⁶⁴ times."""
_LARGEST_LOG = math.log(LARGEST)
_PERCENTILES = (50, 90, 99)
_SMOOTHING = 16
"""Divisor of RFC 3550 §A.8."""


class RttStats:
    """Takes RTTs one at a time, in ns; `snapshot` can be called at any moment."""

    __slots__ = (
        "_delta_sum",
        "_histogram",
        "_last_delta",
        "_log_sum",
        "_max",
        "_max_delta",
        "_min",
        "_smoothed",
        "_snapshot",
        "_squares",
        "_total",
        "count",
        "last",
    )

    def __init__(self) -> None:
        """Begin without any sample."""
        self.count = 0
        self.last = 0
        self._min = _LARGEST
        self._max = 0
        self._total = 0
        self._squares = 0
        self._delta_sum = 0
        self._last_delta = 0
        self._max_delta = 0
        self._smoothed = 0.0
        self._log_sum = 0.0
        self._histogram: dict[int, list[int]] = {}
        """Number of samples by bit length, then by the bits below the leading bit."""
        self._snapshot: RttStatistics | None = None

    def add(self, rtt: int) -> None:
        """Add one RTT, 0 to 2⁶³−1 ns; a value outside is set to the nearer bound."""
        if rtt > self._max:
            rtt = min(rtt, _LARGEST)
            self._max = rtt
        if rtt < self._min:
            rtt = max(rtt, 0)
            self._min = rtt
        if self.count:
            self._last_delta = jump = abs(rtt - self.last)
            self._delta_sum += jump
            self._max_delta = max(self._max_delta, jump)
            self._smoothed += (jump - self._smoothed) / _SMOOTHING
        self._log_sum += math.log(rtt or 1)
        self.count += 1
        self.last = rtt
        self._total += rtt
        self._squares += rtt * rtt
        self._snapshot = None
        bits = rtt.bit_length()
        bucket = (rtt >> (bits - _SUBBITS - 1) if bits > _SUBBITS else rtt) & _MASK
        try:
            self._histogram[bits][bucket] += 1
        except KeyError:
            octave = self._histogram[bits] = [0] * _SUBBUCKETS
            octave[bucket] = 1

    def checkpoint(self) -> StatsCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return StatsCheckpoint(
            count=self.count,
            last=self.last,
            min=self._min,
            max=self._max,
            total=f"{self._total:x}",
            squares=f"{self._squares:x}",
            delta_sum=f"{self._delta_sum:x}",
            last_delta=self._last_delta,
            max_delta=self._max_delta,
            smoothed=self._smoothed,
            log_sum=self._log_sum,
            histogram=self._histogram,
        )

    @classmethod
    def from_checkpoint(cls, state: StatsCheckpoint) -> "RttStats":
        """Restore statistics; `CheckpointError` if no samples can have led to this state."""
        stats = cls()
        counted = 0
        for bits, octave in state.histogram.items():
            if not 0 <= bits < 64 or len(octave) != _SUBBUCKETS or min(octave) < 0:
                raise CheckpointError("no such histogram")
            counted += sum(octave)
        stats.count = state.count
        stats.last = state.last
        stats._min = state.min
        stats._max = state.max
        stats._total, stats._squares, stats._delta_sum = (
            _parse_sum(text) for text in (state.total, state.squares, state.delta_sum)
        )
        stats._last_delta, stats._max_delta = state.last_delta, state.max_delta
        stats._smoothed, stats._log_sum = state.smoothed, state.log_sum
        within = 0 <= state.last_delta <= state.max_delta <= _LARGEST
        if not (
            within and 0 <= state.smoothed <= LARGEST and 0 <= state.log_sum <= _max_log_sum(state)
        ):
            raise CheckpointError("no such jitter, or no such mean of logarithms")
        if counted != stats.count or stats.count * stats._squares < stats._total**2:
            raise CheckpointError("these sums are of no samples")
        stats._histogram = {bits: list(octave) for bits, octave in state.histogram.items()}
        return stats

    def snapshot(self) -> RttStatistics:
        """Return the statistics so far; the same object as before while no RTT was added."""
        if self._snapshot is None:
            self._snapshot = self._make()
        return self._snapshot

    def _make(self) -> RttStatistics:
        count = self.count
        if not count:
            return RttStatistics(0, None, None, None, None, None, None, None, None, None)
        sd = jitter = None
        if count > 1:
            # n·Σx² − (Σx)² is exact and never negative (Cauchy–Schwarz)
            spread = count * self._squares - self._total * self._total
            sd = math.sqrt(spread / (count * (count - 1)))
            jitter = self._delta_sum / (count - 1)
        p50, p90, p99 = self._percentiles()
        return RttStatistics(
            count=count,
            last=self.last,
            min=self._min,
            max=self._max,
            mean=self._total / count,
            sd=sd,
            jitter=jitter,
            p50=p50,
            p90=p90,
            p99=p99,
            gmean=math.exp(self._log_sum / count),
            last_jitter=self._last_delta if count > 1 else None,
            max_jitter=self._max_delta if count > 1 else None,
            smooth_jitter=self._smoothed if count > 1 else None,
        )

    def _percentiles(self) -> list[int]:
        """Return the percentiles by nearest rank: p % of the samples are not greater."""
        found: list[int] = []
        ranks = [-(-self.count * percent // 100) for percent in _PERCENTILES]
        below = 0
        for bits in sorted(self._histogram):
            octave = self._histogram[bits]
            upto = below + sum(octave)
            if ranks[len(found)] <= upto:
                running = list(accumulate(octave, initial=below))
                while len(found) < len(ranks) and ranks[len(found)] <= upto:
                    bucket = bisect_left(running, ranks[len(found)]) - 1
                    found.append(min(max(_bucket_middle(bits, bucket), self._min), self._max))
                if len(found) == len(ranks):
                    break
            below = upto
        return found


def _parse_sum(text: str) -> int:
    if len(text) > _LONGEST_SUM:
        raise CheckpointError("no sum of a session")
    try:
        return int(text, 16)
    except ValueError:
        raise CheckpointError("no sum") from None


def _max_log_sum(state: StatsCheckpoint) -> float:
    return state.count * _LARGEST_LOG * (1 + 1e-9)


def _bucket_middle(bits: int, bucket: int) -> int:
    shift = bits - _SUBBITS - 1
    if shift < 0:
        return bucket
    return ((_SUBBUCKETS + bucket) << shift) + ((1 << shift) >> 1)
