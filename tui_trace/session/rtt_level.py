"""The level of the target's RTT, and when it stepped up or down. Times are in ns.

The last answers are compared with those before them by ranks: a step is told if most of the last
ones are beyond most of those before (the probability that one exceeds the other, as in Mann and
Whitney's test), by enough to matter, and if they agree with each other better than with those
before: spikes, a queue that comes and goes, and noise that resembles itself are no steps.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from typing import NamedTuple

from tui_trace.session.checkpoint import RttLevelCheckpoint

REMEMBERED = 128
"""RTTs of the present level that are remembered."""
MAX_STEPS = 32
"""Steps that are remembered; the oldest is dropped first."""
_LEAST = 8
"""RTTs of a level from which on others are compared with it."""
_FIRST = 16
"""RTTs of which a level consists that was not there before."""
_LEAST_NS, _SHARE, _ENOUGH_NS = 500_000, 0.02, 2_500_000
"""A step matters from 2 % of the RTT on, but not below 0.5 ms, and always from 2.5 ms on."""
_AGREEMENT = 0.5
"""Greatest spread (middle half) of the new RTTs, in relation to the step."""


class _Comparison(NamedTuple):
    """How many of the last RTTs are compared, and what is asked of them."""

    last: int
    beyond: float
    """Probability that a new RTT is beyond one from before."""
    spreads: float
    """The step in relation to the spread (middle half) of those before."""


_COMPARISONS = (_Comparison(16, 0.99, 4.0), _Comparison(32, 0.9, 0.0))
_LONGEST = _COMPARISONS[-1].last


class Step(NamedTuple):
    """A step of the level."""

    slot: int
    """Number of the first slot (`RunLog.first_slot` + place) at the new level."""
    before: int
    """Median RTT before."""
    after: int
    """Median RTT of the first answers after it."""
    beyond: float
    """Probability that an RTT after it is beyond one before."""


class RttLevel:
    """Follows the RTTs of one run's target, in the order of its answers."""

    def __init__(self) -> None:
        """Begin without any RTT."""
        self.steps: deque[Step] = deque(maxlen=MAX_STEPS)
        """The steps so far, oldest first."""
        self._order: deque[int] = deque()
        self._sorted: list[int] = []
        """RTTs of the present level: those of `_order`, sorted."""
        self._last: deque[tuple[int, int]] = deque()
        """Slot and RTT of the last answers, which may be of another level."""

    @property
    def median(self) -> int | None:
        """Return the median of the present level; None before there is one."""
        return self._sorted[len(self._sorted) // 2] if len(self._sorted) >= _LEAST else None

    @property
    def smallest_step(self) -> int | None:
        """Return the smallest step that would be told within 32 answers; None: not known yet."""
        median = self.median
        return None if median is None else max(least_step(median), 2 * _spread(self._sorted))

    def add(self, slot: int, rtt: int) -> None:
        """Count an answer of the target; `slot` as in `Step`."""
        last = self._last
        last.append((slot, rtt))
        if len(last) > _LONGEST:
            self._keep(last.popleft()[1])
        if not self._sorted and len(last) >= _FIRST:
            while len(last) > _FIRST - _LEAST:
                self._keep(last.popleft()[1])
        if len(self._sorted) >= _LEAST:
            self._compare()

    def _keep(self, rtt: int) -> None:
        insort(self._sorted, rtt)
        self._order.append(rtt)
        if len(self._order) > REMEMBERED:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]

    def _compare(self) -> None:
        before = self._sorted[len(self._sorted) // 2]
        least = least_step(before)
        if abs(self._last[-1][1] - before) < least:
            return
        for comparison in _COMPARISONS:
            if len(self._last) < comparison.last:
                return
            rtts = sorted(rtt for _, rtt in list(self._last)[-comparison.last :])
            after = rtts[len(rtts) // 2]
            size = abs(after - before)
            wanted = max(float(least), comparison.spreads * _spread(self._sorted))
            if size < wanted or _spread(rtts) > _AGREEMENT * size:
                continue
            beyond = self._beyond(rtts)
            beyond = beyond if after > before else 1 - beyond
            if beyond >= comparison.beyond:
                self._step(before, after, beyond)
                return

    def _beyond(self, rtts: list[int]) -> float:
        """Return the probability that one of these RTTs is greater than one of the level."""
        level = self._sorted
        ranks = sum(bisect_left(level, rtt) + bisect_right(level, rtt) for rtt in rtts)
        return ranks / (2 * len(level) * len(rtts))

    def _step(self, before: int, after: int, beyond: float) -> None:
        """Begin a level where the last RTTs part best into old and new ones."""
        middle, is_up = (before + after) / 2, after > before
        new = [(rtt > middle) == is_up for _, rtt in self._last]
        misplaced = new.count(False)
        best, first = misplaced, 0
        for place, is_new in enumerate(new[:-1], 1):
            misplaced += 1 if is_new else -1
            if misplaced < best:
                best, first = misplaced, place
        answers = list(self._last)[first:]
        self.steps.append(Step(answers[0][0], before, after, beyond))
        self._last.clear()
        self._order.clear()
        self._sorted.clear()
        for _, rtt in answers:
            self._keep(rtt)

    def checkpoint(self) -> RttLevelCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return RttLevelCheckpoint(
            steps=[(step.slot, step.before, step.after, step.beyond) for step in self.steps],
            level=list(self._order),
            last=list(self._last),
        )

    @classmethod
    def from_checkpoint(cls, state: RttLevelCheckpoint) -> "RttLevel":
        """Restore a level."""
        level = cls()
        level.steps.extend(Step(*step) for step in state.steps)
        level._order.extend(state.level)
        level._sorted = sorted(state.level)
        level._last.extend(state.last)
        return level


def least_step(median: int) -> int:
    """Return the smallest step (ns) from a level that matters."""
    return max(_LEAST_NS, min(round(_SHARE * median), _ENOUGH_NS))


def _spread(ordered: list[int]) -> int:
    """Return the width of the middle half."""
    return ordered[3 * len(ordered) // 4] - ordered[len(ordered) // 4]
