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
from tui_trace.app.people import NO_PEOPLE, People
from tui_trace.session.model import Hop

Piece: TypeAlias = tuple[str, Tone]
Line: TypeAlias = list[Piece]

MARGIN = 1
"""Cells at the left edge, for the sign of the selected row."""
ROOMY = 110
"""Cells from which on the columns stand two cells apart."""
HOST_LEAST = 12
HOST_FAIR = 20
"""Cells for which smaller luxuries are given up, if a host is as long."""
HOST_MOST = 46
NOTES_FAIR = 12
"""Cells for which other columns are given up, if there are notes as long."""
ASN_MOST = 13
"""Cells for two origins, the second cut if both are long."""
RECENT_STEP = 16
_GIVEN_UP_FIRST = (
    *("recent", "min", "sd", "jitter", "p90", "asn", "max", "sent"),
    *("p99", "mean", "p50", "avg", "notes", "last", "loss"),
)
"""Columns that go where the terminal is too narrow, in this order."""
_LUXURIES = ("recent", "min", "sd", "jitter", "p90")


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
    """Cells that the longest host, notes, AS numbers and all recent outcomes would take.

    `slowest` (ns) tells only whether any RTT was as long as `FINE`, or every spike would lay the
    table out anew.
    """

    host: int = 0
    notes: int = 0
    recent: int = 0
    slowest: int = 0
    asn: int = 0

    def and_of(self, hops: Iterable[Hop], people: People = NO_PEOPLE) -> "Wants":
        """Never less than before: a column that shrinks and grows is hard to read."""
        host_cells, note_cells, outcomes, slowest, asn = self
        for hop in hops:
            for one in hop.responders[: EXTRA_RESPONDERS + 1]:
                host_cells = max(host_cells, cell_len(people.host(one.address)))
                asn = max(asn, len(people.asn(one.address)))
            if hop.marks or hop.late or hop.duplicates:
                note_cells = max(note_cells, len(notes(hop)))
            outcomes = max(outcomes, len(hop.recent))
            slowest = max(slowest, hop.figures.max or 0)
        # in steps, so that the table is not laid out anew with every probe
        outcomes = -(-outcomes // RECENT_STEP) * RECENT_STEP
        return Wants(host_cells, note_cells, outcomes, FINE if slowest >= FINE else 0, asn)


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
    # while no AS number is known a column for them would only take room
    names = [name for name in (*ALWAYS, *chosen) if name != "asn" or wants.asn]
    widths = {name: COLUMNS[name].width for name in names}
    if wants.host:
        widths["host"] = max(min(wants.host, widths["host"]), HOST_LEAST)
    if "notes" in widths:
        widths["notes"] = max(widths["notes"], min(wants.notes, NOTES_FAIR))

    def spare() -> int:
        return width - MARGIN - sum(cells + gap for cells in widths.values()) + gap

    for name in _GIVEN_UP_FIRST:
        if spare() >= 0:
            break
        widths.pop(name, None)
    host = min(max(wants.host, HOST_LEAST), HOST_MOST) if wants.host else COLUMNS["host"].width
    for name in _LUXURIES:
        enough = host if name == "recent" else min(host, HOST_FAIR)
        if name in widths and spare() + widths["host"] < enough:
            del widths[name]
    left = spare() + widths["host"]
    if "asn" in widths:
        more = min(wants.asn, ASN_MOST) - widths["asn"]
        more = max(min(more, left - min(host, HOST_FAIR)), 0)
        widths["asn"] += more
        left -= more
    widths["host"] = min(host, left)
    left -= widths["host"]
    flexible = (
        ("notes", wants.notes),
        ("recent", max(wants.recent, 2 * RECENT_STEP)),
    )
    for name, wanted in flexible:
        if name in widths:
            more = min(max(wanted - widths[name], 0), left)
            widths[name] += more
            left -= more
    placed = tuple(Placed(COLUMNS[name], max(cells, 1)) for name, cells in widths.items())
    return Layout(placed, " " * gap, wants.slowest < FINE)


def header(layout: Layout) -> str:
    """The titles, as wide as the rows."""
    titles = (fit(column.title, width, column.right) for column, width in layout.placed)
    return " " * MARGIN + layout.gap.join(titles)


def row(hop: Hop, layout: Layout, people: People = NO_PEOPLE) -> list[Line]:
    """The lines of one hop: its figures, and below them the other addresses that answered."""
    line: Line = []
    text, tone = " " * MARGIN, Tone.PLAIN
    gap = ""
    for column, width in layout.placed:
        cell = column.cell(hop, Room(width, layout.fine, people))
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
    return [line, *_others(hop, layout, people)]


def _others(hop: Hop, layout: Layout, people: People) -> list[Line]:
    others = responders(hop)[1:]
    lines: list[Line] = [
        [(_cells(layout, one.address, people), Tone.PLAIN)] for one in others[:EXTRA_RESPONDERS]
    ]
    if len(others) > EXTRA_RESPONDERS:
        more = f"… and {len(others) - EXTRA_RESPONDERS} more"
        indent = " " * (MARGIN + layout.placed[0].width + len(layout.gap))
        lines.append([(indent + fit(more, layout.placed[1].width), Tone.PLAIN)])
    return lines


def _cells(layout: Layout, address: str, people: People) -> str:
    cells = [
        fit(column.of(address, Room(width, layout.fine, people)) if column.of else "", width)
        for column, width in layout.placed
    ]
    return (" " * MARGIN + layout.gap.join(cells)).rstrip()


def plain(line: Line) -> str:
    """The line without its tones."""
    return "".join(text for text, _ in line).rstrip()


def row_text(hop: Hop, layout: Layout, people: People = NO_PEOPLE) -> str:
    """A hop as plain lines."""
    return "\n".join(plain(line) for line in row(hop, layout, people))
