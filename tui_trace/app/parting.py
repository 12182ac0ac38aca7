"""What stays in the terminal after the view is gone."""

from tui_trace.app.columns import DISPLAYS
from tui_trace.app.heading import heading
from tui_trace.app.people import Calling, People
from tui_trace.app.rows import Wants, header, lay_out, plain, row
from tui_trace.report.words import noted
from tui_trace.session.model import Snapshot

_BOLD = "\x1b[1m"
_NORMAL = "\x1b[0m"


def parting_lines(
    snapshot: Snapshot,
    width: int,
    color: bool = False,
    columns: tuple[str, ...] = DISPLAYS["latency"],
    calling: Calling = Calling.NAME,
) -> str:
    """The last heading and table as text, `width` cells wide, each line with its newline.

    `color`: the titles in bold; without it there is no escape sequence.
    """
    people = People(snapshot.who, calling)
    layout = lay_out(columns, width, Wants().and_of(snapshot.run.hops, people))
    lines = [plain(line) for line in heading(snapshot, width, parting=True)]
    title = header(layout).rstrip()
    lines.append(f"{_BOLD}{title}{_NORMAL}" if color else title)
    for hop in snapshot.run.hops:
        lines += [plain(line) for line in row(hop, layout, people)]
    lines += noted(snapshot)
    return "".join(f"{line}\n" for line in lines)
