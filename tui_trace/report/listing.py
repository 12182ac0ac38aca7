"""`--sessions`: what was recorded and is kept."""

import datetime
from collections.abc import Sequence

from tui_trace.recording import Info, list_sessions
from tui_trace.settings import NS_PER_S
from tui_trace.text import clean

_LAST_DAY = 253_402_214_400
_HEAD = ("Began", "Length", "Runs", "Size", "Target", "Session")


def render(sessions: Sequence[Info] | None = None) -> str:
    """A table of the sessions, newest first; None: those of the usual folder."""
    listed = list_sessions() if sessions is None else sessions
    if not listed:
        return "no sessions are kept\n"
    rows = [_HEAD, *map(_row, listed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    folders = sorted({clean(str(info.path.parent)) for info in listed})
    return "\n".join([*lines, f"in {', '.join(folders)}; --replay SESSION opens one"]) + "\n"


def _row(info: Info) -> tuple[str, ...]:
    seconds = min(max(info.wall // NS_PER_S, 0), _LAST_DAY)
    began = datetime.datetime.fromtimestamp(seconds, datetime.UTC).astimezone()
    target = info.target + (f" ({info.address})" if info.address != info.target else "")
    return (
        f"{began:%Y-%m-%d %H:%M:%S}",
        length(info.duration) + ("" if info.ended else "+"),
        str(info.runs),
        f"{info.bytes / 1e6:.1f} MB",
        clean(target + (f" in lab {info.lab}" if info.lab else "")),
        clean(info.path.name),
    )


def length(duration: int) -> str:
    """Nanoseconds as a clock shows them: `0:42`, `1:02:03`."""
    minutes, seconds = divmod(duration // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
