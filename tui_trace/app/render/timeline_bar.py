"""The whole session in one line: the target's RTT and losses, paths by letter, and notes."""

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.blocks import log_blocks
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline, TimelineMoment


def timeline_bar(timeline: Timeline, at: int, width: int, end: int, keys: str) -> list[StyledLine]:
    """Return `0:00 A▁▁▂▁×▁B▂▂▂ 2:05`, and below it the events at `at`, or `keys`.

    The session went on until `end` (ns). The moment `at` (ns) stands out. A letter is where a path
    begins, `*` where the user wrote something down, `!` where an episode begins, `×` where the
    target lost probes, a space where there was no answer. The scale is logarithmic, as in the
    table.
    """
    until = format_duration(end)
    room = width - len(until) - 8
    buckets = timeline.buckets
    if room < 1 or not buckets:
        return [[(" " * width, TextStyle.DIM)]] * 2
    cells = min(room, len(buckets))

    def cell_of(moment: int) -> int:
        return min(max(moment, 0) // timeline.width, len(buckets) - 1) * cells // len(buckets)

    means = [bucket.mean for bucket in buckets if bucket.mean]
    low, high = min(means, default=1.0), max(means, default=1.0)
    parts = [
        buckets[cell * len(buckets) // cells : (cell + 1) * len(buckets) // cells]
        for cell in range(cells)
    ]
    shown = list(log_blocks(map(_slowest, parts), low, high))
    letter = ""
    for cell, part in enumerate(parts):
        path = next((bucket.path for bucket in part if bucket.path != letter), letter)
        if path != letter and path:
            shown[cell] = path[-1:]
        elif any(bucket.lost > 0 for bucket in part):
            shown[cell] = "×"
        letter = part[-1].path or letter
    for moment in timeline.moments:
        if moment.what is MomentKind.EPISODE:
            shown[cell_of(moment.at)] = "!"
    for note in timeline.notes:
        shown[cell_of(note.at)] = "*"
    cursor = cell_of(at)
    text = "".join(shown)
    strip: StyledLine = [
        (" 0:00 ", TextStyle.DIM),
        (text[:cursor], TextStyle.SPARK),
        (text[cursor], TextStyle.FLAG),
        (text[cursor + 1 :], TextStyle.SPARK),
        (f" {until}", TextStyle.DIM),
    ]
    shown_moments = [one for one in timeline.moments if cell_of(one.at) == cursor]
    return [
        strip,
        _moments_line(shown_moments, width)
        if shown_moments
        else [(pad_or_truncate(f" {keys}", width), TextStyle.DIM)],
    ]


def _moments_line(moments: list[TimelineMoment], width: int) -> StyledLine:
    """Return the events in one line, the user's notes first."""
    moments.sort(key=lambda moment: moment.what is not MomentKind.NOTE)
    words = [f"{format_duration(moment.at)} {sanitize(moment.text)}" for moment in moments]
    return [(pad_or_truncate(f" {' · '.join(words)}", width), TextStyle.WARN)]


def _slowest(part: tuple[Bucket, ...]) -> float | None:
    return max((bucket.mean for bucket in part if bucket.mean), default=None)
