"""The list of recorded sessions to compare with, as styled lines."""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration, local_minute
from tui_trace.core.sanitize import sanitize
from tui_trace.recording import SessionInfo
from tui_trace.report.cell_text import TextStyle

_BEGAN, _LENGTH, _RUNS, _PROBE = 16, 11, 4, 13
"""Cells of the columns."""


class ListedSession(NamedTuple):
    """A recording that can be chosen."""

    info: SessionInfo
    probe: str
    """What its first run probed with: `TCP port 443`; empty: not known."""
    is_same_target: bool


def saved_session_lines(
    listed: Sequence[ListedSession] | None, width: int, selected: int | None
) -> list[StyledLine]:
    """Return a row for each recording, those of the same target first; None: not known yet."""
    if listed is None:
        return [[(" looking for recordings …", TextStyle.DIM)]]
    if not listed:
        return wrapped(
            "No other session is recorded here: type the name of a file.", width, TextStyle.DIM
        )
    head = _columns("Began", "Length", "Runs", "Probe", "Target")
    lines: list[StyledLine] = [[(pad_or_truncate(head, width), TextStyle.DIM)]]
    for place, one in enumerate(listed):
        if place and listed[place - 1].is_same_target and not one.is_same_target:
            lines.append([(" of other targets:", TextStyle.DIM)])
        pointer, style = ("▶", TextStyle.STRONG) if place == selected else (" ", TextStyle.PLAIN)
        lines.append([(pointer, style), (pad_or_truncate(_row(one)[1:], width - 1), style)])
    return lines


def _row(one: ListedSession) -> str:
    info = one.info
    address = f" ({info.address})" if info.address != info.target else ""
    return _columns(
        local_minute(info.wall),
        format_duration(info.duration),
        str(info.runs),
        one.probe,
        info.target + address + info.place,
    )


def _columns(began: str, length: str, runs: str, probe: str, target: str) -> str:
    return "  ".join(
        (
            f" {pad_or_truncate(began, _BEGAN)}",
            pad_or_truncate(length, _LENGTH),
            f"{runs:>{_RUNS}}",
            pad_or_truncate(sanitize(probe), _PROBE),
            sanitize(target),
        )
    )
