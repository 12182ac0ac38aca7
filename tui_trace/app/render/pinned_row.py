"""The row that stays in sight when the hops do not fit: which one, and where it lies.

It lies over others at the end of the table that is nearer to its own place: below them as long as
it is farther down, above them once the view went past it. So rows never change their order, and
scrolling goes over all of them. Lines in sight are counted from the first one below the titles.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.session.snapshot import Hop

_MARKED = 5
"""Lines of rows from which on one of them says how many rows are left out."""
_SHARE = 3
"""Of so many lines one, at most, is for the pinned row with its further addresses."""
PIN_SIGN = "⋮"
"""What stands where rows are left out: in that line, or where none can be spared, in the row."""


def pinned_ttl(hops: Sequence[Hop]) -> int | None:
    """Return the TTL of the row that says most about the target; None: no row says anything.

    That is the target's own, or, as long as it has not answered, the last that was heard of: there
    the probes stop.
    """
    heard = [hop for hop in hops if hop.responders]
    targets = [hop for hop in heard if hop.is_target]
    return (targets or heard)[-1].ttl if heard else None


class PinPlace(NamedTuple):
    """Where the row lies over the others, in lines in sight."""

    first: int
    """The line at which it begins."""
    lines: int
    """Lines of it that are shown."""
    mark: int | None
    """The line that says how many rows are left out; None: there is none."""
    is_below: bool
    """Its own place is farther down than the lines in sight, not farther up."""

    def hidden(self, height: int, top: int, pinned: range) -> range:
        """Return the lines of the table that are left out between the row and the others."""
        if self.is_below:
            return range(top + height - self.covers, pinned[0])
        return range(pinned[0] + self.lines, top + self.covers)

    @property
    def covers(self) -> int:
        """Return how many lines in sight it takes from the others."""
        return self.lines + (self.mark is not None)


def pin_place(height: int, top: int, pinned: range) -> PinPlace | None:
    """Return where the row lies; None where it is in sight at its own place.

    There are `height` lines for rows. Of all lines of the table, `top` is the first in sight, and
    the row has those of `pinned`.
    """
    lines = min(len(pinned), max(height // _SHARE, 1))
    if height <= 0 or (top <= pinned[0] and pinned[0] + lines <= top + height):
        return None
    marked = height >= _MARKED
    if pinned[0] < top:
        return PinPlace(0, lines, lines if marked else None, is_below=False)
    first = height - lines
    return PinPlace(first, lines, first - 1 if marked else None, is_below=True)


def is_covered(height: int, top: int, pinned: range, lines: range) -> bool:
    """Return whether the pinned row lies over any of the `lines` of another row."""
    # a single line in sight is left to it
    pin = pin_place(height, top, pinned) if pinned and height > 1 else None
    if pin is None or lines[0] in pinned:
        return False
    if pin.is_below:
        return lines[-1] >= top + height - pin.covers
    return lines[0] < top + pin.covers
