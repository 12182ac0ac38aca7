"""The text and the style of single cells."""

import enum

from tui_trace.core.blocks import log_blocks
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.snapshot import LOST

SUB_10_MS = 9_999_500
"""Nanoseconds. Where every RTT is below, a hundredth of a millisecond would say too little."""


class TextStyle(enum.Enum):
    """The emphasis of a cell; a theme makes colours of it, which never carry meaning alone."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    WARN = "warn"
    BAD = "bad"
    SPARK = "spark"
    MARK = "mark"
    FLAG = "flag"
    """What must never be overlooked, though nothing is wrong."""
    BAD_MARK = "bad-mark"
    """Wrong, in a mark of its own: no ground is laid under it."""
    PATH_A = "path-a"
    PATH_B = "path-b"
    PATH_C = "path-c"
    PATH_D = "path-d"


def ms(time: float | None, microseconds: bool = False) -> str:
    """Return nanoseconds as milliseconds in at most six cells: `0.02`, `123.45`, `1234.5`, `12345`.

    `microseconds`: what is below `SUB_10_MS` with three decimals, `0.018`.
    """
    if time is None:
        return ""
    if time < 999_995_000:
        return f"{time / NS_PER_MS:.{3 if microseconds and time < SUB_10_MS else 2}f}"
    return f"{time / NS_PER_MS:.{1 if time < 9_999_950_000 else 0}f}"


def short_ms(time: float | None) -> str:
    """Return nanoseconds as milliseconds in at most four cells: `0.02`, `12.3`, `123`."""
    if time is None:
        return ""
    if time < 9_995_000:
        return f"{time / NS_PER_MS:.2f}"
    return f"{time / NS_PER_MS:.{1 if time < 99_950_000 else 0}f}"


def sparkline(recent: tuple[int, ...], least: int | None, width: int) -> str:
    """Return the last `width` decided outcomes, newest at the right; a lost probe is a gap.

    Each row has its own logarithmic scale, so that sub-millisecond hops read as well as slow
    ones: the lowest block is `least` (ns), the highest the largest shown, at least twice `least`.
    """
    shown = [rtt for rtt in recent[-2 * width :] if rtt >= LOST][-width:]
    low = max(least or 1, 1)
    values = [None if rtt == LOST else rtt for rtt in shown]
    return log_blocks(values, low, max(shown, default=low)).rjust(width)
