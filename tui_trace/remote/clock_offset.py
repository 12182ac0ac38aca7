"""How far the clock of another machine is from the clock here, and how sure that is.

The first event carries the other machine's wall clock. It was written between the start of the
connection and its arrival here, so the offset lies in an interval as wide as that took; nothing
narrower is claimed.
"""

from typing import NamedTuple

from tui_trace.core.settings import NS_PER_S

WORTH_TELLING = NS_PER_S
"""Nanoseconds that the clocks are apart for certain before it is told."""


class ClockOffset(NamedTuple):
    """The other clock minus the clock here, in ns: at least `least`, at most `most`."""

    least: int
    most: int

    @classmethod
    def measure(cls, *, there: int, started: int, arrived: int) -> "ClockOffset":
        """Return the offset; all in ns since 1970.

        `there` is the other clock when the message was written, `started` and `arrived` are the
        clock here when the connection was begun and when the message was read.
        """
        return cls(there - arrived, there - started)

    def describe(self, host: str) -> str | None:
        """Return a sentence if the clocks are certainly apart; None if they may agree."""
        if self.least > WORTH_TELLING:
            nearest, farthest, way = self.least, self.most, "ahead of"
        elif self.most < -WORTH_TELLING:
            nearest, farthest, way = -self.most, -self.least, "behind"
        else:
            return None
        nearest_s, farthest_s = (f"{ns / NS_PER_S:.1f}" for ns in (nearest, farthest))
        return (
            f"the clock of {host} is {nearest_s} to {farthest_s} s {way} the clock here;"
            f" times of day are those of {host}"
        )
