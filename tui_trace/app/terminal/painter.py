"""What has to be written so that a terminal that shows one picture shows another one.

The painter knows what the terminal shows, where its cursor is, and its pen. It can break off when
so many bytes are written, and go on with whatever picture is wanted then: a picture that could not
go out is never finished, only the newest one is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tui_trace.app.terminal.frame import Row, is_simple, unknown_row
from tui_trace.app.terminal.pens import UNKNOWN, change

_LONGEST = 64
"""Cells that are written without a look at how much is written already."""
_GAP = 4
"""Unchanged cells that are written again because a move over them would not be shorter."""
_MOST_IN_ORDER = 0.4
"""Share of changed cells from which on they are written line by line."""


class _Run(NamedTuple):
    """Cells beside one another, of one pen."""

    y: int
    start: int
    end: int
    row: Row

    @property
    def pen(self) -> str:
        return self.row.pens[self.start]


class Painter:
    """What the terminal shows, and what is to be written for another picture."""

    def __init__(self) -> None:
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
        shown = self._shown
        if len(shown) != len(wanted) or (wanted and len(shown[0].pens) != len(wanted[0].pens)):
            self._shown = shown = [unknown_row(len(row.pens)) for row in wanted]
        changed = [y for y, row in enumerate(wanted) if row is not shown[y] and row != shown[y]]
        runs = [run for y in changed for run in _runs(y, shown[y], wanted[y])]
        written: list[str] = []
        size = 0
        done: list[_Run] = []
        for run in self._ordered(runs, sum(len(row.pens) for row in wanted)):
            if size >= budget:
                for one in done:
                    shown[one.y] = shown[one.y].replaced(
                        one.start, one.row.part(one.start, one.end)
                    )
                return "".join(written), False
            piece = self._write(run)
            size += len(piece.encode("utf-8", "replace"))
            written.append(piece)
            done.append(run)
        self._shown = list(wanted)
        return "".join(written), True

    def shows(self, wanted: Sequence[Row]) -> bool:
        """Whether the terminal shows this already."""
        return self._shown == wanted

    def move_cursor(self, line: int, column: int) -> str:
        """Return what moves the cursor there."""
        moved = _move(self._cursor, (line, column))
        self._cursor = line, column
        return moved

    def _ordered(self, runs: list[_Run], cells: int) -> Iterable[_Run]:
        """Return the runs by pen, or line by line if there are many."""
        if sum(run.end - run.start for run in runs) > cells * _MOST_IN_ORDER:
            return runs
        return self._by_pen(runs)

    def _by_pen(self, runs: list[_Run]) -> Iterator[_Run]:
        left: dict[str, list[_Run]] = {}
        for run in runs:
            left.setdefault(run.pen, []).append(run)
        while left:
            nearest = min(left, key=lambda pen: len(change(self._pen, pen)))
            yield from left.pop(nearest)

    def _write(self, run: _Run) -> str:
        moved = self.move_cursor(run.y, run.start)
        drawn = change(self._pen, run.pen)
        self._pen = run.pen
        if run.row.is_simple:
            text = "".join(run.row.text[run.start : run.end])
            # at the right edge terminals differ
            at_edge = run.end == len(run.row.pens)
            self._cursor = None if at_edge else (run.y, run.end)
            return moved + drawn + text
        return moved + drawn + "".join(self._cells(run))

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
    if new.is_simple and old.is_simple:
        differs = [
            x
            for x, (was, cell, was_pen, pen) in enumerate(
                zip(old.text, new.text, old.pens, new.pens, strict=True)
            )
            if was != cell or was_pen != pen
        ]
    else:
        # a character whose width is not certain may have moved all that is behind it
        differs = list(range(len(new.pens)))
    start = end = -1
    for x in differs:
        if start >= 0:
            gap = new.pens[start] * (x + 1 - end)
            is_near = x - end <= _GAP and x + 1 - start <= _LONGEST and new.pens[end : x + 1] == gap
            if (
                (is_near and (x == end or "".join(new.text[end:x]).isascii()))
                if new.is_simple
                else (x == end and (not new.text[x] or new.pens[x] == new.pens[start]))
            ):
                end = x + 1
                continue
            yield _Run(y, start, end, new)
        start, end = x, x + 1
    if start >= 0:
        yield _Run(y, start, end, new)


def _move(before: tuple[int, int] | None, after: tuple[int, int]) -> str:
    """Return the shortest sequence that moves the cursor, to line and column from 0."""
    if before == after:
        return ""
    line, column = after
    found = [f"\x1b[{line + 1};{column + 1}H" if column else f"\x1b[{line + 1}H"]
    if before is not None and before[0] == line:
        step = column - before[1]
        found.append(f"\x1b[{_count(abs(step))}{'C' if step > 0 else 'D'}")
        found += ["\b" * -step] if -4 < step < 0 else []
        found += ["\r"] if not column else []
    elif before is not None and before[1] == column:
        step = line - before[0]
        found.append(f"\x1b[{_count(abs(step))}{'B' if step > 0 else 'A'}")
    return min(found, key=len)


def _count(number: int) -> str:
    return str(number) if number > 1 else ""
