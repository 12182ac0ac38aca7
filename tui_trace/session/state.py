"""A session's fold, written down: what `Session.state` gives and `Session.of` takes.

A fold restored goes on exactly as the one it was taken from. Times are in ns, as everywhere.
"""

import msgspec

from tui_trace.events import SessionBegan
from tui_trace.session.model import Happening, Who
from tui_trace.session.quote import Quote
from tui_trace.session.track import HopTrack
from tui_trace.settings import Pace, ProbeSettings

VERSION = 5
"""Of these shapes and of what the fold means by them; a state of another version is of no use."""

LARGEST = 1 << 63


class StateError(ValueError):
    """No fold was ever in this state."""


class _State(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class StatsState(_State, frozen=True, array_like=True):
    """Of `RttStats`."""

    count: int
    last: int
    min: int
    max: int
    total: str
    """Hexadecimal: sums outgrow 64 bits."""
    squares: str
    jumps: str
    jump: int
    worst_jump: int
    smoothed: float
    logs: float
    octaves: dict[int, list[int]]


class HopState(_State, frozen=True, array_like=True):
    """Of `HopFold`."""

    ttl: int
    stats: StatsState
    marks: dict[str, int]
    pending: list[int]
    """Numbers of the probes in flight, each as its distance from the one before."""
    recent: list[int]
    """Numbers of the last probes, likewise."""
    outcomes: list[int]
    """Of these."""
    responders: dict[str, tuple[int, int]]
    lost: int
    late: int
    duplicates: int
    user_stamped: int
    is_target: bool
    quote: Quote | None
    standing: str = ""
    """A mark that does not come from answers."""


class RunState(_State, frozen=True, array_like=True):
    """Of `RunFold`."""

    number: int
    settings: ProbeSettings
    pace: Pace
    opened: int
    rounds: int
    reached: bool
    end: int | None
    hops: list[HopState]
    turns_with: int = 0


class TrackState(_State, frozen=True, array_like=True):
    """Of `Track`."""

    target: str
    hops: dict[int, HopTrack]
    last: int


class KnownState(_State, frozen=True, array_like=True):
    """Of a path."""

    letter: str
    varied: bool
    hops: dict[int, list[str]]
    balanced: list[int]
    stays: list[tuple[int, int, int]]


class PathsState(_State, frozen=True, array_like=True):
    """Of `PathBook`."""

    discovered: int
    tracks: dict[int, TrackState]
    paths: list[KnownState]
    on: dict[int, tuple[int, int]]
    """By run: which path, which of its visits."""


class BucketState(_State, frozen=True, array_like=True):
    """Of one bucket of the timeline."""

    path: str
    answered: int
    lost: int
    total: int
    min: int | None
    max: int | None


class TimelineState(_State, frozen=True, array_like=True):
    """Of `TimelineFold`."""

    width: int
    buckets: list[BucketState]
    moments: list[tuple[int, Happening, str]]
    lost: dict[int, int]
    path: str


class SessionState(_State, frozen=True, array_like=True):
    """Of `Session`."""

    at: int
    began: SessionBegan
    pace: Pace
    run: int
    """Number of the one in force; 0 before the first."""
    runs: list[RunState]
    source: str
    trouble: str | None
    failed: int
    notice: str | None
    moved: str | None
    foreign: int
    who: dict[str, Who]
    ended: bool
    paths: PathsState
    timeline: TimelineState
    mtus: dict[int, str] = {}
    """Marks of path MTU discovery, by TTL."""


def distances(numbers: list[int]) -> list[int]:
    """Each number as its distance from the one before, the first from 0: small, so short."""
    return [number - before for number, before in zip(numbers, [0, *numbers], strict=False)]
