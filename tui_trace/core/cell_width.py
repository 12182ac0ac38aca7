"""The width of text in a terminal, in cells; a wide character takes two cells."""

import re
import unicodedata
from functools import lru_cache

_ONE_CELL_EACH = re.compile("[ -~\u00a0-\u00ac\u00ae-\u02ff\u2026\u2500-\u25fc\u2801-\u28ff]*")
"""Latin letters, and the lines, blocks and dots that the views are drawn with."""


def cell_width(text: str) -> int:
    """Return the number of cells of a sanitized text, as Textual counts them."""
    return len(text) if _ONE_CELL_EACH.fullmatch(text) else _measured(text)


@lru_cache(maxsize=4096)
def _measured(text: str) -> int:
    # most reports have no such text, and the import takes 20 ms
    from wcwidth import wcswidth

    # Spacing marks (Mc) are drawn with the letter before them: Textual gives them no cell.
    return wcswidth("".join(each for each in text if unicodedata.category(each) != "Mc"))


def pad_or_truncate(text: str, width: int, right: bool = False) -> str:
    """Return the text in exactly `width` cells, 0 or more; a longer text ends in an ellipsis.

    `right` aligns it to the right.
    """
    filling = width - cell_width(text)
    if filling < 0:
        return _start(text, width - 1) + "…" if width else ""
    return " " * filling + text if right else text + " " * filling


def cut_middle(text: str, width: int) -> str:
    """Return the text in at most `width` cells, 0 or more; a longer one has an ellipsis inside.

    Start and end are what tells long addresses and names apart.
    """
    if cell_width(text) <= width:
        return text
    if width < 3:
        return pad_or_truncate(text, width)
    end = _end(text, (width - 1) // 2)
    return f"{_start(text, width - 1 - cell_width(end))}…{end}"


def _end(text: str, width: int) -> str:
    """Return the longest end that fits."""
    first = max(len(text) - 2 * width - 8, 0)
    while cell_width(text[first:]) > width:
        first += 1
    return text[first:]


def _start(text: str, width: int) -> str:
    """Return the longest beginning that fits, padded where half of a wide character would fit."""
    end = min(len(text), 2 * width + 8)
    while cell_width(text[:end]) > width:
        end -= 1
    return text[:end] + " " * (width - cell_width(text[:end]))
