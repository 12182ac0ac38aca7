"""`--sessions`: the list of recorded sessions."""

import shutil
import sys
from collections.abc import Sequence

from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.durations import format_duration, local_minute
from tui_trace.core.sanitize import sanitize
from tui_trace.recording import SessionInfo, list_sessions
from tui_trace.recording.sessions import SUFFIX

_HEAD = ("Session", "Length", "Runs", "Size", "Target", "Began")
_TARGET = _HEAD.index("Target")
_LEAST = 12
"""Characters of the target that are worth a column."""
_GAP = "  "


def render_session_list(
    sessions: Sequence[SessionInfo] | None = None, width: int | None = None
) -> str:
    """Return a table of the sessions, newest first; None: the sessions in the default folder.

    `width` is in characters; None: the terminal's, and any on what is none. Only the name of a
    session and its folder are never cut, for they are what one types.
    """
    listed = list_sessions() if sessions is None else sessions
    if not listed:
        return "no recorded sessions\n"
    if width is None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    rows = [_row(info) for info in listed]
    folders = sorted({sanitize(str(info.path.parent)) for info in listed})
    return "\n".join([*_lines(rows, width), *_foot(", ".join(folders), width)]) + "\n"


def _lines(rows: list[tuple[str, ...]], width: int | None) -> list[str]:
    table = [_HEAD, *rows]
    for columns in (len(_HEAD), len(_HEAD) - 1):
        widths = [max(cell_width(row[column]) for row in table) for column in range(columns)]
        if width is not None:
            others = sum(widths) - widths[_TARGET] + len(_GAP) * (columns - 1)
            room = width - others
            if room < min(widths[_TARGET], _LEAST):
                continue
            widths[_TARGET] = min(widths[_TARGET], room)
        return [
            _GAP.join(
                map(pad_or_truncate, row, widths)
            ).rstrip()  # the last column needs no filling
            for row in table
        ]
    return [line for row in rows for line in _stacked(row, width or 0)]


def _stacked(row: tuple[str, ...], width: int) -> list[str]:
    """Return one session in two lines, where there is no room for columns."""
    name, length, runs, size, target, _ = row
    line = f"{_GAP}{length}, {runs} run{'' if runs == '1' else 's'}, {size}, {target}"
    return [name, pad_or_truncate(line, width).rstrip()]


def _foot(folders: str, width: int | None) -> list[str]:
    line = f"in {folders}; --replay SESSION opens one"
    if width is None or cell_width(line) <= width:
        return [line]
    return ["--replay SESSION opens one; they are in", folders]


def _row(info: SessionInfo) -> tuple[str, ...]:
    target = info.target + (f" ({info.address})" if info.address != info.target else "")
    state = "" if info.ended else " running" if info.running else " cut off"
    return (
        sanitize(info.path.name.removesuffix(SUFFIX)),
        format_duration(info.duration) + state,
        str(info.runs),
        size(info.bytes),
        sanitize(target + info.place),
        local_minute(info.wall),
    )


def size(count: int) -> str:
    """Return bytes as `76 kB`, `1.2 MB`, `130 MB`."""
    if count < 999_500:
        return f"{-(-count // 1000)} kB"
    return f"{count / 1e6:.{int(count < 9_950_000)}f} MB"
