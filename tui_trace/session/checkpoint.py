"""A session's fold, written down: what `Session.state` gives and `Session.of` takes.

A fold restored goes on exactly as the one it was taken from. Times are in ns, as everywhere.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tui_trace.core.events import SessionBegan
from tui_trace.core.ranges import Count, Int64, Ttl
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.session.path_detector import HopAddressTracker
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.snapshot import AddressInfo, MomentKind

VERSION = 5
"""Of these shapes and of what the fold means by them; a state of another version is of no use."""

MAX_RUNS = 4096
"""Of a session that is written down."""
MAX_MEMORY_WEIGHT = 2_000_000
"""Numbers and names, weighed by the memory that they take: about 100 bytes each at most. 30 hops of
a run that went on for an hour are 10,000."""
MAX_RESPONDERS = 64
"""Addresses that a hop remembers; the one silent for longest goes first."""
MAX_MARKS = 8
"""That a hop keeps."""
MAX_REMEMBERED_LOSSES = 256
"""Lost probes whose loss can still be taken back."""
PathLetter = Annotated[str, Meta(pattern=r"^[A-Z]{0,8}$")]
"""Of a path; empty where there is none yet."""


class CheckpointError(ValueError):
    """No fold was ever in this state."""


class _State(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class StatsCheckpoint(_State, frozen=True, array_like=True):
    """Of `RttStats`."""

    count: Count
    last: Count
    min: Count
    max: Count
    total: str
    """Hexadecimal: sums outgrow 64 bits."""
    squares: str
    delta_sum: str
    last_delta: Int64
    max_delta: Int64
    smoothed: float
    log_sum: float
    histogram: Annotated[dict[Int64, list[Count]], Meta(max_length=64)]


class HopCheckpoint(_State, frozen=True, array_like=True):
    """Of `HopFold`."""

    ttl: Ttl
    stats: StatsCheckpoint
    marks: Annotated[dict[str, Int64], Meta(max_length=MAX_MARKS)]
    pending: list[Int64]
    """Numbers of the probes in flight, each as its distance from the one before."""
    recent: list[Int64]
    """Numbers of the last probes, likewise."""
    outcomes: list[Int64]
    """Of these."""
    responders: Annotated[dict[str, tuple[Count, Int64]], Meta(max_length=MAX_RESPONDERS)]
    lost: Count
    late: Count
    duplicates: Count
    user_stamped: Count
    is_target: bool
    quote: QuoteSummary | None
    fixed_mark: str = ""
    """A mark that does not come from answers."""


class RunCheckpoint(_State, frozen=True, array_like=True):
    """Of `RunFold`."""

    number: Int64
    settings: ProbeSettings
    pace: Pace
    opened: Int64
    rounds: Int64
    reached: bool
    end: Int64 | None
    hops: Annotated[list[HopCheckpoint], Meta(max_length=256)]
    turns_with: Int64 = 0


class TrackCheckpoint(_State, frozen=True, array_like=True):
    """Of `Track`."""

    target: str
    hops: dict[Ttl, HopAddressTracker]
    last_reply_at: Int64


class KnownPathCheckpoint(_State, frozen=True, array_like=True):
    """Of a path."""

    letter: PathLetter
    varied: bool
    hops: dict[Ttl, list[str]]
    balanced: list[Ttl]
    visits: list[tuple[Int64, Int64, Int64]]


class PathsCheckpoint(_State, frozen=True, array_like=True):
    """Of `PathBook`."""

    discovered: Count
    tracks: Annotated[dict[Int64, TrackCheckpoint], Meta(max_length=MAX_RUNS)]
    paths: list[KnownPathCheckpoint]
    current: Annotated[dict[Int64, tuple[Int64, Int64]], Meta(max_length=MAX_RUNS)]
    """By run: which path, which of its visits."""


class BucketCheckpoint(_State, frozen=True, array_like=True):
    """Of one bucket of the timeline."""

    path: PathLetter
    answered: Count
    lost: Count
    total: Count
    min: Count | None
    max: Count | None


class TimelineCheckpoint(_State, frozen=True, array_like=True):
    """Of `TimelineFold`."""

    width: Int64
    buckets: list[BucketCheckpoint]
    moments: list[tuple[Int64, MomentKind, str]]
    lost: Annotated[dict[Int64, Int64], Meta(max_length=MAX_REMEMBERED_LOSSES)]
    path: PathLetter


class SessionCheckpoint(_State, frozen=True, array_like=True):
    """Of `Session`."""

    at: Int64
    began: SessionBegan
    pace: Pace
    run: Int64
    """Number of the one in force; 0 before the first."""
    runs: Annotated[list[RunCheckpoint], Meta(max_length=MAX_RUNS)]
    source: str
    trouble: str | None
    last_failure: Int64
    notice: str | None
    source_notice: str | None
    foreign: Int64
    hosts: Annotated[dict[str, AddressInfo], Meta(max_length=1 << 16)]
    ended: bool
    paths: PathsCheckpoint
    timeline: TimelineCheckpoint
    mtus: dict[Ttl, str] = {}
    """Marks of path MTU discovery, by TTL."""


def to_deltas(numbers: list[int]) -> list[int]:
    """Each number as its distance from the one before, the first from 0: small, so short."""
    return [number - before for number, before in zip(numbers, [0, *numbers], strict=False)]


def memory_weight(state: SessionCheckpoint) -> int:
    """What the session of this state holds in memory, as `MAX_MEMORY_WEIGHT` counts it."""
    hops = [hop for run in state.runs for hop in run.hops]
    tracks = [hop for track in state.paths.tracks.values() for hop in track.hops.values()]
    there = [addresses for path in state.paths.paths for addresses in path.hops.values()]
    return (
        sum(16 + len(hop.pending) + len(hop.recent) for hop in hops)
        + sum(8 * (len(hop.responders) + len(hop.marks) + len(hop.stats.histogram)) for hop in hops)
        + sum(8 * (len(hop.members) + len(hop.candidates)) for hop in tracks)
        + sum(8 + len(addresses) for addresses in there)
    )
