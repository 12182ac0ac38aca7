"""The whole session in one line: the target's RTT, its losses, and the paths by letter."""

import math

from tui_trace.app.columns import BLOCKS, Tone
from tui_trace.app.heading import clock
from tui_trace.app.rows import Line
from tui_trace.session.model import Bucket, Timeline


def timestrip(timeline: Timeline, at: int, width: int) -> Line:
    """`0:00 A▁▁▂▁×▁B▂▂▂ 2:05`, `width` cells; the moment `at` (ns) stands out.

    A letter is where a path begins, `×` where the target lost probes, a space where there was no
    answer. The scale is logarithmic, as in the table.
    """
    end = clock(len(timeline.buckets) * timeline.width)
    room = width - len(end) - 8
    buckets = timeline.buckets
    if room < 1 or not buckets:
        return [(" " * width, Tone.DIM)]
    cells = min(room, len(buckets))
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
    here = min(max(at, 0) // timeline.width, len(buckets) - 1) * cells // len(buckets)
    text = "".join(shown)
    return [
        (" 0:00 ", Tone.DIM),
        (text[:here], Tone.SPARK),
        (text[here], Tone.FLAG),
        (text[here + 1 :], Tone.SPARK),
        (f" {end}", Tone.DIM),
    ]


def _sign(part: tuple[Bucket, ...], low: float, step: float) -> str:
    if any(bucket.lost > 0 for bucket in part):
        return "×"
    means = [bucket.mean for bucket in part if bucket.mean]
    if not means:
        return " "
    level = int(math.log(max(max(means) / low, 1.0)) * step)
    return BLOCKS[min(level, len(BLOCKS) - 1)]
