"""The whole session in one line: the target's RTT and losses, paths by letter, and notes."""

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.time_strip import cell_of, time_strip
from tui_trace.session.finding_text import Clock
from tui_trace.session.snapshot import MomentKind, Timeline, TimelineMoment


def timeline_bar(
    timeline: Timeline, at: int, width: int, end: int, *, keys: str, clock: Clock
) -> list[StyledLine]:
    """Return `0:00 A▁▁▂▁×▁B▂▂▂ 2:05`, and below it the events at `at`, or `keys`.

    The session went on until `end` (ns). The moment `at` (ns) stands out; `clock` gives its time of
    day. For the marks see `time_strip`.
    """
    until = format_duration(end)
    room = width - len(until) - 8
    buckets = timeline.buckets
    if room < 1 or not buckets:
        return [[(" " * width, TextStyle.DIM)]] * 2
    cells = min(room, len(buckets))
    text = time_strip(timeline, cells)
    cursor = cell_of(timeline, at, cells)
    strip: StyledLine = [
        (" 0:00 ", TextStyle.DIM),
        (text[:cursor], TextStyle.SPARK),
        (text[cursor], TextStyle.FLAG),
        (text[cursor + 1 :], TextStyle.SPARK),
        (f" {until}", TextStyle.DIM),
    ]
    shown_moments = [one for one in timeline.moments if cell_of(timeline, one.at, cells) == cursor]
    return [
        strip,
        _moments_line(shown_moments, width, clock)
        if shown_moments
        else [(pad_or_truncate(f" {keys}", width), TextStyle.DIM)],
    ]


def _moments_line(moments: list[TimelineMoment], width: int, clock: Clock) -> StyledLine:
    """Return the events in one line, the user's notes first."""
    moments.sort(key=lambda moment: moment.what is not MomentKind.NOTE)
    words = [
        f"{format_duration(moment.at)} {clock(moment.at)} {sanitize(moment.text)}"
        for moment in moments
    ]
    return [(pad_or_truncate(f" {' · '.join(words)}", width), TextStyle.WARN)]
