"""Lines of styled text, and functions to make them."""

from typing import TypeAlias

from tui_trace.core.cell_width import cell_width
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.cell_text import TextStyle

StyledText: TypeAlias = tuple[str, TextStyle]


StyledLine: TypeAlias = list[StyledText]


def plain(line: StyledLine) -> str:
    """Return the text of a line."""
    return "".join(text for text, _ in line).rstrip()


def interval_words(interval: int) -> str:
    """Return `every 1 s`; `interval` is in ns."""
    return f"every {interval / NS_PER_S:g} s"


def wrapped(
    text: str, width: int, style: TextStyle, *, indent: int = 0, sign: str = ""
) -> list[StyledLine]:
    """Return lines of at most `width` cells, broken between words; the text is sanitized.

    Each is indented by so many cells; `sign` stands there in the first line.
    """
    margin = " " * indent
    lines: list[str] = [f"{sign:>{indent}}"]
    for word in sanitize(text, MESSAGE_LIMIT).split():
        if lines[-1] != margin and cell_width(lines[-1]) + cell_width(word) + 2 > width:
            lines.append(margin)
        lines[-1] += f" {word}"
    return [[(line, style)] for line in lines]
