"""One target from several vantages: a column group each, the paths merged from the target back."""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.there_and_back_text import there_and_back_lines
from tui_trace.report.vantage_table import (
    GROUP_WIDTH,
    VantageRow,
    VantageTable,
    group_title,
    meeting_words,
    vantage_table,
)
from tui_trace.session.host_labels import LabelMode
from tui_trace.session.joint_findings import find_joint_now
from tui_trace.session.merged_paths import HERE
from tui_trace.session.snapshot import Snapshot
from tui_trace.session.there_and_back import align_ways, describe_there_and_back

_GAP = "  "
_HOST_LEAST, _HOST_MOST = 16, 40


class VantageState(NamedTuple):
    """One vantage, and what is known of the target from there."""

    place: int
    """Its place among all sessions."""
    vantage: str
    """The machine that probes leave from; empty: this one."""
    snapshot: Snapshot | None
    """None: nothing yet."""
    failure: str | None = None
    """Why nothing can be probed from there."""

    @property
    def name(self) -> str:
        """Return what it is called; a harmless text."""
        return sanitize(self.vantage or HERE)


def vantage_lines(
    states: Sequence[VantageState], width: int, selected: int | None, mode: LabelMode
) -> list[StyledLine]:
    """Return the whole screen; `selected` is the place of a vantage.

    Where not all of them have room, those around the selected one are shown.
    """
    known = [state for state in states if state.snapshot is not None and state.failure is None]
    snapshots = [state.snapshot for state in known if state.snapshot is not None]
    lines = _probe(snapshots, width)
    for one in find_joint_now(snapshots):
        lines += wrapped(one.text, width, TextStyle.BAD)
    lines += _unknown(states, width)
    if snapshots:
        chosen = next((n for n, state in enumerate(known) if state.place == selected), None)
        lines += _table(vantage_table(snapshots, mode), width, chosen)
    return lines


def _unknown(states: Sequence[VantageState], width: int) -> list[StyledLine]:
    """Return a line for each vantage from which nothing is known."""
    lines: list[StyledLine] = []
    for state in states:
        if state.failure is not None:
            text = f"{state.name}: {sanitize(state.failure)}"
            lines.append([(pad_or_truncate(f" {text}", width), TextStyle.BAD_MARK)])
        elif state.snapshot is None:
            lines.append([(f" {state.name}: connecting …", TextStyle.DIM)])
        elif state.snapshot.ended:
            lines.append([(f" {state.name}: ended", TextStyle.WARN)])
    return lines


def both_ways_lines(
    states: Sequence[VantageState], width: int, selected: int | None, mode: LabelMode
) -> list[StyledLine]:
    """Return the way to a place and the way back, side by side."""
    probed = [state for state in states if state.snapshot is not None and state.failure is None]
    known = [state.snapshot for state in probed if state.snapshot is not None]
    lines: list[StyledLine] = []
    for state, snapshot in zip(probed, known, strict=True):
        pointer = "▶" if state.place == selected else " "
        text = f"{pointer}from {state.name} to {_probe_of(snapshot)}"
        lines.append([(pad_or_truncate(text, width), TextStyle.STRONG)])
    lines += _unknown(states, width)
    if len(known) == 2:
        lines += wrapped(describe_there_and_back(align_ways(*known)), width, TextStyle.STRONG)
        table = there_and_back_lines(known[0], known[1], width - 1, mode)
        lines += [[(f" {line}", TextStyle.PLAIN)] for line in table]
    return lines


def _probe(snapshots: Sequence[Snapshot], width: int) -> list[StyledLine]:
    """Return a line for each probe in use: one, unless the vantages differ."""
    texts = dict.fromkeys(map(_probe_of, snapshots))
    return [[(pad_or_truncate(f" {text}", width), TextStyle.STRONG)] for text in texts]


def _probe_of(snapshot: Snapshot) -> str:
    settings = describe_settings(snapshot.run.settings, snapshot.family)
    return sanitize(f"{snapshot.target} · {settings}")


def _table(table: VantageTable, width: int, chosen: int | None) -> list[StyledLine]:
    room = max(1, (width - 1 - _HOST_LEAST) // (GROUP_WIDTH + len(_GAP)))
    shown = _window(len(table.names), room, chosen or 0)
    taken = len(shown) * (GROUP_WIDTH + len(_GAP))
    longest = max((cell_width(row.host) for row in table.rows), default=0)
    host = max(_HOST_LEAST, min(_HOST_MOST, longest, width - 1 - taken))
    hidden = len(table.names) - len(shown)
    first: StyledLine = [
        (f" {pad_or_truncate(f'{hidden} more: ← →' if hidden else '', host)}", TextStyle.DIM)
    ]
    for place in shown:
        style = TextStyle.STRONG if place == chosen else TextStyle.DIM
        pointer = "▶" if place == chosen else " "
        name = pad_or_truncate(table.names[place], GROUP_WIDTH - 1).rstrip()
        first.append((f"{_GAP}{pointer + name:>{GROUP_WIDTH}}", style))
    titles = "".join(f"{_GAP}{group_title()}" for _ in shown)
    lines = [first, [(f" {'host':<{host}}{titles}", TextStyle.DIM)]]
    for row in table.rows:
        if row.meeting:
            words = f" ─ {meeting_words(row, table.names)} "
            lines.append([(pad_or_truncate(words, width), TextStyle.DIM)])
        lines.append(_row(row, shown, host))
    return lines


def _window(count: int, room: int, chosen: int) -> range:
    """Return the vantages that are shown, with the chosen one among them."""
    begin = min(max(0, chosen - room // 2), max(0, count - room))
    return range(begin, min(count, begin + room))


def _row(row: VantageRow, shown: Sequence[int], host: int) -> StyledLine:
    line: StyledLine = [(f" {pad_or_truncate(row.host, host)}", TextStyle.PLAIN)]
    for place in shown:
        cells = row.cells[place]
        style = TextStyle.BAD_MARK if cells.is_lossy else TextStyle.PLAIN
        line.append((f"{_GAP}{cells.text}", style))
    return line
