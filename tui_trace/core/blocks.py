"""Numbers as blocks of eight heights, on a logarithmic scale."""

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
