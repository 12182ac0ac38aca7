"""Statistics of losses that come in bursts, on the bits of a log of rounds.

Successive losses are one *burst*: whatever lost the first one mostly lost the others, too, so
bursts are what is counted where chance is to be judged.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.session.loss import Interval, wilson

_Z = 2.3
"""Of the interval: with 1.96, that of Wilson covers 88–92 % where bursts are few."""

_OVER = 0.001
"""Chance of so long a stretch without any loss from which on a loss is over. It is asked at each
look, so that at 0.01 a loss that goes on would soon be said to have ended."""


SILENT = 3
"""Lost probes in a row from which on the target may be silent. The first of them may be those of
hops before it that are as silent: a broken link takes them all at once."""
CHANCE_OF_BURST = 0.01 * 1.01
"""How probable it may be that a burst as long as this one is among all bursts of the run."""
_BURSTS_BEFORE, _LOSSES_BEFORE = 2.7, 0.3
"""What is taken for seen before anything was: three losses in a row are hardly ever chance."""


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


def chance_of_burst(length: int, bursts: Sequence[int]) -> float:
    """Return how probable a burst of such a length is among others of these lengths.

    The chance that a loss follows a loss, from these bursts, gives that of a whole burst.
    """
    lost, count = sum(bursts), len(bursts)
    stay = (lost - count + _LOSSES_BEFORE) / (lost + _LOSSES_BEFORE + _BURSTS_BEFORE)
    return float(stay ** (length - 1) * max(count, 1))


def burst_lengths(lost: int) -> list[int]:
    """Return how many losses each burst has, given the slots that were lost (bits)."""
    return [len(burst) for burst in f"{lost:b}".split("0") if burst]


def outages_among(lost: int, slots: int, apart: int) -> int:
    """Return the lost slots (bits) that were outages, of so many slots.

    They are bursts that the others do not explain, and that do not come all the time, on average
    once in less than `apart` slots: what they lost says nothing of the loss otherwise.
    """
    lengths = burst_lengths(lost)
    usual = [length for length in lengths if length < SILENT]
    for length in sorted(length for length in lengths if length >= SILENT):
        if chance_of_burst(length, usual) <= CHANCE_OF_BURST:
            break
        usual.append(length)
    outages = len(lengths) - len(usual)
    if not outages or (outages - 1) * apart > slots:
        return 0
    least = min(sorted(lengths)[len(usual) :])
    found = lost
    for _ in range(least - 1):
        found &= found >> 1
    for _ in range(least - 1):
        found |= found << 1
    return found


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
