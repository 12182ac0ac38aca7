"""What has to be written so that a terminal that shows one picture shows another one.

The painter knows what the terminal shows, where its cursor is, and its pen. It can break off when
so many bytes are written, and go on with whatever picture is wanted then: a picture that could not
go out is never finished, only the newest one is.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tui_trace.app.terminal.frame import UNKNOWN_CELL, Row, blank_row, is_simple, unknown_row
from tui_trace.app.terminal.pens import PLAIN, UNKNOWN, can_erase, change, ground

_LONGEST = 64
"""Cells that are written without a look at how much is written already."""
_GAP = 4
"""Unchanged cells that are written again because a move over them would not be shorter."""
_ERASED = 5
"""Blanks from which on it is shorter to erase them."""


class _Run(NamedTuple):
    """Cells beside one another, of one pen."""

    y: int
    start: int
    end: int
    pen: str
    row: Row
    is_certain: bool
    """Every terminal holds what is there, and was there, for as wide as we do."""


class Painter:
    """What the terminal shows, and what is to be written for another picture."""

    def __init__(self, *, erases_in_colour: bool) -> None:
        """`erases_in_colour`: what the terminal erases gets the background of its pen (`bce`)."""
        self._erases_in_colour = erases_in_colour
        self._shown: list[Row] = []
        self._cursor: tuple[int, int] | None = None
        """Line and column, from 0; None: not known."""
        self._pen = UNKNOWN

    def forget(self) -> None:
        """Somebody else has written to the terminal, or its size has changed."""
        self._shown = []
        self._cursor = None
        self._pen = UNKNOWN

    def paint(self, wanted: Sequence[Row], budget: int) -> tuple[str, bool]:
        """Return what to write, hardly more than `budget` bytes, and whether that is all.

        It counts as written.
        """
        written: list[str] = []
        if len(self._shown) != len(wanted) or _width(self._shown) != _width(wanted):
            written.append(self._begin(wanted))
        shown = self._shown
        changed = [y for y, row in enumerate(wanted) if row is not shown[y] and row != shown[y]]
        runs = [run for y in changed for run in _runs(y, shown[y], wanted[y])]
        size = 0
        done: list[_Run] = []
        for run in self._by_pen(runs):
            if size >= budget:
                for one in done:
                    drawn = one.row.part(one.start, one.end)
                    shown[one.y] = shown[one.y].replaced(one.start, drawn, half=UNKNOWN_CELL)
                return "".join(written), False
            piece = self._write(run)
            size += len(piece.encode("utf-8", "replace"))
            written.append(piece)
            done.append(run)
        self._shown = list(wanted)
        return "".join(written), True

    def _begin(self, wanted: Sequence[Row]) -> str:
        """Erase the screen, so that most of it is right; return what does so."""
        width = _width(wanted)
        pens = Counter("".join(row.pens for row in wanted if row.is_simple))
        most = max(pens, key=pens.__getitem__, default=PLAIN)
        pen = ground(most)
        if not self._can_erase(pen):
            self._shown = [unknown_row(width) for _ in wanted]
            return ""
        self._shown = [blank_row(width, pen) for _ in wanted]
        drawn = change(self._pen, pen)
        self._pen = pen
        return f"{drawn}\x1b[2J"

    def _can_erase(self, pen: str) -> bool:
        return pen == PLAIN or (self._erases_in_colour and can_erase(pen))

    def shows(self, wanted: Sequence[Row]) -> bool:
        """Whether the terminal shows this already."""
        return self._shown == wanted

    def move_cursor(self, line: int, column: int) -> str:
        """Return what moves the cursor there, or as near as the picture reaches.

        A terminal stops it at its edges, from where a move by so many columns would go wrong.
        """
        line = max(0, min(line, len(self._shown) - 1))
        column = max(0, min(column, _width(self._shown) - 1))
        moved = _move(self._cursor, (line, column))
        self._cursor = line, column
        return moved

    def _by_pen(self, runs: list[_Run]) -> Iterator[_Run]:
        """Return the runs in an order with few and short changes of pen and cursor.

        Where widths are not certain, from left to right: what is too wide is written over.
        """
        left: dict[str, list[_Run]] = {}
        for run in runs:
            if run.is_certain:
                left.setdefault(run.pen, []).append(run)
            else:
                yield run
        while left:
            nearest = min(left, key=lambda pen: len(change(self._pen, pen)))
            yield from _by_column(left.pop(nearest))

    def _write(self, run: _Run) -> str:
        begun = self.move_cursor(run.y, run.start) + change(self._pen, run.pen)
        self._pen = run.pen
        if not run.row.is_simple:
            return begun + "".join(self._cells(run))
        text = "".join(run.row.text[run.start : run.end])
        at_edge = run.end == len(run.row.pens)
        if len(text) >= _ERASED and text.isspace() and self._can_erase(run.pen):
            return f"{begun}\x1b[K" if at_edge else f"{begun}\x1b[{len(text)}X"
        # at the right edge terminals differ
        self._cursor = None if at_edge else (run.y, run.end)
        return begun + text

    def _cells(self, run: _Run) -> Iterator[str]:
        """Write cells that terminals may hold for wider or narrower than we do.

        What is too wide is written over by the cell behind it, which is addressed by its column; if
        it is too narrow, there is nothing else behind it.
        """
        x = run.start
        while x < run.end:
            cell = run.row.text[x]
            width = 1
            while x + width < run.end and not run.row.text[x + width]:
                width += 1
            yield self.move_cursor(run.y, x)
            if is_simple(cell):
                yield cell
                at_edge = x + 1 == len(run.row.pens)
                self._cursor = None if at_edge else (run.y, x + 1)
            else:
                if width > 1:
                    yield " " * width
                    self._cursor = None
                    yield self.move_cursor(run.y, x)
                yield cell
                self._cursor = None
            x += width


def _runs(y: int, old: Row, new: Row) -> Iterator[_Run]:
    """Return what differs, each run of one pen."""
    differs = [
        x
        for x, (was, cell, was_pen, pen) in enumerate(
            zip(old.text, new.text, old.pens, new.pens, strict=True)
        )
        if was != cell or was_pen != pen
    ]
    if new.is_simple and old.is_simple:
        for start, end, pen in _certain_spans(differs, new):
            yield _Run(y, start, end, pen, new, True)
    elif differs:
        first = differs[0]
        while not new.text[first]:
            first -= 1
        # a character whose width is not certain may have moved all that is behind it
        start = first
        for x in range(first + 1, len(new.pens) + 1):
            if x == len(new.pens) or new.pens[x] != new.pens[start]:
                yield _Run(y, start, x, new.pens[start], new, False)
                start = x


def _certain_spans(differs: Iterable[int], row: Row) -> Iterator[tuple[int, int, str]]:
    """Return beginning, end and pen of what is written in one go, as all of these cells are.

    This is most of what painting costs, so it is one loop. Blanks take the pen of what is beside
    them if they look the same.
    """
    text, pens = row.text, row.pens
    start = end = -1
    pen = blank = ""
    are_blanks = False
    for x in differs:
        if start >= 0 and x - end <= _GAP and x - start < _LONGEST:
            for between in range(end, x + 1):
                one = pens[between]
                if one == pen or (one == blank and text[between] == " "):
                    is_dear = between < x and text[between] > "~"
                elif are_blanks and pen == ground(one):
                    pen, blank, are_blanks = one, pen, False  # there were blanks only
                    is_dear = False
                else:
                    is_dear = True
                if is_dear:  # it would be shorter to begin anew
                    break
            else:
                end = x + 1
                are_blanks = are_blanks and text[x] == " "
                continue
        if start >= 0:
            yield start, end, pen
        start, end, pen = x, x + 1, pens[x]
        blank, are_blanks = ground(pen), text[x] == " "
    if start >= 0:
        yield start, end, pen


def _by_column(runs: list[_Run]) -> list[_Run]:
    """Return the runs in the order of the columns of a table, each from its top to its bottom."""
    starts: list[int] = []
    right = -1
    for start, end in sorted((run.start, run.end) for run in runs):
        if start > right:
            starts.append(start)
        right = max(right, end)
    return sorted(runs, key=lambda run: (bisect_right(starts, run.start), run.y, run.start))


def _width(rows: Sequence[Row]) -> int:
    return len(rows[0].pens) if rows else 0


@lru_cache(4096)
def _move(before: tuple[int, int] | None, after: tuple[int, int]) -> str:
    """Return the shortest sequence that moves the cursor, to line and column from 0."""
    if before == after:
        return ""
    line, column = after
    there = f"\x1b[{line + 1};{column + 1}H" if column else f"\x1b[{line + 1}H"
    if before is None:
        return there
    down, right = line - before[0], column - before[1]
    # index and reverse index (VT100), which keep the column
    vertical = _shorter(down, "\x1bD", "B") if down > 0 else _shorter(-down, "\x1bM", "A")
    if right > 0:
        across = _step(right, "C")
    else:
        across = _shorter(-right, "\b", "D")
        across = "\r" if not column and len(across) > 1 else across
    return min(there, vertical + across, key=len)


def _shorter(count: int, one: str, final: str) -> str:
    return min(one * count, _step(count, final), key=len) if count else ""


def _step(count: int, final: str) -> str:
    return f"\x1b[{count if count > 1 else ''}{final}"
