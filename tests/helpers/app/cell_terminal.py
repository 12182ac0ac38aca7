"""A terminal whose cells can be compared, colours and all."""

from typing import Any, NamedTuple

import pyte
from pyte.screens import Char


class Look(NamedTuple):
    """What can be seen of a cell."""

    text: str
    foreground: str
    background: str
    attributes: tuple[bool, ...]


class CellTerminal(pyte.Screen):
    """Pyte's screen, whose lines do not wrap, as it is while a view is shown.

    Pyte erases only what was written before; real terminals erase every cell, most of them with the
    background of the pen. GNU screen does so without.
    """

    def __init__(self, columns: int, rows: int, *, erases_in_colour: bool = True) -> None:
        self._erases_in_colour = erases_in_colour
        super().__init__(columns, rows)
        self._stream = pyte.Stream(self)
        self._stream.feed("\x1b[?7l")

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def _erase(self, line: int, columns: range) -> None:
        erased = self.cursor.attrs if self._erases_in_colour else self.default_char
        for x in columns:
            self.buffer[line][x] = erased

    def erase_in_display(self, how: int = 0, *_: Any, **__: Any) -> None:
        assert how == 2
        for y in range(self.lines):
            self._erase(y, range(self.columns))

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        assert (how, private) == (0, False)
        self._erase(self.cursor.y, range(self.cursor.x, self.columns))

    def erase_characters(self, count: int | None = None) -> None:
        end = min(self.cursor.x + (count or 1), self.columns)
        self._erase(self.cursor.y, range(self.cursor.x, end))

    def looks(self) -> list[list[Look]]:
        """What can be seen of each cell; of a blank its background, and lines through it."""
        return [[_look(self.buffer[y][x]) for x in range(self.columns)] for y in range(self.lines)]


def _look(cell: Char) -> Look:
    lines = cell.underscore, cell.strikethrough, cell.reverse
    if cell.data == " " and not any(lines):
        return Look(" ", "", cell.bg, lines)
    return Look(cell.data, cell.fg, cell.bg, (*lines, cell.bold, cell.italics))
