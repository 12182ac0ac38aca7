"""The table as lines of toned text: which columns fit, how wide they are, what stands in them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from tui_trace.app.columns import (
    ALWAYS,
    COLUMNS,
    EXTRA_RESPONDERS,
    FINE,
    Column,
    Room,
    Tone,
    notes,
    responders,
)
from tui_trace.session.model import Hop
from tui_trace.text import clean

Piece: TypeAlias = tuple[str, Tone]
Line: TypeAlias = list[Piece]

MARGIN = 1
"""Cells at the left edge, for the sign of the selected row."""
ROOMY = 110
"""Cells from which on the columns stand two cells apart."""
HOST_LEAST = 12
HOST_MOST = 46
RECENT_STEP = 16
_GIVEN_UP_FIRST = (
    *("recent", "min", "sd", "jitter", "p90", "max", "notes"),
    *("sent", "p99", "mean", "p50", "avg", "last", "loss"),
)
"""Columns that go where the terminal is too narrow, in this order."""


class Placed(NamedTuple):
    """A column and the cells it got."""

    column: Column
    width: int


class Layout(NamedTuple):
    """The columns that fit."""

    placed: tuple[Placed, ...]
    gap: str
    fine: bool
    """Times with microseconds."""


class Wants(NamedTuple):
    """Cells that the longest host, the longest notes and all recent outcomes would take.

    `slowest` (ns) tells only whether any RTT was as long as `FINE`, or every spike would lay the
    table out anew.
    """

    host: int = 0
    notes: int = 0
    recent: int = 0
    slowest: int = 0

    def and_of(self, hops: Iterable[Hop]) -> "Wants":
        """Never less than before: a column that shrinks and grows is hard to read."""
        host_cells, note_cells, outcomes, slowest = self
        for hop in hops:
            if hop.responders:
                host_cells = max(host_cells, *(len(one.address) for one in hop.responders))
            if hop.marks or hop.late or hop.duplicates:
                note_cells = max(note_cells, len(notes(hop)))
            outcomes = max(outcomes, len(hop.recent))
            slowest = max(slowest, hop.figures.max or 0)
        # in steps, so that the table is not laid out anew with every probe
        outcomes = -(-outcomes // RECENT_STEP) * RECENT_STEP
        return Wants(host_cells, note_cells, outcomes, FINE if slowest >= FINE else 0)


def fit(text: str, width: int, right: bool = False) -> str:
    """Text in exactly `width` cells; what is too long ends in an ellipsis."""
    if not text.isascii():
        cells = cell_len(text)
        if cells > width:
            return set_cell_size(text, width - 1) + "…" if width else ""
        return " " * (width - cells) + text if right else text + " " * (width - cells)
    if len(text) > width:
        return text[: width - 1] + "…" if width else ""
    return text.rjust(width) if right else text.ljust(width)


def lay_out(chosen: Sequence[str], width: int, wants: Wants) -> Layout:
    """The chosen columns in `width` cells: the flexible ones share what the figures leave."""
    gap = 2 if width >= ROOMY else 1
    columns = [COLUMNS[name] for name in (*ALWAYS, *chosen)]

    def spare() -> int:
        return width - MARGIN - sum(column.width + gap for column in columns) + gap

    for name in _GIVEN_UP_FIRST:
        if spare() >= 0:
            break
        columns = [column for column in columns if column.id != name]
    host = min(max(wants.host, HOST_LEAST), HOST_MOST) if wants.host else COLUMNS["host"].width
    widths = {column.id: column.width for column in columns}
    left = spare() + widths["host"]
    if host > left and "recent" in widths:
        columns = [column for column in columns if column.id != "recent"]
        left += widths.pop("recent") + gap
    widths["host"] = min(host, left)
    left -= widths["host"]
    for name, wanted in (("notes", wants.notes), ("recent", max(wants.recent, 2 * RECENT_STEP))):
        if name in widths:
            more = min(max(wanted - widths[name], 0), left)
            widths[name] += more
            left -= more
    placed = tuple(Placed(column, max(widths[column.id], 1)) for column in columns)
    return Layout(placed, " " * gap, wants.slowest < FINE)


def header(layout: Layout) -> str:
    """The titles, as wide as the rows."""
    titles = (fit(column.title, width, column.right) for column, width in layout.placed)
    return " " * MARGIN + layout.gap.join(titles)


def row(hop: Hop, layout: Layout) -> list[Line]:
    """The lines of one hop: its figures, and below them the other addresses that answered."""
    line: Line = []
    text, tone = " " * MARGIN, Tone.PLAIN
    gap = ""
    for column, width in layout.placed:
        cell = column.cell(hop, Room(width, layout.fine))
        # a blank cell may take any tone: fewer changes of style are cheaper to draw
        own = column.tone(hop) if cell else tone
        if own is not tone:
            line.append((text + gap, tone))
            text, tone = "", own
            text += fit(cell, width, column.right)
        else:
            text += gap + fit(cell, width, column.right)
        gap = layout.gap
    line.append((text, tone))
    return [line, *_others(hop, layout)]


def _others(hop: Hop, layout: Layout) -> list[Line]:
    others = responders(hop)[1:]
    if not others:
        return []
    indent = " " * (MARGIN + layout.placed[0].width + len(layout.gap))
    names = [clean(one.address) for one in others[:EXTRA_RESPONDERS]]
    if len(others) > EXTRA_RESPONDERS:
        names.append(f"… and {len(others) - EXTRA_RESPONDERS} more")
    return [[(indent + fit(name, layout.placed[1].width), Tone.PLAIN)] for name in names]


def plain(line: Line) -> str:
    """The line without its tones."""
    return "".join(text for text, _ in line).rstrip()


def row_text(hop: Hop, layout: Layout) -> str:
    """A hop as plain lines."""
    return "\n".join(plain(line) for line in row(hop, layout))
