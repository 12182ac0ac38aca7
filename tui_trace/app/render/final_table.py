"""The table that stays in the terminal after the view is gone."""

from tui_trace.app.render.header import heading
from tui_trace.app.render.styled_text import plain
from tui_trace.app.render.table_layout import ColumnDemand, header, lay_out, row
from tui_trace.report.formatting import format_notes
from tui_trace.report.hop_columns import columns_of
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Snapshot

_BOLD = "\x1b[1m"
_NORMAL = "\x1b[0m"


def format_final_table(
    snapshot: Snapshot,
    width: int,
    color: bool = False,
    columns: tuple[str, ...] = columns_of("latency"),
    label_mode: LabelMode = LabelMode.NAME,
) -> str:
    """Return the last header and table, `width` cells wide, each line with its newline.

    `color`: the titles in bold; without it there is no escape sequence.
    """
    labels = HostLabels(snapshot.who, label_mode)
    layout = lay_out(columns, width, ColumnDemand().grown_to(snapshot.run.hops, labels))
    lines = [plain(line) for line in heading(snapshot, width, parting=True)]
    title = header(layout, snapshot.window).rstrip()
    lines.append(f"{_BOLD}{title}{_NORMAL}" if color else title)
    for hop in snapshot.run.hops:
        lines += [plain(line) for line in row(hop, layout, labels)]
    lines += format_notes(snapshot)
    return "".join(f"{line}\n" for line in lines)
