"""The latest probes of a hop, one by one: what sparkline, chart and the last minute are made of."""

from collections import OrderedDict
from itertools import accumulate, repeat
from typing import TypeVar

from tui_trace.core.settings import NS_PER_S
from tui_trace.session.checkpoint import (
    MAX_LATEST_PROBES,
    CheckpointError,
    LatestProbesCheckpoint,
    to_deltas,
)
from tui_trace.session.snapshot import LOST, PENDING, RECENT

MINUTE = 60 * NS_PER_S
"""Nanoseconds back from a hop's newest probe, of which all probes are remembered, if they are no
more than `MAX_LATEST_PROBES`."""

_T = TypeVar("_T")

# what happened to a probe besides its outcome, as bits of a number
LATE, USER_STAMPED, REFUSED, GIVEN_UP = 1, 2, 4, 8
# counted: as often as it happened
DUPLICATE, REPEAT = 1 << 8, 1 << 32
_DUPLICATES = REPEAT // DUPLICATE - 1


def duplicates_of(remarks: int) -> int:
    """Return how many duplicates these bits count."""
    return remarks // DUPLICATE & _DUPLICATES


def repeats_of(remarks: int) -> int:
    """Return how many repeated replies these bits count."""
    return remarks // REPEAT


class LatestProbes:
    """At least the last `RECENT` probes in the order they were sent, by their number.

    `times` and `remarks` are of the last minute alone: its probes are the last ones of `outcomes`.
    A plain `dict` would look for its first key behind all those that were deleted.
    """

    __slots__ = ("outcomes", "reasons", "remarks", "times")

    def __init__(self) -> None:
        """Begin without any probe."""
        self.outcomes: OrderedDict[int, int] = OrderedDict()
        """As in `Hop.recent`."""
        self.times: OrderedDict[int, int] = OrderedDict()
        """`at` (ns) when it was sent."""
        self.remarks: dict[int, int] = {}
        """What else happened; most probes are not in it."""
        self.reasons: dict[int, bool] = {}
        """Those that were lost for a reason; True: refused, False: given up."""

    def on_sent(self, probe: int, at: int) -> None:
        """Remember a probe, and forget those that are too old."""
        outcomes, times = self.outcomes, self.times
        if probe in outcomes:
            self.forget(probe)  # a forged stream may use a number again
        outcomes[probe] = PENDING
        times[probe] = at
        began = at - MINUTE
        while times[oldest := next(iter(times))] < began:
            del times[oldest]
            if self.remarks:
                self.remarks.pop(oldest, None)
        while len(outcomes) > RECENT:
            if len(outcomes) > len(times):
                oldest = next(iter(outcomes))
                del outcomes[oldest]
                if self.reasons:
                    self.reasons.pop(oldest, None)
            elif len(outcomes) > MAX_LATEST_PROBES:
                self.forget(next(iter(outcomes)))
            else:
                break

    def forget(self, probe: int) -> None:
        """Forget a probe, if it is remembered."""
        self.outcomes.pop(probe, None)
        self.times.pop(probe, None)
        self.remarks.pop(probe, None)
        self.reasons.pop(probe, None)

    def is_lost(self, probe: int) -> bool:
        """Return whether a probe is remembered as lost."""
        return self.outcomes.get(probe) == LOST

    def decide(self, probe: int, outcome: int) -> None:
        """Set the outcome of a probe, if it is remembered."""
        if probe in self.outcomes:
            self.outcomes[probe] = outcome

    def remark(self, probe: int, what: int) -> None:
        """Note one more of `LATE`, `DUPLICATE` and the like, if the probe is of the last minute."""
        if probe in self.times:
            self.remarks[probe] = self.remarks.get(probe, 0) + what

    def sent_at(self) -> tuple[int, ...]:
        """Return when the probes of the last minute were sent."""
        return tuple(self.times.values())

    def all_remarks(self) -> tuple[int, ...]:
        """Return what else happened to each of these; empty: nothing did to any."""
        times, reasons = self.times, self.reasons
        if not (self.remarks or reasons):
            return ()
        found = list(map(self.remarks.get, times, repeat(0)))
        if reasons:
            whys = map(reasons.get, times)
            found = [
                known if why is None else known + (REFUSED if why else GIVEN_UP)
                for known, why in zip(found, whys, strict=True)
            ]
        return tuple(found)

    def checkpoint(self) -> LatestProbesCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return LatestProbesCheckpoint(
            probes=to_deltas(list(self.outcomes)),
            outcomes=list(self.outcomes.values()),
            times=to_deltas(list(self.times.values())),
            remarks=self.remarks,
            reasons=self.reasons,
        )

    @classmethod
    def from_checkpoint(cls, state: LatestProbesCheckpoint) -> "LatestProbes":
        """Restore them; `CheckpointError` if no probes can have led to this state."""
        numbers = list(accumulate(state.probes))
        if len(numbers) != len(state.outcomes) or len(numbers) != len(set(numbers)):
            raise CheckpointError("an outcome for each probe")
        if len(numbers) < len(state.times):
            raise CheckpointError("probes without a number")
        latest = cls()
        latest.outcomes = OrderedDict(zip(numbers, state.outcomes, strict=True))
        of_minute = numbers[len(numbers) - len(state.times) :]
        latest.times = OrderedDict(zip(of_minute, accumulate(state.times), strict=True))
        latest.remarks = dict(state.remarks)
        latest.reasons = dict(state.reasons)
        return latest

    def without(self, others: "LatestProbes") -> "LatestProbes":
        """Return those that are not among the others."""
        rest = LatestProbes()
        rest.outcomes = OrderedDict(_left(self.outcomes, others))
        rest.times = OrderedDict(_left(self.times, others))
        rest.remarks = _left(self.remarks, others)
        rest.reasons = _left(self.reasons, others)
        return rest


def _left(known: dict[int, _T], others: LatestProbes) -> dict[int, _T]:
    return {probe: what for probe, what in known.items() if probe not in others.outcomes}
