"""The whole session in a few lines: paths, loss and RTT of the target, and events."""

from collections.abc import Sequence
from itertools import groupby

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.blocks import BLOCKS, log_blocks
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.finding_text import Clock
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline, TimelineMoment

PATHS = (TextStyle.PATH_A, TextStyle.PATH_B, TextStyle.PATH_C, TextStyle.PATH_D)
"""Colours of paths, which return in this order; the letters tell them apart."""
_MOST = 200
"""Moments listed, the latest of them."""
_STYLES = {
    MomentKind.RUN: TextStyle.PLAIN,
    MomentKind.PATH: TextStyle.WARN,
    MomentKind.TROUBLE: TextStyle.BAD,
    MomentKind.NOTICE: TextStyle.DIM,
    MomentKind.NOTE: TextStyle.STRONG,
    MomentKind.MTU: TextStyle.PLAIN,
    MomentKind.EPISODE: TextStyle.BAD,
    MomentKind.OVER: TextStyle.DIM,
}
_SIGNS = {MomentKind.NOTE: "*", MomentKind.TROUBLE: "!", MomentKind.EPISODE: "!"}
_LABEL = 6


def overview(timeline: Timeline, width: int, clock: Clock) -> list[StyledLine]:
    """Return at most four lines of `width` cells; none without room or before the first event.

    A cell is a stretch of time. Its path is a letter where it begins and a line while it lasts;
    its loss is a block of a height that grows with the share, `×` where all was lost; its RTT is
    the target's mean, on a logarithmic scale. `clock` gives the time of day.
    """
    count = len(timeline.buckets)
    cells = min(width - _LABEL - 1, count)
    if cells < 1:
        return []
    parts = [
        timeline.buckets[cell * count // cells : (cell + 1) * count // cells]
        for cell in range(cells)
    ]
    times = timeline.start, timeline.start + count * timeline.width
    ends = [format_duration(at) for at in times]
    dated = [f"{when} {clock(at)}" for when, at in zip(ends, times, strict=True)]
    if sum(map(len, dated)) < cells:
        ends = dated
    gap = max(cells - len(ends[0]) - len(ends[1]), 1)
    return [
        _labelled("path", _path(parts)),
        _labelled("loss", [("".join(_loss(part) for part in parts), TextStyle.BAD_MARK)]),
        _labelled("RTT", [(_rtts(parts), TextStyle.SPARK)]),
        _labelled("", [(f"{ends[0]}{' ' * gap}{ends[1]}", TextStyle.DIM)]),
    ]


def happenings(moments: Sequence[TimelineMoment], width: int, clock: Clock) -> list[StyledLine]:
    """Return one line for each event of the session, with its time in the session and of day."""
    lines: list[StyledLine] = []
    if len(moments) > _MOST:
        lines.append([(f"   … {len(moments) - _MOST} moments before", TextStyle.DIM)])
    for moment in moments[-_MOST:]:
        sign, when = _SIGNS.get(moment.what, " "), format_duration(moment.at)
        text = f" {sign}{when:>9}  {clock(moment.at)}  {sanitize(moment.text)}"
        lines.append([(pad_or_truncate(text, width), _STYLES[moment.what])])
    return lines


def _labelled(label: str, line: StyledLine) -> StyledLine:
    return [(f" {label:<{_LABEL - 1}}", TextStyle.DIM), *line]


def _path(parts: Sequence[Sequence[Bucket]]) -> StyledLine:
    line: StyledLine = []
    for letter, run in groupby(part[-1].path for part in parts):
        length = len(list(run))
        text = f"{letter}{'─' * length}"[:length] if letter else " " * length
        line.append((text, path_style(letter)))
    return line


def path_style(letter: str) -> TextStyle:
    """Return the style of the path with this letter."""
    place = sum((ord(one) - ord("A") + 1) * 26**k for k, one in enumerate(reversed(letter)))
    return PATHS[(place - 1) % len(PATHS)]


def _loss(part: Sequence[Bucket]) -> str:
    lost = sum(bucket.lost for bucket in part)
    decided = lost + sum(bucket.answered for bucket in part)
    if lost <= 0 or decided <= 0:
        return " "
    return "×" if lost >= decided else BLOCKS[lost * len(BLOCKS) // decided]


def _rtts(parts: Sequence[Sequence[Bucket]]) -> str:
    means = [_mean(part) for part in parts]
    known = [mean for mean in means if mean]
    low, high = min(known, default=1.0), max(known, default=1.0)
    return log_blocks([mean or None for mean in means], low, high)


def _mean(part: Sequence[Bucket]) -> float | None:
    answered = sum(bucket.answered for bucket in part)
    return sum(bucket.total for bucket in part) / answered if answered else None
