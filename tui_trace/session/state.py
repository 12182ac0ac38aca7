"""A session's fold, written down: what `Session.state` gives and `Session.of` takes.

A fold restored goes on exactly as the one it was taken from. Times are in ns, as everywhere.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tui_trace.events import SessionBegan
from tui_trace.ranges import Count, Int64, Ttl
from tui_trace.session.model import Happening, Who
from tui_trace.session.quote import Quote
from tui_trace.session.track import HopTrack
from tui_trace.settings import Pace, ProbeSettings

VERSION = 5
"""Of these shapes and of what the fold means by them; a state of another version is of no use."""

MOST_RUNS = 4096
"""Of a session that is written down."""
Letter = Annotated[str, Meta(pattern=r"^[A-Z]{0,8}$")]
"""Of a path; empty where there is none yet."""


class StateError(ValueError):
    """No fold was ever in this state."""


class _State(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class StatsState(_State, frozen=True, array_like=True):
    """Of `RttStats`."""

    count: Count
    last: Count
    min: Count
    max: Count
    total: str
    """Hexadecimal: sums outgrow 64 bits."""
    squares: str
    jumps: str
    jump: Int64
    worst_jump: Int64
    smoothed: float
    logs: float
    octaves: dict[Int64, list[Count]]


class HopState(_State, frozen=True, array_like=True):
    """Of `HopFold`."""

    ttl: Ttl
    stats: StatsState
    marks: dict[str, Int64]
    pending: list[Int64]
    """Numbers of the probes in flight, each as its distance from the one before."""
    recent: list[Int64]
    """Numbers of the last probes, likewise."""
    outcomes: list[Int64]
    """Of these."""
    responders: dict[str, tuple[Count, Int64]]
    lost: Count
    late: Count
    duplicates: Count
    user_stamped: Count
    is_target: bool
    quote: Quote | None
    standing: str = ""
    """A mark that does not come from answers."""


class RunState(_State, frozen=True, array_like=True):
    """Of `RunFold`."""

    number: Int64
    settings: ProbeSettings
    pace: Pace
    opened: Int64
    rounds: Int64
    reached: bool
    end: Int64 | None
    hops: list[HopState]
    turns_with: Int64 = 0


class TrackState(_State, frozen=True, array_like=True):
    """Of `Track`."""

    target: str
    hops: dict[Ttl, HopTrack]
    last: Int64


class KnownState(_State, frozen=True, array_like=True):
    """Of a path."""

    letter: Letter
    varied: bool
    hops: dict[Ttl, list[str]]
    balanced: list[Ttl]
    stays: list[tuple[Int64, Int64, Int64]]


class PathsState(_State, frozen=True, array_like=True):
    """Of `PathBook`."""

    discovered: Count
    tracks: dict[Int64, TrackState]
    paths: list[KnownState]
    on: dict[Int64, tuple[Int64, Int64]]
    """By run: which path, which of its visits."""


class BucketState(_State, frozen=True, array_like=True):
    """Of one bucket of the timeline."""

    path: Letter
    answered: Count
    lost: Count
    total: Count
    min: Count | None
    max: Count | None


class TimelineState(_State, frozen=True, array_like=True):
    """Of `TimelineFold`."""

    width: Int64
    buckets: list[BucketState]
    moments: list[tuple[Int64, Happening, str]]
    lost: dict[Int64, Int64]
    path: Letter


class SessionState(_State, frozen=True, array_like=True):
    """Of `Session`."""

    at: Int64
    began: SessionBegan
    pace: Pace
    run: Int64
    """Number of the one in force; 0 before the first."""
    runs: Annotated[list[RunState], Meta(max_length=MOST_RUNS)]
    source: str
    trouble: str | None
    failed: Int64
    notice: str | None
    moved: str | None
    foreign: Int64
    who: dict[str, Who]
    ended: bool
    paths: PathsState
    timeline: TimelineState
    mtus: dict[Ttl, str] = {}
    """Marks of path MTU discovery, by TTL."""


def distances(numbers: list[int]) -> list[int]:
    """Each number as its distance from the one before, the first from 0: small, so short."""
    return [number - before for number, before in zip(numbers, [0, *numbers], strict=False)]
