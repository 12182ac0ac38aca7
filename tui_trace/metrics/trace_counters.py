"""Counters of one trace for a monitoring system: they only rise, over all runs of the session."""

import threading
import time
from bisect import bisect_left
from collections import Counter, deque

import msgspec

from tui_trace.core.events import Event, ProbeLost, Reply, RunOpened, Stamp
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.annotations import refuses
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot

RTT_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the buckets of the RTT in seconds."""
MOST_ADDRESSES = 128
"""Pairs of TTL and address of one target that have a counter of their own."""
OTHER = "other"
"""The address that stands for all others."""
_BOUNDS_NS = tuple(round(bound * NS_PER_S) for bound in RTT_BOUNDS)
_REFUSED = 256
"""Refused probes that are remembered, in case the target answers them as well."""


class HopCounters(msgspec.Struct):
    """What became of the probes with one TTL."""

    probes: int = 0
    """Answered or lost; each counts once."""
    lost: int = 0
    """Not answered before the timeout, or refused."""
    late: int = 0
    """Of those lost, the ones that were answered after all."""
    user_stamped: int = 0
    """Replies whose RTT uses a stamp that the kernel did not take."""
    rtt_sum: int = 0
    """Nanoseconds, of all answers."""
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(RTT_BOUNDS) + 1))
    """Answers by their RTT: up to each of `RTT_BOUNDS`, and above the last one."""
    addresses: dict[str, int] = {}
    """Answers by the address that gave them."""


class TraceMetrics(msgspec.Struct, frozen=True):
    """All that is told of one trace, at one moment."""

    snapshot: Snapshot
    hops: dict[int, HopCounters]
    """By TTL, those of the present path."""
    episodes: dict[FindingKind, int]
    """Episodes that began, by kind."""


class TraceCounters:
    """Folds the events of one trace; `read` may be called from any thread."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self._lock = threading.Lock()
        self._session = Session()
        self._hops: dict[int, HopCounters] = {}
        self._pairs = 0
        self._beside: set[int] = set()
        self._refused: deque[int] = deque(maxlen=_REFUSED)
        self._episodes: Counter[FindingKind] = Counter()
        self._looks = 0
        self.pulsed = time.monotonic()
        """By that clock, when the trace last gave a sign of life."""

    def event(self, event: Event) -> None:
        """Count the event."""
        with self._lock:
            self._session.apply(event)
            match event:
                case Reply():
                    self._reply(event)
                case ProbeLost() if event.run not in self._beside:
                    self._lose(event.ttl)
                case RunOpened(beside=True):
                    self._beside.add(event.run)
            if self._session.looks != self._looks:
                self._looks = self._session.looks
                self._episodes.update(
                    one.finding.kind for one in self._session.news() if one.until is None
                )

    def pulse(self) -> None:
        """Learn that the trace goes on."""
        self.pulsed = time.monotonic()

    def read(self) -> TraceMetrics:
        """Return everything as it is now."""
        with self._lock:
            snapshot = self._session.snapshot()
            on_path = {hop.ttl for hop in snapshot.run.hops}
            return TraceMetrics(
                snapshot,
                {ttl: _copied(self._hops[ttl]) for ttl in sorted(on_path & self._hops.keys())},
                dict(self._episodes),
            )

    def _hop(self, ttl: int) -> HopCounters:
        return self._hops.setdefault(ttl, HopCounters())

    def _lose(self, ttl: int) -> None:
        hop = self._hop(ttl)
        hop.probes += 1
        hop.lost += 1

    def _reply(self, reply: Reply) -> None:
        if reply.repeat or reply.past_target or reply.run in self._beside:
            return
        if refuses(reply):
            if not (reply.late or reply.duplicate):
                self._lose(reply.ttl)
                self._refused.append(reply.probe)
            return
        hop = self._hop(reply.ttl)
        if reply.duplicate:
            if reply.probe not in self._refused:
                return
            self._refused.remove(reply.probe)
            hop.late += 1
        elif reply.late:
            hop.late += 1
        else:
            hop.probes += 1
        rtt = max(reply.rtt, 0)
        hop.rtt_sum += rtt
        hop.buckets[bisect_left(_BOUNDS_NS, rtt)] += 1
        hop.user_stamped += Stamp.USER in (reply.sent_stamp, reply.received_stamp)
        address = reply.address
        if address not in hop.addresses:
            if self._pairs >= MOST_ADDRESSES:
                address = OTHER
            else:
                self._pairs += 1
        hop.addresses[address] = hop.addresses.get(address, 0) + 1


def _copied(hop: HopCounters) -> HopCounters:
    return msgspec.structs.replace(hop, buckets=[*hop.buckets], addresses={**hop.addresses})
