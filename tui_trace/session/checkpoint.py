"""A session's fold as data: `Session.checkpoint` makes it, `Session.from_checkpoint` restores it.

A restored fold goes on exactly as the original one. Times are in ns, as everywhere.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from tui_trace.core.events import EgressFound, HopSummary, SessionBegan, WaysEnd, WaysSought
from tui_trace.core.quic_versions import QuicVersions
from tui_trace.core.ranges import Count, Int64, Ttl
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.core.way_map import MAX_WAY_FLOWS
from tui_trace.session.finding import Episode, Finding
from tui_trace.session.path_detector import HopAddressTracker
from tui_trace.session.quote_text import QuoteSummary
from tui_trace.session.snapshot import AddressInfo, LossReason, MomentKind, PathMtu

VERSION = 14
"""Version of these structs and of their meaning; a checkpoint of another version cannot be read."""

MAX_RUNS = 4096
"""Most runs of a session that is written to disk."""
MAX_MEMORY_WEIGHT = 2_000_000
"""Most numbers and names of a session, weighted by their memory: about 100 bytes each at most. 30
hops of a run of one hour weigh 10,000."""
_TEXT_PER_UNIT = 8
"""Characters of text that weigh as much as a number: texts are written in full."""
MAX_RESPONDERS = 64
"""Most addresses that a hop keeps; the address silent for longest is dropped first."""
LATEST_PORTS = 32
"""Probes of a hop whose source ports are remembered."""
MAX_LATEST_PROBES = 1024
"""Most probes of a hop that are remembered one by one."""
MAX_PARTNERS = 63
"""Most runs that one is known to take turns with."""
MAX_MARKS = 8
"""Most marks that a hop keeps."""
MAX_REMEMBERED_LOSSES = 256
"""Most lost probes whose loss can still be taken back."""
MAX_EPISODES = 500
"""Most episodes that are remembered; the oldest is dropped first."""
MAX_CLOCK_STEPS = 64
"""Most steps of the wall clock that are remembered; the oldest is dropped first."""
MAX_SLOTS = 2048
"""Most slots of a run's log of rounds."""
MAX_WAY_SEARCHES = 4
"""Most searches for ways that are remembered; the oldest is dropped first."""
WAY_OUTCOMES = 512
"""Outcomes of a watched way that are remembered."""
SlotBits = Annotated[str, Meta(max_length=MAX_SLOTS // 4)]
PathLetter = Annotated[str, Meta(pattern=r"^[A-Z]{0,8}$")]
"""Letter of a path; empty if there is no path yet."""


class CheckpointError(ValueError):
    """A checkpoint that no fold can have made."""


_FlowNumber = Annotated[int, Meta(ge=0, lt=MAX_WAY_FLOWS)]
_T = TypeVar("_T")
_ByFlow = Annotated[dict[_FlowNumber, _T], Meta(max_length=MAX_WAY_FLOWS)]


class _State(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class StatsCheckpoint(_State, frozen=True, array_like=True):
    """State of `RttStats`."""

    count: Count
    last: Count
    min: Count
    max: Count
    total: str
    """Hexadecimal, as are the next two: these sums outgrow 64 bits."""
    squares: str
    delta_sum: str
    last_delta: Int64
    max_delta: Int64
    smoothed: float
    log_sum: float
    histogram: Annotated[dict[Int64, list[Count]], Meta(max_length=64)]


class LatestProbesCheckpoint(_State, frozen=True, array_like=True):
    """State of `LatestProbes`."""

    probes: Annotated[list[Int64], Meta(max_length=MAX_LATEST_PROBES)]
    """Their numbers, each as its difference from the number before."""
    outcomes: list[Int64]
    times: list[Int64]
    """When the last ones of them were sent, as differences too."""
    remarks: Annotated[dict[Int64, Count], Meta(max_length=MAX_LATEST_PROBES)]
    reasons: Annotated[dict[Int64, bool], Meta(max_length=MAX_LATEST_PROBES)]


class HopCheckpoint(_State, frozen=True, array_like=True):
    """State of `HopFold`."""

    ttl: Ttl
    stats: StatsCheckpoint
    marks: Annotated[dict[str, Int64], Meta(max_length=MAX_MARKS)]
    pending: list[Int64]
    """Numbers of the probes in flight, each as its difference from the number before."""
    latest: LatestProbesCheckpoint
    responders: Annotated[dict[str, tuple[Count, Int64]], Meta(max_length=MAX_RESPONDERS)]
    lost: Count
    late: Count
    duplicates: Count
    user_stamped: Count
    is_target: bool
    quote: QuoteSummary | None
    refusers: Annotated[dict[str, tuple[Count, Int64]], Meta(max_length=MAX_RESPONDERS)]
    repeats: Count
    latest_ports: Annotated[list[Int64], Meta(max_length=LATEST_PORTS)]
    refused: Count
    given_up: Count
    reason: LossReason | None
    silent: Count
    """Probes lost since then for no known reason."""
    reply_ttl: Ttl = 0
    fixed_mark: str = ""
    """A mark that does not come from replies."""
    summary: HopSummary | None = None
    versions: QuicVersions = ()


class HopLogCheckpoint(_State, frozen=True, array_like=True):
    """State of `HopLog`. Bits are hexadecimal: they outgrow 64 bits. RTTs are in µs, but those of
    the target in ns.
    """

    lost: SlotBits
    answered: SlotBits
    refused: SlotBits
    by_address: Annotated[dict[str, SlotBits], Meta(max_length=MAX_RESPONDERS)]
    rtts: Annotated[list[Int64], Meta(max_length=MAX_SLOTS)]
    reply_ttls: Annotated[bytes, Meta(max_length=MAX_SLOTS)]
    pending: dict[Int64, Int64]
    lost_probes: Annotated[dict[Int64, Int64], Meta(max_length=MAX_REMEMBERED_LOSSES)]


class RttLevelCheckpoint(_State, frozen=True, array_like=True):
    """State of `RttLevel`."""

    steps: Annotated[list[tuple[Int64, Int64, Int64, float]], Meta(max_length=32)]
    level: Annotated[list[Int64], Meta(max_length=128)]
    last: Annotated[list[tuple[Int64, Int64]], Meta(max_length=32)]


class RunLogCheckpoint(_State, frozen=True, array_like=True):
    """State of `RunLog`."""

    first_slot: Int64
    times: Annotated[list[Int64], Meta(max_length=MAX_SLOTS)]
    """As differences from the one before, and so are `rounds`; `ends`, from `times`."""
    ends: Annotated[list[Int64], Meta(max_length=MAX_SLOTS)]
    flows: Annotated[list[Int64], Meta(max_length=MAX_SLOTS)]
    rounds: Annotated[list[Int64], Meta(max_length=MAX_SLOTS)]
    hops: Annotated[dict[Ttl, HopLogCheckpoint], Meta(max_length=256)]
    target: HopLogCheckpoint
    target_ttl: Ttl | None
    round: Int64
    base: Int64
    first_rtt: Int64
    counts: Annotated[dict[Ttl, Int64], Meta(max_length=256)]


class RunCheckpoint(_State, frozen=True, array_like=True):
    """State of `RunFold`."""

    number: Int64
    settings: ProbeSettings
    pace: Pace
    opened: Int64
    rounds: Int64
    reached: bool
    end: Int64 | None
    hops: Annotated[list[HopCheckpoint], Meta(max_length=256)]
    turns_with: Annotated[tuple[Int64, ...], Meta(max_length=MAX_PARTNERS)] = ()
    egress: EgressFound | None = None
    log: RunLogCheckpoint | None = None
    level: RttLevelCheckpoint | None = None
    row_words: Annotated[dict[Ttl, tuple[str, ...]], Meta(max_length=256)] = {}
    temporary: bool = False


class TrackCheckpoint(_State, frozen=True, array_like=True):
    """State of `TrackedPath`."""

    target: str
    hops: dict[Ttl, HopAddressTracker]
    last_reply_at: Int64


class KnownPathCheckpoint(_State, frozen=True, array_like=True):
    """State of one path of `PathLog`."""

    letter: PathLetter
    varied: bool
    hops: dict[Ttl, list[str]]
    balanced: list[Ttl]
    visits: list[tuple[Int64, Int64, Int64]]


class PathsCheckpoint(_State, frozen=True, array_like=True):
    """State of `PathLog`."""

    discovered: Count
    tracks: Annotated[dict[Int64, TrackCheckpoint], Meta(max_length=MAX_RUNS)]
    paths: list[KnownPathCheckpoint]
    current: Annotated[dict[Int64, tuple[Int64, Int64]], Meta(max_length=MAX_RUNS)]
    """By run: the index of the path, and the index of its visit."""


class BucketCheckpoint(_State, frozen=True, array_like=True):
    """State of one bucket of the timeline."""

    path: PathLetter
    answered: Count
    lost: Count
    total: Count
    min: Count | None
    max: Count | None


class TimelineCheckpoint(_State, frozen=True, array_like=True):
    """State of `TimelineFold`."""

    width: Int64
    buckets: list[BucketCheckpoint]
    moments: list[tuple[Int64, MomentKind, str]]
    lost: Annotated[dict[Int64, Int64], Meta(max_length=MAX_REMEMBERED_LOSSES)]
    path: PathLetter


class EpisodesCheckpoint(_State, frozen=True, array_like=True):
    """State of `EpisodeLog`."""

    over: Annotated[list[Episode], Meta(max_length=MAX_EPISODES)]
    lasting: Annotated[list[Episode], Meta(max_length=MAX_EPISODES)]
    ended: Annotated[list[tuple[str, Int64, Int64]], Meta(max_length=MAX_EPISODES)]
    """Kind, run, and `at` of the end of the latest episode that is over."""


class WatchCheckpoint(_State, frozen=True, array_like=True):
    """State of `FindingWatch`."""

    episodes: EpisodesCheckpoint
    looked: Int64
    thorough: Annotated[list[Finding], Meta(max_length=MAX_EPISODES)]
    next_slot: Annotated[dict[Int64, Int64], Meta(max_length=MAX_RUNS)]


class WaySearchCheckpoint(_State, frozen=True, array_like=True):
    """State of one search for ways."""

    event: WaysSought
    settings: ProbeSettings
    first_ttl: Ttl
    hops: Annotated[dict[Ttl, _ByFlow[str]], Meta(max_length=256)]
    """By TTL and flow: the address that answered; empty: nobody did."""
    ends: _ByFlow[Ttl]
    nodes: Annotated[dict[Ttl, list[str]], Meta(max_length=256)]
    """By TTL: all that answered there; where flows meet several, they count for the last one."""
    per_packet: Annotated[list[Ttl], Meta(max_length=256)]
    ports: _ByFlow[Int64]
    sent: Count
    end: WaysEnd | None
    flow_of: dict[Int64, Int64]
    """By probe in flight: its flow."""


class WayFlowCheckpoint(_State, frozen=True, array_like=True):
    """State of one watched flow."""

    source_port: Int64
    hops: Annotated[list[HopCheckpoint], Meta(max_length=256)]
    end: Ttl | None
    outcomes: Annotated[list[bool | None], Meta(max_length=WAY_OUTCOMES)]
    times: Annotated[list[Int64], Meta(max_length=WAY_OUTCOMES)]
    """Each as its difference from the one before."""
    pending: dict[Int64, Count]
    count: Count
    lost: Count
    answered: Count


class WayWatchCheckpoint(_State, frozen=True, array_like=True):
    """State of the flows that are watched."""

    run: Int64
    since: Int64
    settings: ProbeSettings
    last_ttl: Int64
    is_over: bool
    flow_of: dict[Int64, Int64]
    flows: _ByFlow[WayFlowCheckpoint]


class WaysCheckpoint(_State, frozen=True, array_like=True):
    """State of `WayFold`."""

    searches: Annotated[list[WaySearchCheckpoint], Meta(max_length=MAX_WAY_SEARCHES)]
    watch: WayWatchCheckpoint | None


class SessionCheckpoint(_State, frozen=True, array_like=True):
    """State of `Session`."""

    at: Int64
    began: SessionBegan
    pace: Pace
    run: Int64
    """Number of the active run; 0 before the first."""
    runs: Annotated[list[RunCheckpoint], Meta(max_length=MAX_RUNS)]
    source: str
    trouble: str | None
    trouble_since: Int64
    last_failure: Int64
    notice: str | None
    source_notice: str | None
    foreign: Int64
    hosts: Annotated[dict[str, AddressInfo], Meta(max_length=1 << 16)]
    ended: bool
    paths: PathsCheckpoint
    timeline: TimelineCheckpoint
    watch: WatchCheckpoint | None = None
    mtus: dict[Ttl, str] = {}
    """Marks of path MTU discovery, by TTL."""
    chosen: Int64 = 0
    """Number of the run that goes on after temporary ones."""
    ways: WaysCheckpoint | None = None
    clock: Annotated[list[tuple[Int64, Int64]], Meta(max_length=MAX_CLOCK_STEPS)] = []
    """Steps of the wall clock: `at`, and the wall clock then."""
    path_mtu: PathMtu | None = None


def to_deltas(numbers: list[int]) -> list[int]:
    """Return each number as its difference from the number before, the first from 0."""
    return [number - before for number, before in zip(numbers, [0, *numbers], strict=False)]


def memory_weight(state: SessionCheckpoint) -> int:
    """Return the memory that the session takes, in the unit of `MAX_MEMORY_WEIGHT`."""
    hops = [hop for run in state.runs for hop in run.hops]
    tracks = [hop for track in state.paths.tracks.values() for hop in track.hops.values()]
    there = [addresses for path in state.paths.paths for addresses in path.hops.values()]
    return (
        sum(16 + len(hop.pending) + _latest_weight(hop.latest) for hop in hops)
        + sum(len(hop.latest_ports) for hop in hops)
        + sum(8 * (len(hop.responders) + len(hop.refusers)) for hop in hops)
        + sum(8 * len(hop.summary.addresses) for hop in hops if hop.summary)
        + sum(8 * (len(hop.marks) + len(hop.stats.histogram)) for hop in hops)
        + sum(len(hop.reason.text) for hop in hops if hop.reason) // _TEXT_PER_UNIT
        + sum(8 * (len(hop.members) + len(hop.candidates)) for hop in tracks)
        + sum(8 + len(addresses) for addresses in there)
        + sum(len(text) for _, _, text in state.timeline.moments) // _TEXT_PER_UNIT
        + sum(_log_weight(run.log) for run in state.runs if run.log)
        + _way_weight(state.ways)
    )


def _latest_weight(latest: LatestProbesCheckpoint) -> int:
    return len(latest.probes) + len(latest.times) + len(latest.remarks) + len(latest.reasons)


def _way_weight(ways: WaysCheckpoint | None) -> int:
    if ways is None:
        return 0
    met = sum(4 * len(hop) for search in ways.searches for hop in search.hops.values())
    watched = ways.watch.flows.values() if ways.watch else ()
    hops = [hop for flow in watched for hop in flow.hops]
    return met + sum(16 + _latest_weight(hop.latest) + 8 * len(hop.responders) for hop in hops)


def _log_weight(log: RunLogCheckpoint) -> int:
    """An RTT takes 8 bytes, a TTL one, a slot of the run 24: 100 bytes are a unit."""
    hops = [log.target, *log.hops.values()]
    return (
        sum(16 + len(hop.rtts) // 10 + len(hop.pending) + len(hop.lost_probes) for hop in hops)
        + sum(4 * len(hop.by_address) for hop in hops)
        + len(log.times) // 4
    )
