"""The layout of the table: the columns that fit, their widths, and the rows as styled lines."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine, plain
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.report.cell_text import SUB_10_MS, TextStyle
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, EXTRA_RESPONDERS, CellContext, Column
from tui_trace.report.hop_notes import has_notes, short_notes
from tui_trace.session.host_labels import NO_LABELS, HostLabels, responders
from tui_trace.session.snapshot import Hop

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


class PlacedColumn(NamedTuple):
    """A column and its width in cells."""

    column: Column
    width: int


class TableLayout(NamedTuple):
    """The columns that fit, and how they are drawn."""

    placed: tuple[PlacedColumn, ...]
    gap: str
    microseconds: bool
    """Times with microseconds."""


class ColumnDemand(NamedTuple):
    """Cells that the widest host, notes, AS numbers and all recent outcomes would need.

    `slowest` (ns) tells only whether any RTT was as long as `SUB_10_MS`, or every spike would
    lay the table out anew.
    """

    host: int = 0
    notes: int = 0
    recent: int = 0
    slowest: int = 0
    asn: int = 0

    def grown_to(self, hops: Iterable[Hop], labels: HostLabels = NO_LABELS) -> "ColumnDemand":
        """Return the demand of these hops too: it never shrinks, so that columns do not jump."""
        host_cells, note_cells, outcomes, slowest, asn = self
        for hop in hops:
            for one in hop.responders[: EXTRA_RESPONDERS + 1]:
                host_cells = max(host_cells, cell_width(labels.host(one.address)))
                asn = max(asn, len(labels.asn(one.address)))
            if has_notes(hop):
                note_cells = max(note_cells, len(short_notes(hop)))
            outcomes = max(outcomes, len(hop.recent))
            slowest = max(slowest, hop.figures.max or 0)
        # in steps, so that the table is not laid out anew with every probe
        outcomes = -(-outcomes // RECENT_STEP) * RECENT_STEP
        return ColumnDemand(
            host_cells, note_cells, outcomes, SUB_10_MS if slowest >= SUB_10_MS else 0, asn
        )


def lay_out(chosen: Sequence[str], width: int, demand: ColumnDemand) -> TableLayout:
    """Arrange the chosen columns in `width` cells; the flexible columns share what is left."""
    gap = 2 if width >= ROOMY else 1
    # while no AS number is known a column for them would only take room
    names = [name for name in (*ALWAYS, *chosen) if name != "asn" or demand.asn]
    widths = {name: COLUMNS[name].width for name in names}
    if demand.host:
        widths["host"] = max(min(demand.host, widths["host"]), HOST_LEAST)
    if "notes" in widths:
        widths["notes"] = max(widths["notes"], min(demand.notes, NOTES_FAIR))

    def spare() -> int:
        return width - MARGIN - sum(cells + gap for cells in widths.values()) + gap

    droppable = [COLUMNS[name] for name in names if COLUMNS[name].drop is not None]
    droppable.sort(key=lambda column: column.drop or 0)
    for column in droppable:
        if spare() >= 0:
            break
        del widths[column.id]
    host = min(max(demand.host, HOST_LEAST), HOST_MOST) if demand.host else COLUMNS["host"].width
    for column in droppable:
        enough = host if column.id == "recent" else min(host, HOST_FAIR)
        if column.yields_to_hosts and column.id in widths and spare() + widths["host"] < enough:
            del widths[column.id]
    left = spare() + widths["host"]
    if "asn" in widths:
        more = min(demand.asn, ASN_MOST) - widths["asn"]
        more = max(min(more, left - min(host, HOST_FAIR)), 0)
        widths["asn"] += more
        left -= more
    widths["host"] = min(host, left)
    left -= widths["host"]
    flexible = (
        ("notes", demand.notes),
        ("recent", max(demand.recent, 2 * RECENT_STEP)),
    )
    for name, wanted in flexible:
        if name in widths:
            more = min(max(wanted - widths[name], 0), left)
            widths[name] += more
            left -= more
    placed = tuple(PlacedColumn(COLUMNS[name], max(cells, 1)) for name, cells in widths.items())
    return TableLayout(placed, " " * gap, demand.slowest < SUB_10_MS)


def header(layout: TableLayout) -> str:
    """Return the titles, as wide as the rows."""
    titles = (pad_or_truncate(column.title, width, column.right) for column, width in layout.placed)
    return " " * MARGIN + layout.gap.join(titles)


def row(hop: Hop, layout: TableLayout, labels: HostLabels = NO_LABELS) -> list[StyledLine]:
    """Return the lines of one hop: its values, and below them its other addresses."""
    line: StyledLine = []
    text, style = " " * MARGIN, TextStyle.PLAIN
    gap = ""
    for column, width in layout.placed:
        cell = column.cell(hop, CellContext(width, layout.microseconds, labels))
        # a blank cell may take any style: fewer changes of style are cheaper to draw
        own = column.style(hop) if cell else style
        if own is not style:
            line.append((text + gap, style))
            text, style = "", own
            text += pad_or_truncate(cell, width, column.right)
        else:
            text += gap + pad_or_truncate(cell, width, column.right)
        gap = layout.gap
    line.append((text, style))
    return [line, *_others(hop, layout, labels)]


def _others(hop: Hop, layout: TableLayout, labels: HostLabels) -> list[StyledLine]:
    others = responders(hop)[1:]
    lines: list[StyledLine] = [
        [(_cells(layout, one.address, labels), TextStyle.PLAIN)]
        for one in others[:EXTRA_RESPONDERS]
    ]
    if len(others) > EXTRA_RESPONDERS:
        more = f"… and {len(others) - EXTRA_RESPONDERS} more"
        indent = " " * (MARGIN + layout.placed[0].width + len(layout.gap))
        lines.append([(indent + pad_or_truncate(more, layout.placed[1].width), TextStyle.PLAIN)])
    return lines


def _cells(layout: TableLayout, address: str, labels: HostLabels) -> str:
    cells = [
        pad_or_truncate(
            column.address_cell(address, CellContext(width, layout.microseconds, labels))
            if column.address_cell
            else "",
            width,
        )
        for column, width in layout.placed
    ]
    return (" " * MARGIN + layout.gap.join(cells)).rstrip()


def row_text(hop: Hop, layout: TableLayout, labels: HostLabels = NO_LABELS) -> str:
    """Return a hop as plain text."""
    return "\n".join(plain(line) for line in row(hop, layout, labels))
