"""The text and the style of single cells."""

import enum
from collections.abc import Iterable

from tui_trace.core.blocks import linear_blocks, log_blocks, round_up
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.snapshot import LOST, Hop

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

    Each line has its own logarithmic scale, for lines that nobody compares with one another: the
    lowest block is `least` (ns), the highest the largest shown, at least twice `least`.
    """
    values = _latest(recent, width)
    low = max(least or 1, 1)
    return log_blocks(values, low, max((rtt or 0 for rtt in values), default=low)).rjust(width)


def blocks_to_scale(recent: tuple[int, ...], top: int, width: int) -> str:
    """Return the last `width` decided outcomes as a sparkline does, from 0 to `top` (ns) or more.

    So rows that share a scale can be compared: which hops are slower, and which vary by how much.
    """
    return linear_blocks(_latest(recent, width), top).rjust(width)


def _latest(recent: tuple[int, ...], width: int) -> list[int | None]:
    shown = [rtt for rtt in recent[-2 * width :] if rtt >= LOST][-width:]
    return [None if rtt == LOST else rtt for rtt in shown]


_SCALED = 64
"""Latest outcomes of each hop that a scale is made for."""
_LEAST_TOP = 1000
"""Nanoseconds: one microsecond."""
_SLACK = 1.25
"""How much larger the RTTs could be before a scale that fits them is taken for a larger one."""


def scale_for(hops: Iterable[Hop], before: int = 0) -> int:
    """Return the top (ns) of a scale for the recent RTTs of all these hops: a round number.

    The scale `before` is kept as long as it is not much too large, so that it does not change with
    every probe. 0: there is no RTT yet.
    """
    high = max((_usual_most(hop.recent) for hop in hops), default=0)
    if not high:
        return before
    top = round(round_up(max(high, _LEAST_TOP)))
    return top if top > before or round_up(max(high * _SLACK, _LEAST_TOP)) < before else before


def _usual_most(recent: tuple[int, ...]) -> int:
    """Return the RTT that nine of ten do not exceed: a single spike may be above the scale."""
    rtts = sorted(rtt for rtt in recent[-_SCALED:] if rtt >= 0)
    return rtts[-(-len(rtts) * 9 // 10) - 1] if rtts else 0


def scale_words(top: int) -> str:
    """Return the words for a scale: `0–50 ms`."""
    return f"0–{top / NS_PER_MS:g} ms" if top else ""
