"""The timeline as one line of characters: the target's RTT and losses, paths, episodes, notes."""

from collections.abc import Sequence

from tui_trace.core.blocks import log_blocks
from tui_trace.session.snapshot import Bucket, MomentKind, Timeline


def time_strip(timeline: Timeline, cells: int) -> str:
    """Return `A▁▁▂▁×▁B▂▂▂`, which has as many characters as `cells`, 1 to the buckets there are.

    A letter is where a path begins, `*` where the user wrote something down, `!` where an episode
    begins, `×` where the target lost probes, a space where there was no answer. The scale is
    logarithmic, as in the table.
    """
    buckets = timeline.buckets
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
    for mark, kind in (("!", MomentKind.EPISODE), ("*", MomentKind.NOTE)):
        for moment in timeline.moments:
            if moment.what is kind:
                shown[cell_of(timeline, moment.at, cells)] = mark
    return "".join(shown)


def cell_of(timeline: Timeline, at: int, cells: int) -> int:
    """Return which of `cells` a moment (ns) is in, from 0 on; one outside is in the nearest."""
    count = len(timeline.buckets)
    place = min(max(at - timeline.start, 0) // timeline.width, count - 1)
    return place * cells // count


def _slowest(part: Sequence[Bucket]) -> float | None:
    return max((bucket.mean for bucket in part if bucket.mean), default=None)
