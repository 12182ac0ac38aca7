"""The list of recordings, by day or by target."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration, local_time
from tui_trace.core.sanitize import sanitize
from tui_trace.recording import SessionInfo
from tui_trace.recording.sessions import SUFFIX, RetentionLimits
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.session_list import size

_WHO_LEAST, _WHO_MOST = 14, 40
_ROOMY = 70
"""Cells of the terminal from which on runs and size are shown."""


class RecordingRow(NamedTuple):
    """One recording."""

    place: int
    """A number that it keeps as long as the list is open."""
    info: SessionInfo
    episodes: tuple[str, ...] | None
    """The kinds of its episodes in their order; None: not read yet."""

    @property
    def name(self) -> str:
        """Return its name, as `--replay` takes it."""
        return sanitize(self.info.path.name.removesuffix(SUFFIX))

    @property
    def day(self) -> str:
        """Return the day when it began, by the local clock."""
        return f"{local_time(self.info.wall):%Y-%m-%d %A}"

    @property
    def target(self) -> str:
        """Return what was traced."""
        return sanitize(self.info.target + self.info.place)


def ordered_recordings(
    rows: Sequence[RecordingRow], wanted: str = "", *, by_target: bool = False
) -> list[RecordingRow]:
    """Return those whose name, target or address contains what is wanted, the newest first.

    `by_target`: those of one target together, the target with the newest one first.
    """
    wanted = wanted.casefold()
    shown = [
        row
        for row in rows
        if wanted in f"{row.name} {row.target} {sanitize(row.info.address)}".casefold()
    ]
    shown.sort(key=lambda row: -row.info.wall)
    if by_target:
        newest = {row.target: place for place, row in reversed(list(enumerate(shown)))}
        shown.sort(key=lambda row: newest[row.target])
    return shown


def recordings_heading(rows: Sequence[RecordingRow], limits: RetentionLimits) -> str:
    """Return how many there are, and how many are kept."""
    used = sum(row.info.bytes for row in rows)
    count = f"{len(rows)} session{'' if len(rows) == 1 else 's'}"
    return (
        f"{count}, {size(used)} · at most {limits.files} and {limits.size >> 20} MiB"
        " are kept ([recordings] in config.toml)"
    )


def recording_lines(
    rows: Sequence[RecordingRow],
    width: int,
    selected: int | None,
    wanted: str = "",
    *,
    by_target: bool = False,
) -> list[StyledLine]:
    """Return the whole list; `selected` is the place of a row."""
    shown = ordered_recordings(rows, wanted, by_target=by_target)
    who = max(_WHO_LEAST, min(_WHO_MOST, width // 3))
    head = "when" if by_target else "target"
    titles = f"  {head:<{who}}{_columns('length', 'runs', 'size', width)}episodes"
    lines: list[StyledLine] = [[(pad_or_truncate(titles, width), TextStyle.DIM)]]
    for group, members in groupby(shown, lambda row: row.target if by_target else row.day):
        together = list(members)
        total = size(sum(row.info.bytes for row in together))
        said = f" {group} · {len(together)}, {total}" if by_target else f" {group}"
        lines.append([(pad_or_truncate(said, width), TextStyle.STRONG)])
        lines += [
            _row(row, width, who, is_selected=row.place == selected, by_target=by_target)
            for row in together
        ]
    if not shown:
        text = f" no session contains {sanitize(wanted)!r}" if wanted else " no recorded sessions"
        lines.append([(text, TextStyle.DIM)])
    return lines


def _columns(length: str, runs: str, bytes_: str, width: int) -> str:
    more = f" {runs:>4} {bytes_:>7}" if width >= _ROOMY else ""
    return f" {length:>11}{more}  "


def _row(
    row: RecordingRow, width: int, who: int, *, is_selected: bool, by_target: bool
) -> StyledLine:
    info = row.info
    began = local_time(info.wall)
    what = f"{began:%Y-%m-%d %H:%M}" if by_target else f"{began:%H:%M} {row.target}"
    length = format_duration(info.duration)
    figures = _columns(length, str(info.runs), size(info.bytes), width)
    running = "● running " if info.running else ""
    words, style = _words(row)
    return [
        ("▶ " if is_selected else "  ", TextStyle.STRONG),
        (pad_or_truncate(what, who), TextStyle.STRONG if is_selected else TextStyle.PLAIN),
        (figures, TextStyle.PLAIN),
        (running, TextStyle.MARK),
        (pad_or_truncate(words, max(1, width - who - 2 - len(figures) - len(running))), style),
    ]


def _words(row: RecordingRow) -> tuple[str, TextStyle]:
    cut = "" if row.info.ended or row.info.running else " (cut off)"
    if row.episodes is None:
        return f"…{cut}", TextStyle.DIM
    if not row.episodes:
        return f"none{cut}", TextStyle.DIM
    kinds = ", ".join(
        kind if count == 1 else f"{count} {kind}" for kind, count in Counter(row.episodes).items()
    )
    return f"{len(row.episodes)}: {kinds}{cut}", TextStyle.WARN
