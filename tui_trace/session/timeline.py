"""The timeline of a session in bounded memory: buckets, which double their width when needed."""

from bisect import insort
from collections.abc import Sequence

from tui_trace.core.settings import NS_PER_S
from tui_trace.session.checkpoint import (
    MAX_REMEMBERED_LOSSES,
    BucketCheckpoint,
    CheckpointError,
    TimelineCheckpoint,
)
from tui_trace.session.snapshot import PATH_WORD, Bucket, MomentKind, Timeline, TimelineMoment

MAX_BUCKETS = 600
MAX_MOMENTS = 500
"""The oldest moments are dropped first; notes of the user are dropped last."""
_LATEST = 1 << 62


class _GrowingBucket:
    """One bucket while it grows; `cached` is its last snapshot, None after a change."""

    __slots__ = ("answered", "cached", "lost", "max", "min", "path", "total")

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.answered = 0
        self.lost = 0
        self.total = 0
        self.min: int | None = None
        self.max: int | None = None
        self.cached: Bucket | None = None

    def add_reply(self, rtt: int) -> None:
        self.cached = None
        self.answered += 1
        self.total += rtt
        self.min = rtt if self.min is None else min(self.min, rtt)
        self.max = rtt if self.max is None else max(self.max, rtt)

    def absorb(self, other: "_GrowingBucket") -> None:
        """Add the numbers of the next bucket to this one."""
        self.cached = None
        self.path = other.path
        self.answered += other.answered
        self.lost += other.lost
        self.total += other.total
        self.min = min((x for x in (self.min, other.min) if x is not None), default=None)
        self.max = max((x for x in (self.max, other.max) if x is not None), default=None)

    def snapshot(self) -> Bucket:
        if self.cached is None:
            self.cached = Bucket(
                self.path, self.answered, self.lost, self.total, self.min, self.max
            )
        return self.cached


class TimelineFold:
    """The timeline while the session grows. All times are `at`, in ns."""

    def __init__(self) -> None:
        """Begin an empty timeline."""
        self._width = NS_PER_S
        self._buckets: list[_GrowingBucket] = []
        self._moments: list[TimelineMoment] = []
        self._lost: dict[int, int] = {}
        """By probe: when it was counted as lost."""
        self._path = ""

    def _bucket(self, at: int) -> _GrowingBucket:
        at = min(max(at, 0), _LATEST)
        while at // self._width >= MAX_BUCKETS:
            self._double()
        place = at // self._width
        while len(self._buckets) <= place:
            self._buckets.append(_GrowingBucket(self._path))
        return self._buckets[place]

    def _double(self) -> None:
        self._width *= 2
        pairs = self._buckets
        self._buckets = pairs[::2]
        for kept, taken in zip(self._buckets, pairs[1::2], strict=False):
            kept.absorb(taken)

    def extend_to(self, at: int) -> None:
        """Add empty buckets up to this moment."""
        self._bucket(at)

    def on_reply(self, at: int, rtt: int, probe: int) -> None:
        """Count a reply of the target, with its RTT in ns; it takes the probe's loss back."""
        if (lost_at := self._lost.pop(probe, None)) is not None:
            bucket = self._bucket(lost_at)
            bucket.lost -= 1
            bucket.cached = None
        self._bucket(at).add_reply(rtt)

    def on_lost(self, at: int, probe: int) -> None:
        """Count a lost probe to the target."""
        bucket = self._bucket(at)
        bucket.lost += 1
        bucket.cached = None
        self._lost[probe] = at
        if len(self._lost) > MAX_REMEMBERED_LOSSES:
            del self._lost[next(iter(self._lost))]

    def set_path(self, since: int, letter: str) -> None:
        """Set the path from the moment `since` on."""
        if letter == self._path:
            return
        # another path that was found for the same moment was a mistake
        mistaken = [m for m in self._moments if m.what is MomentKind.PATH and m.at >= since]
        for moment in mistaken:
            self._moments.remove(moment)
        if self._path:
            self.add_moment(since, MomentKind.PATH, f"{PATH_WORD}{letter}")
        self._path = letter
        self._bucket(since)
        for bucket in self._buckets[min(max(since, 0), _LATEST) // self._width :]:
            bucket.path = letter
            bucket.cached = None

    def add_moment(self, at: int, what: MomentKind, text: str) -> None:
        """Add something that happened, in the order of time."""
        insort(self._moments, TimelineMoment(at, what, text), key=lambda moment: moment.at)
        if len(self._moments) > MAX_MOMENTS:
            passing = (i for i, m in enumerate(self._moments) if m.what is not MomentKind.NOTE)
            del self._moments[next(passing, 0)]

    def snapshot(self, others: Sequence[TimelineMoment] = ()) -> Timeline:
        """Return the timeline up to its last event; `others` are further moments."""
        moments = sorted([*self._moments, *others], key=lambda moment: moment.at)
        return Timeline(
            self._width, tuple(growing.snapshot() for growing in self._buckets), tuple(moments)
        )

    def checkpoint(self) -> TimelineCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return TimelineCheckpoint(
            width=self._width,
            buckets=[
                BucketCheckpoint(b.path, b.answered, b.lost, b.total, b.min, b.max)
                for b in self._buckets
            ],
            moments=[(moment.at, moment.what, moment.text) for moment in self._moments],
            lost=self._lost,
            path=self._path,
        )

    @classmethod
    def from_checkpoint(cls, state: TimelineCheckpoint) -> "TimelineFold":
        """Restore a timeline; `CheckpointError` if no timeline can have been in this state."""
        if len(state.buckets) > MAX_BUCKETS or len(state.moments) > MAX_MOMENTS:
            raise CheckpointError("more than a timeline holds")
        fold = cls()
        fold._width = max(state.width, NS_PER_S)
        for one in state.buckets:
            if (one.answered > 0) != (one.min is not None and one.max is not None):
                raise CheckpointError("answers without times, or times without answers")
            growing = _GrowingBucket(one.path)
            growing.answered, growing.lost, growing.total = one.answered, one.lost, one.total
            growing.min, growing.max = one.min, one.max
            fold._buckets.append(growing)
        fold._moments = [TimelineMoment(*moment) for moment in state.moments]
        fold._lost = dict(state.lost)
        fold._path = state.path
        return fold
