"""The paths from several vantages to one target, as a table: common hops once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.core.word_lists import listed
from tui_trace.report.cell_text import short_ms
from tui_trace.report.formatting import SILENT
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.merged_paths import MergedHop, merge_paths, vantage_name
from tui_trace.session.snapshot import Hop, Snapshot
from tui_trace.session.vantages import vantage_groups

GROUP = ("#", "Loss%", "Avg")
"""The columns of each vantage."""
_WIDTHS = (3, 6, 7)
GROUP_WIDTH = sum(_WIDTHS)
"""Characters of one vantage."""
_GAP = "  "
_HOST = 32


class VantageCells(NamedTuple):
    """A hop, seen from one vantage."""

    ttl: str
    loss: str
    mean: str
    is_lossy: bool = False

    @property
    def text(self) -> str:
        """Return the cells in their widths."""
        cells = (self.ttl, self.loss, self.mean)
        return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


NOT_PASSED = VantageCells("", "", "")
"""A hop by which the path from a vantage does not go."""


class VantageTable(NamedTuple):
    """The paths from several vantages to one target."""

    heading: str
    """A harmless text."""
    names: tuple[str, ...]
    """What the vantages are called; harmless texts."""
    rows: tuple["VantageRow", ...]


class VantageRow(NamedTuple):
    """A hop of one path, or of several."""

    host: str
    """A harmless text."""
    cells: tuple[VantageCells, ...]
    """One for each vantage."""
    meeting: bool
    """Paths meet here."""


def vantage_table(group: Sequence[Snapshot], mode: LabelMode) -> VantageTable:
    """Return the table of one target; each hop stands before those behind it."""
    who = {address: info for one in group for address, info in one.who.items()}
    labels = HostLabels(who, mode)
    return VantageTable(
        sanitize(f"Paths to {group[0].target} from {len(group)} places"),
        tuple(sanitize(vantage_name(one)) for one in group),
        tuple(
            VantageRow(_host(row, labels), tuple(map(_cells, row.hops)), row.meeting)
            for row in merge_paths(group)
        ),
    )


def _host(row: MergedHop, labels: HostLabels) -> str:
    return ", ".join(labels.host(address) for address in row.addresses[:3]) or SILENT


def _cells(hop: Hop | None) -> VantageCells:
    if hop is None:
        return NOT_PASSED
    loss = hop.loss_percent
    shown = "" if loss is None else f"{loss:.1f}"
    return VantageCells(str(hop.ttl), shown, short_ms(hop.figures.mean), bool(loss))


def meeting_words(row: VantageRow, names: Sequence[str]) -> str:
    """Return whose paths meet at a row."""
    there = [name for name, cells in zip(names, row.cells, strict=True) if cells is not NOT_PASSED]
    return f"the paths from {listed(there)} meet"


def group_title() -> str:
    """Return the titles of a vantage's columns, in their widths."""
    return "".join(f"{title:>{width}}" for title, width in zip(GROUP, _WIDTHS, strict=True))


def _lines(table: VantageTable) -> Iterator[str]:
    width = max([_HOST, *(cell_width(row.host) for row in table.rows)])
    head = (f"{pad_or_truncate(name, GROUP_WIDTH).strip():>{GROUP_WIDTH}}" for name in table.names)
    yield f"{table.heading}:"
    yield _GAP.join([" " * width, *head]).rstrip()
    yield _GAP.join(["Host".ljust(width), *(group_title() for _ in table.names)])
    for row in table.rows:
        if row.meeting:
            yield f"-- {meeting_words(row, table.names)}"
        cells = (cell.text for cell in row.cells)
        yield _GAP.join([pad_or_truncate(row.host, width), *cells]).rstrip()
    yield ""


def joint_texts(snapshots: Sequence[Snapshot]) -> list[str]:
    """Return the sentences that sessions say together, each once."""
    return list(dict.fromkeys(one.text for each in snapshots for one in each.together))


def render_together(snapshots: Sequence[Snapshot], layout: ReportLayout) -> str:
    """Return what several sessions show together, as text; empty: nothing."""
    groups = vantage_groups(snapshots)
    lines = [line for one in groups for line in _lines(vantage_table(one, layout.label_mode))]
    lines += joint_texts(snapshots)
    return "".join(f"{line}\n" for line in lines)
