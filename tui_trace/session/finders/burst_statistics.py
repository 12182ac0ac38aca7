"""Statistics of losses that come in bursts, on the bits of a log of rounds.

Successive losses are one *burst*: whatever lost the first one mostly lost the others, too, so
bursts are what is counted where chance is to be judged.
"""

import math
from typing import NamedTuple

from tui_trace.session.loss import Interval, wilson

_Z = 2.3
"""Of the interval: with 1.96, that of Wilson covers 88–92 % where bursts are few."""

_OVER = 0.001
"""Chance of so long a stretch without any loss from which on a loss is over. It is asked at each
look, so that at 0.01 a loss that goes on would soon be said to have ended."""


class Bursts(NamedTuple):
    """The losses among some slots."""

    lost: int
    answered: int
    bursts: int

    @property
    def probes(self) -> int:
        """Return the number of probes whose outcome is known."""
        return self.lost + self.answered

    @property
    def percent(self) -> float:
        """Return the loss in percent; 0 if there is no outcome."""
        return 100 * self.lost / self.probes if self.probes else 0.0

    @property
    def length(self) -> float:
        """Return the mean length of a burst in probes; 1 if there is none."""
        return self.lost / self.bursts if self.bursts else 1.0

    def interval(self) -> Interval:
        """Return an interval of the loss in percent that holds in 95 % of cases, in bursts too.

        The number of bursts varies as that of independent events does, and their lengths are
        geometric: together they tell as much as `bursts / (2 - 1/length)` independent losses.
        """
        if not self.lost or not self.probes:
            return wilson(0, max(self.probes, 1), _Z)
        independent = self.bursts / (2 - 1 / self.length)
        return wilson(independent, independent * self.probes / self.lost, _Z)


def bursts_in(lost: int, answered: int, slots: int) -> Bursts:
    """Return the bursts among `slots` (bits), given which were lost and which answered (bits).

    A slot of neither is passed over: losses before and behind it are two bursts.
    """
    lost &= slots
    return Bursts(
        lost.bit_count(), (answered & slots).bit_count(), (lost & ~(lost << 1)).bit_count()
    )


def has_stopped(bursts: Bursts, good: int) -> bool:
    """Return whether chance hardly explains that the latest `good` answers came without a loss.

    What was lost before tells the rate only so well: it is taken as a beta distribution (Jeffreys'
    prior), so that few bursts, found where most of them are, do not make a short pause an end.
    """
    before = bursts.answered - good + 0.5
    rate = bursts.bursts + 0.5
    chance = (
        math.lgamma(before + good)
        - math.lgamma(before + good + rate)
        - math.lgamma(before)
        + math.lgamma(before + rate)
    )
    return good > 0 and chance < math.log(_OVER)


def evidence_of_more(events: int, trials: int, usual: float, rates: tuple[float, ...]) -> float:
    """Return the e-value of more events than usual, as a natural logarithm.

    The likelihood of `events` in `trials`, on average over `rates` (0 to 1), over that at the rate
    `usual`. If the true rate is at most `usual`, it ever exceeds ln(1/α) with a probability of at
    most α, however often one looks (Ville's inequality).
    """
    others = max(trials - events, 0)
    logs = [
        events * math.log(rate / usual) + others * math.log((1 - rate) / (1 - usual))
        for rate in rates
    ]
    greatest = max(logs)
    return greatest + math.log(sum(math.exp(log - greatest) for log in logs) / len(logs))
