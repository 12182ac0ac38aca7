"""Text and styles of single cells: times, percentages, sparklines, widths."""

import enum
import math
from typing import TypeAlias

from tui_trace.core.cell_width import cell_width
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.session.snapshot import LOST

BLOCKS = "▁▂▃▄▅▆▇█"


_LEVELS = BLOCKS + BLOCKS[-1]


SUB_10_MS = 9_999_500
"""Nanoseconds. Where every RTT is below, a hundredth of a millisecond would say too little."""


class TextStyle(enum.Enum):
    """How loud a cell is; the theme makes colours of it, and no colour is needed to tell."""

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


def ms(time: float | None, fine: bool = False) -> str:
    """Nanoseconds as milliseconds in at most six cells: `0.02`, `123.45`, `1234.5`, `12345`.

    `fine`: what is below `SUB_10_MS` with three decimals, `0.018`.
    """
    if time is None:
        return ""
    if time < 999_995_000:
        return f"{time / NS_PER_MS:.{3 if fine and time < SUB_10_MS else 2}f}"
    return f"{time / NS_PER_MS:.{1 if time < 9_999_950_000 else 0}f}"


def short_ms(time: float | None) -> str:
    """Nanoseconds as milliseconds in at most four cells: `0.02`, `12.3`, `123`."""
    if time is None:
        return ""
    if time < 9_995_000:
        return f"{time / NS_PER_MS:.2f}"
    return f"{time / NS_PER_MS:.{1 if time < 99_950_000 else 0}f}"


def percent(lost: int, answered: int) -> str:
    """Lost of the probes that were decided. `0.0` means none was and `100.0` that all were."""
    if not lost + answered:
        return ""
    share = f"{100 * lost / (lost + answered):.1f}"
    if lost and share == "0.0":
        return "<0.1"
    return ">99.9" if answered and share == "100.0" else share


def sparkline(recent: tuple[int, ...], least: int | None, width: int) -> str:
    """The last `width` decided outcomes, newest at the right; a lost probe is a gap.

    The scale is the row's own and logarithmic, so that sub-millisecond hops read as well as slow
    ones: the lowest block is `least` (ns), the highest the largest shown, at least twice `least`.
    """
    shown = [rtt for rtt in recent[-2 * width :] if rtt >= LOST][-width:]
    bottom = max(least or 1, 1)
    top = max(2 * bottom, *shown) if shown else 2 * bottom
    step = len(BLOCKS) / math.log(top / bottom)
    log = math.log
    line = [
        " " if rtt == LOST else _LEVELS[int(log(rtt / bottom) * step) if rtt > bottom else 0]
        for rtt in shown
    ]
    return "".join(line).rjust(width)


StyledText: TypeAlias = tuple[str, TextStyle]


StyledLine: TypeAlias = list[StyledText]


def plain(line: StyledLine) -> str:
    """The line without its tones."""
    return "".join(text for text, _ in line).rstrip()


def interval_words(interval: int) -> str:
    """`every 1 s`; `interval` in ns."""
    return f"every {interval / NS_PER_S:g} s"


def clock(elapsed: int) -> str:
    """Nanoseconds as `0:42`, `1:02:03`, `2d 01:02:03`."""
    minutes, seconds = divmod(elapsed // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def wrapped(text: str, width: int, tone: TextStyle) -> list[StyledLine]:
    """Lines of at most `width` cells, broken between words; the text is sanitized."""
    lines: list[str] = [""]
    for word in sanitize(text).split():
        if lines[-1] and cell_width(lines[-1]) + cell_width(word) + 2 > width:
            lines.append("")
        lines[-1] += f" {word}"
    return [[(line, tone)] for line in lines]
