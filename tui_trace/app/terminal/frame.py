"""The picture that the terminal should show, cell by cell, put together from Textual's updates."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from tui_trace.app.terminal.pens import PLAIN, UNKNOWN, ground, pen

# Every terminal gives these one cell. Letters of most of Europe, and what the view draws with.
_SIMPLE = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25fc"
    "\u2713\u2717\u2800-\u28ff]*"
)
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f]")
_BLANKS = re.compile("( +)")
_JOINER = "\u200d"


class Row(NamedTuple):
    """The cells of a line: what is in each, and its pen."""

    text: Sequence[str]
    """A string if all its characters take one cell, on every terminal. Else a tuple; a cell that is
    covered by what is left of it is an empty string there."""
    pens: str

    @property
    def is_simple(self) -> bool:
        """Every character takes one cell, on every terminal."""
        return isinstance(self.text, str)

    def replaced(self, start: int, other: "Row", *, half: str = " ") -> "Row":
        """Return the row with other cells from `start` on.

        What is left of a wide character that they cover in part becomes `half`, of which nothing
        else than the background is kept.
        """
        end = start + len(other.pens)
        pens = self.pens[:start] + other.pens + self.pens[end:]
        if isinstance(self.text, str) and isinstance(other.text, str):
            return Row(self.text[:start] + other.text + self.text[end:], pens)
        text = [*self.text[:start], *other.text, *self.text[end:]]
        first = start
        while first > 0 and start < len(self.text) and not self.text[first]:
            first -= 1
        last = end
        while last < len(self.text) and not self.text[last]:
            last += 1
        for x in (*range(first, start), *range(end, last)):
            text[x] = half
            pens = pens[:x] + ground(pens[x]) + pens[x + 1 :]
        return Row(tuple(text), pens)

    def part(self, start: int, end: int) -> "Row":
        """Return these cells."""
        return Row(self.text[start:end], self.pens[start:end])


def blank_row(width: int, pen: str) -> Row:
    """Return a row of blanks."""
    return Row(" " * width, pen * width)


UNKNOWN_CELL = "\0"
"""What is in a cell of which nothing is known; no cell that is wanted has it."""


def unknown_row(width: int) -> Row:
    """Return a row of which nothing is known: it differs in each cell from every other one."""
    return Row(UNKNOWN_CELL * width, UNKNOWN * width)


class Frame:
    """The picture that is wanted."""

    def __init__(self) -> None:
        self.width = 0
        self.rows: list[Row] = []
        """A row that did not change is the same object as before."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.width, len(self.rows)

    def update(self, update: CompositorUpdate, colours: ColorSystem) -> None:
        """Apply an update of a whole screen, or of parts of it.

        `TypeError` if it is of neither kind.
        """
        if isinstance(update, LayoutUpdate):
            self._replace(update, colours)
        elif isinstance(update, ChopsUpdate):
            self._apply(update, colours)
        else:
            raise TypeError(f"{type(update).__name__} is no update of a screen")

    def _replace(self, update: LayoutUpdate, colours: ColorSystem) -> None:
        # cells left of it are not redrawn, and Textual makes none: it updates the whole screen
        before, self.width = self.rows, update.region.width
        self.rows = [_fitted(_row(strips, colours), self.width) for strips in update.strips]
        for y, (old, new) in enumerate(zip(before, self.rows, strict=False)):
            if old == new:
                self.rows[y] = old

    def _apply(self, update: ChopsUpdate, colours: ColorSystem) -> None:
        for y, left, right in update.spans:
            if y >= len(self.rows):
                continue
            row = self.rows[y]
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > right or end <= left or x >= self.width:
                    continue
                whole = left <= x < right and end <= right
                cells = strip if whole else strip.crop(0, min(end, right) - x)
                row = row.replaced(x, _row([cells], colours).part(0, self.width - x))
            if row != self.rows[y]:
                self.rows[y] = _simplified(row)


def _simplified(row: Row) -> Row:
    """Return the row with its text as a string if it can be that again."""
    if row.is_simple or not all(map(is_simple, row.text)):
        return row
    return Row("".join(row.text), row.pens)


def _fitted(row: Row, width: int) -> Row:
    missing = width - len(row.pens)
    if missing <= 0:
        return row if not missing else row.part(0, width)
    return row.replaced(len(row.pens), Row(" " * missing, PLAIN * missing))


def _row(strips: Iterable[Strip], colours: ColorSystem) -> Row:
    texts: list[str] = []
    pens: list[str] = []
    for strip in strips:
        for text, style, control in strip:
            if control or not text:
                continue
            texts.append(text)
            pens.append(_pens(text, _pen_of(style, colours)))
    whole = "".join(texts)
    if _SIMPLE.fullmatch(whole):
        return Row(whole, "".join(pens))
    return _row_of_cells(whole, "".join(pens))


@lru_cache(4096)
def _pens(text: str, pen: str) -> str:
    """Return the pens of a text; blanks get the plainest that looks the same."""
    blank = ground(pen)
    if blank == pen:
        return pen * len(text)
    return "".join(
        (blank if piece.isspace() else pen) * len(piece) for piece in _BLANKS.split(text)
    )


def _pen_of(style: Style | None, colours: ColorSystem) -> str:
    if style is None:
        return PLAIN
    return pen(Strip.render_ansi(style, colours) if style._ansi is None else style._ansi)


def _row_of_cells(text: str, pens: str) -> Row:
    """Return a row with what terminals draw as one put together, as wide as rich holds it for."""
    text = _CONTROLS.sub("�", text)
    clusters: list[list[str]] = []
    for character, one in zip(text, pens, strict=True):
        joined = clusters and (
            not get_character_cell_size(character) or clusters[-1][0].endswith(_JOINER)
        )
        if joined:
            clusters[-1][0] += character
        else:
            clusters.append([character, one])
    cells: list[str] = []
    drawn: list[str] = []
    for cluster, one in clusters:
        width = cell_len(cluster)
        if width:
            cells += [cluster, *[""] * (width - 1)]
            drawn.append(one * width)
    return Row(tuple(cells), "".join(drawn))


def is_simple(cell: str) -> bool:
    """Whether every terminal gives what is in this cell one cell."""
    return len(cell) == 1 and _SIMPLE.fullmatch(cell) is not None
