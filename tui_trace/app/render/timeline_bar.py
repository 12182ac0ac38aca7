"""The whole session in one line: the target's RTT and losses, paths by letter, and notes."""

import math

from tui_trace.app.render.cells import BLOCKS, StyledLine, TextStyle, clock
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline, TimelineMoment


def timestrip(timeline: Timeline, at: int, width: int, end: int, keys: str) -> list[StyledLine]:
    """`0:00 A▁▁▂▁×▁B▂▂▂ 2:05`, and below it what happened there, or `keys`; `width` cells each.

    The session went on until `end` (ns). The moment `at` (ns) stands out. A letter is where a path
    begins, `*` where the user wrote something down, `×` where the target lost probes, a space where
    there was no answer. The scale is logarithmic, as in the table.
    """
    until = clock(end)
    room = width - len(until) - 8
    buckets = timeline.buckets
    if room < 1 or not buckets:
        return [[(" " * width, TextStyle.DIM)]] * 2
    cells = min(room, len(buckets))

    def cell_of(moment: int) -> int:
        return min(max(moment, 0) // timeline.width, len(buckets) - 1) * cells // len(buckets)

    means = [bucket.mean for bucket in buckets if bucket.mean]
    low, high = min(means, default=1.0), max(means, default=1.0)
    step = len(BLOCKS) / math.log(max(high, 2 * low) / low)
    shown = []
    letter = ""
    for cell in range(cells):
        part = buckets[cell * len(buckets) // cells : (cell + 1) * len(buckets) // cells]
        path = next((bucket.path for bucket in part if bucket.path != letter), letter)
        shown.append(path[-1:] if path != letter and path else _sign(part, low, step))
        letter = part[-1].path or letter
    for note in timeline.notes:
        shown[cell_of(note.at)] = "*"
    here = cell_of(at)
    text = "".join(shown)
    strip: StyledLine = [
        (" 0:00 ", TextStyle.DIM),
        (text[:here], TextStyle.SPARK),
        (text[here], TextStyle.FLAG),
        (text[here + 1 :], TextStyle.SPARK),
        (f" {until}", TextStyle.DIM),
    ]
    told = [one for one in timeline.moments if cell_of(one.at) == here]
    return [
        strip,
        _told(told, width) if told else [(pad_or_truncate(f" {keys}", width), TextStyle.DIM)],
    ]


def _told(moments: list[TimelineMoment], width: int) -> StyledLine:
    """The user's own words first."""
    moments.sort(key=lambda moment: moment.what is not MomentKind.NOTE)
    words = [f"{clock(moment.at)} {sanitize(moment.text)}" for moment in moments]
    return [(pad_or_truncate(f" {' · '.join(words)}", width), TextStyle.WARN)]


def _sign(part: tuple[Bucket, ...], low: float, step: float) -> str:
    if any(bucket.lost > 0 for bucket in part):
        return "×"
    means = [bucket.mean for bucket in part if bucket.mean]
    if not means:
        return " "
    level = int(math.log(max(max(means) / low, 1.0)) * step)
    return BLOCKS[min(level, len(BLOCKS) - 1)]
