"""The layout of the table: the columns that fit, their widths, and the rows as styled lines."""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine, plain
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.report.cell_text import SUB_10_MS, TextStyle, scale_for, scale_words
from tui_trace.report.hop_columns import ALWAYS, COLUMNS, EXTRA_RESPONDERS, CellContext, Column
from tui_trace.report.hop_notes import has_notes, short_notes, wrong_notes
from tui_trace.session.host_labels import NO_LABELS, HostLabels, responders
from tui_trace.session.last_minute import describe_window
from tui_trace.session.loss import LossPlace, loss_place
from tui_trace.session.snapshot import Hop

MARGIN = 1
"""Cells at the left edge, for the sign of the selected row."""
ROOMY = 110
"""Cells from which on the columns stand two cells apart."""
HOST_LEAST = 12
HOST_BARE = 6
"""Cells that are left of a host where else it could not be seen what is wrong."""
HOST_FAIR = 20
"""Cells for which smaller luxuries are given up, if a host is as long."""
HOST_MOST = 46
NOTES_FAIR = 12
"""Cells for which other columns are given up, if there are notes as long."""
NOTES_WRONG = 20
"""Cells for which that is done, if there is something wrong to tell."""
ASN_MOST = 13
"""Cells for two origins; where both are long, only the first has room."""
RECENT_STEP = 16
_WRONG_LOSS = (LossPlace.PATH, LossPlace.TARGET)


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
    scale: int
    """RTT (ns) of the highest block of `Recent`; 0: none is known yet."""

    def cell(self, width: int, labels: HostLabels) -> CellContext:
        """Return what a cell of this width has to keep to."""
        return CellContext(width, self.microseconds, labels, self.scale)


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
    first_asn: int = 0
    """Cells of the first AS number alone, and of the sign that there are others."""
    wrong_notes: int = 0
    """Cells of the notes that say what is wrong."""
    lossy: bool = False
    """Probes are lost on the path."""
    scale: int = 0
    """As in `TableLayout`; this may become smaller again."""
    back: bool = False
    """The TTL of an answer is known."""

    def grown_to(self, hops: Sequence[Hop], labels: HostLabels = NO_LABELS) -> "ColumnDemand":
        """Return the demand of these hops too: it never shrinks, so that columns do not jump."""
        host, notes, outcomes, slowest, asn, first_asn, wrong, lossy, scale, back = self
        for hop in hops:
            for one in hop.responders[: EXTRA_RESPONDERS + 1]:
                host = max(host, cell_width(labels.host(one.address)))
                if numbers := labels.asn(one.address):
                    asn = max(asn, len(numbers))
                    first, others, _ = numbers.partition("/")
                    first_asn = max(first_asn, len(first) + 2 * len(others))
            if has_notes(hop):
                notes = max(notes, cell_width(short_notes(hop)))
                wrong = max(wrong, cell_width(" ".join(wrong_notes(hop))))
            lossy = lossy or loss_place(hop) in _WRONG_LOSS
            back = back or hop.reply_ttl > 0
            outcomes = max(outcomes, len(hop.recent))
            slowest = max(slowest, hop.figures.max or 0)
        return ColumnDemand(
            host,
            notes,
            # in steps, so that the table is not laid out anew with every probe
            -(-outcomes // RECENT_STEP) * RECENT_STEP,
            SUB_10_MS if slowest >= SUB_10_MS else 0,
            asn,
            first_asn,
            wrong,
            lossy,
            scale_for(hops, scale),
            back,
        )

    @property
    def unknown(self) -> frozenset[str]:
        """Return the columns that have nothing to show yet: they would only take room."""
        told = (("asn", bool(self.asn)), ("back", self.back))
        return frozenset(name for name, is_told in told if not is_told)

    @property
    def wrong(self) -> frozenset[str]:
        """Return the columns that say what is wrong: they go last."""
        told = (("loss", self.lossy), ("notes", bool(self.wrong_notes)))
        return frozenset(name for name, is_told in told if is_told)


def lay_out(chosen: Sequence[str], width: int, demand: ColumnDemand) -> TableLayout:
    """Arrange the chosen columns in `width` cells; the flexible columns share what is left."""
    gap = 2 if width >= ROOMY else 1
    unknown = demand.unknown
    names = [name for name in (*ALWAYS, *chosen) if name not in unknown]
    widths = {name: COLUMNS[name].width for name in names}
    if demand.host:
        widths["host"] = max(min(demand.host, widths["host"]), HOST_LEAST)
    if "asn" in widths:
        # half of a number would be another one
        widths["asn"] = max(widths["asn"], min(demand.first_asn, ASN_MOST))
    if "notes" in widths:
        fair = max(min(demand.notes, NOTES_FAIR), min(demand.wrong_notes, NOTES_WRONG))
        widths["notes"] = max(widths["notes"], fair)

    def spare() -> int:
        return width - MARGIN - sum(cells + gap for cells in widths.values()) + gap

    droppable = [COLUMNS[name] for name in names if COLUMNS[name].drop is not None]
    wrong = demand.wrong
    droppable.sort(key=lambda column: (column.id in wrong, column.id == "loss", column.drop or 0))
    for column in droppable:
        if column.id in wrong and widths["host"] + spare() >= HOST_BARE:
            break
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
    return TableLayout(placed, " " * gap, demand.slowest < SUB_10_MS, demand.scale)


def header(layout: TableLayout, window: int | None = None) -> str:
    """Return the titles, as wide as the rows; `window` (ns): the figures are of so much time."""
    titles = (
        pad_or_truncate(_title(column, width, layout, window), width, column.right)
        for column, width in layout.placed
    )
    return " " * MARGIN + layout.gap.join(titles)


def _title(column: Column, width: int, layout: TableLayout, window: int | None) -> str:
    """Return the title, with what has to be said of all rows where that has room."""
    told = ""
    if column.id == "recent":
        told = scale_words(layout.scale)
    elif column.id == "host" and window is not None:
        told = describe_window(window)
    long = f"{column.title} {told}"
    return next((text for text in (long, told) if told and len(text) <= width), column.title)


def row(hop: Hop, layout: TableLayout, labels: HostLabels = NO_LABELS) -> list[StyledLine]:
    """Return the lines of one hop: its values, and below them its other addresses."""
    line: StyledLine = []
    text, style = " " * MARGIN, TextStyle.PLAIN
    gap = ""
    for column, width in layout.placed:
        cell = column.cell(hop, layout.cell(width, labels))
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
            column.address_cell(address, layout.cell(width, labels)) if column.address_cell else "",
            width,
        )
        for column, width in layout.placed
    ]
    return (" " * MARGIN + layout.gap.join(cells)).rstrip()


def row_text(hop: Hop, layout: TableLayout, labels: HostLabels = NO_LABELS) -> str:
    """Return a hop as plain text."""
    return "\n".join(plain(line) for line in row(hop, layout, labels))
