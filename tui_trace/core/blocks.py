"""Numbers as blocks of eight heights, on a logarithmic scale or on one from 0."""

import math
from collections.abc import Iterable

BLOCKS = "▁▂▃▄▅▆▇█"
_TOP_TOO = BLOCKS + BLOCKS[-1]
"""The largest number itself falls one step above the last block."""


def log_blocks(values: Iterable[float | None], low: float, high: float) -> str:
    """Return a block for each value from `low` to `high`, and a space for None; `low` is above 0.

    A value below `low` gets the lowest block. The scale covers at least a factor of two, so that
    values which hardly differ look alike.
    """
    step = len(BLOCKS) / math.log(max(high, 2 * low) / low)
    log = math.log  # a local name: this runs for every cell of every row
    return "".join(
        " " if value is None else _TOP_TOO[int(log(value / low) * step) if value > low else 0]
        for value in values
    )


_ROUND = (1, 1.5, 2, 3, 5, 7, 10)


def linear_blocks(values: Iterable[float | None], top: float) -> str:
    """Return a block for each value, of a height from 0 to `top` or more, and a space for None."""
    step = len(BLOCKS) / top
    return "".join(
        " " if value is None else _TOP_TOO[int(value * step)] if value < top else BLOCKS[-1]
        for value in values
    )


def round_up(number: float) -> float:
    """Return the next round number, 1, 1.5, 2, 3, 5 or 7 of a power of ten, not less than this."""
    power = 10.0 ** math.floor(math.log10(number))
    return next(digit * power for digit in _ROUND if digit * power >= number * (1 - 1e-9))
