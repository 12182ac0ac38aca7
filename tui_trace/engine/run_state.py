"""What the engine knows of one run: its settings, its schedule, and what its replies showed."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from tui_trace.core.events import FINAL_KINDS
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.mtu_search import MtuSearch, SizedProbe
from tui_trace.engine.path_end import PathEndDetector
from tui_trace.engine.probe import Probe, ProbeState
from tui_trace.engine.reply_timeout import MAX_TIMEOUT, AdaptiveTimeout
from tui_trace.engine.round_schedule import RoundSchedule
from tui_trace.engine.target_replies import TargetReplies
from tui_trace.engine.way_plan import WayPlan
from tui_trace.wire.network import ReceivedReply


class EngineRun:
    """The state of one run while the engine probes."""

    def __init__(
        self,
        number: int,
        settings: ProbeSettings,
        flows: Flows,
        *,
        expected_ttl: int = 0,
        is_temporary: bool = False,
        plan: WayPlan | None = None,
        mtu_search: MtuSearch | None = None,
    ) -> None:
        """Begin without any probe; `number` counts from 1.

        `expected_ttl` is where another run of the session met the target; 0: not known. A run
        that `is_temporary` has some rounds only, after which others go on. One that has a `plan` or
        an `mtu_search` is probed beside them, and by that.
        """
        self.number = number
        self.settings = settings
        self.flows = flows
        self.expected_ttl = expected_ttl
        self.turns_with: tuple[int, ...] = ()
        """Numbers of the other runs that it takes turns with."""
        self.is_temporary = is_temporary
        self.plan = plan
        self.mtu_search = mtu_search
        self.path_end = PathEndDetector()
        self.schedule = RoundSchedule(settings.flows, self.path_end)
        self.reply_timeout = AdaptiveTimeout()
        self.target_replies = TargetReplies()
        self.emitted_end: tuple[int, bool] | None = None
        self.last_at_target = 0
        """Number of the latest probe that the target answered."""
        self.sweep_opened_connection = False
        """The target answered a SYN of the first sweep, whose SYNs share one port."""
        self._in_flight: dict[int, deque[RunProbe]] = {}
        self._lost: deque[RunProbe] = deque()

    @property
    def is_beside(self) -> bool:
        """Return whether it is probed beside the rounds of other runs."""
        return self.plan is not None or self.mtu_search is not None

    def plan_lost(self, probe: RunProbe, now: int) -> None:
        """Tell what plans the probes that no reply came in time (monotonic ns)."""
        if self.plan is not None:
            self.plan.on_lost(probe.flow_index, probe.ttl, now)
        elif self.mtu_search is not None:
            self.mtu_search.on_lost(SizedProbe(probe.ttl, probe.settings.size))

    def plan_replied(self, probe: RunProbe, reply: ReceivedReply, *, by_target: bool) -> None:
        """Tell what plans the probes who answered one; `by_target`: the target itself."""
        is_end = by_target or reply.kind in FINAL_KINDS
        if self.plan is not None:
            self.plan.on_reply(probe.flow_index, probe.ttl, reply.address, is_end=is_end)
        elif self.mtu_search is not None:
            sized = SizedProbe(probe.ttl, probe.settings.size)
            self.mtu_search.on_reply(sized, reply.address, reply.kind, reply.mtu, is_end=is_end)

    def last_ttl(self, pace: Pace) -> int:
        """Return the greatest TTL to probe: the pace's, while no round has shown the end."""
        if self.schedule.round <= 1 and self.path_end.end_ttl is None:
            return pace.max_ttl
        return max(pace.first_ttl, self.path_end.last_ttl(pace.max_ttl, pace.max_unknown))

    def needs_scout(self, pace: Pace) -> bool:
        """Return whether a probe is to look for the target past the last TTL of the next round."""
        return (
            self.schedule.round > 0
            and self.flows.has_spare_ports
            and not pace.sequential
            and self.path_end.is_doubtful
            and self.last_ttl(pace) < pace.max_ttl
        )

    def may_reach_target(self, ttl: int) -> bool:
        """Return whether no router is known to stop a probe with this TTL before the target."""
        nearest = self.path_end.nearest_final_ttl
        return ttl > self.path_end.farthest_router_ttl or (nearest is not None and ttl >= nearest)

    def add_sent(self, probe: RunProbe) -> None:
        """Count a probe of this run that left."""
        self.flows.on_sent()
        if probe.is_scout and self.schedule.round > 1:
            self.path_end.on_scout_sent(probe.number)
        self._in_flight.setdefault(probe.ttl, deque()).append(probe)

    def pop_expired(self, now: int, pace: Pace) -> list[RunProbe]:
        """Remove and return the probes whose timeout has passed at `now` (monotonic ns)."""
        expired: list[RunProbe] = []
        for ttl, probes in self._in_flight.items():
            while _drop_decided(probes) and now - probes[0].monotonic >= self._wait(ttl, pace):
                expired.append(probes.popleft())
        return expired

    def next_deadline(self, pace: Pace) -> int | None:
        """Return when (monotonic ns) the next timeout passes; None: no probe is in flight."""
        return min(
            (
                probes[0].monotonic + self._wait(ttl, pace)
                for ttl, probes in self._in_flight.items()
                if _drop_decided(probes)
            ),
            default=None,
        )

    def _wait(self, ttl: int, pace: Pace) -> int:
        return self.reply_timeout.for_ttl(ttl) if pace.wait is None else pace.wait

    def counts_as_lost(self, probe: RunProbe) -> bool:
        """Return whether a probe that nobody answered in time says anything about the path.

        A scout beyond the end does not. Neither does a SYN of the first sweep, if the target has
        opened a connection for another one that overtook it.
        """
        was_overtaken = (
            self.sweep_opened_connection
            and probe.ports is not None
            and not probe.has_own_port
            and probe.ttl >= (self.path_end.end_ttl or 0)
        )
        return not probe.is_scout and not was_overtaken

    def add_lost(self, probe: RunProbe) -> None:
        """Count a probe that was not answered in time."""
        self._lost.append(probe)

    def awaits_late_reply(self, now: int) -> bool:
        """Return whether a reply may still come for a probe that was called lost.

        Only a hop that has answered is waited for: a router that takes a second for one reply in
        ten, for example, whose late replies would be printed as losses.
        """
        while self._lost and (
            now - self._lost[0].monotonic > MAX_TIMEOUT
            or self._lost[0].state is not ProbeState.LOST
        ):
            self._lost.popleft()
        return any(
            probe.state is ProbeState.LOST and self.reply_timeout.has_answered(probe.ttl)
            for probe in self._lost
        )

    def probe_of_datagram(self, latest: RunProbe, arrived: int) -> RunProbe | None:
        """Return the probe that a datagram without a probe ID answers; None if there is none.

        `latest` left last from its port, or with its protocol. `arrived` is in ns since 1970.
        """
        if latest.has_own_port:
            return latest
        beyond = None
        for probe in self._same_flow(latest):
            if probe.wall > arrived or probe.ttl <= self.path_end.farthest_router_ttl:
                continue
            if probe.state is ProbeState.PENDING:
                return probe
            if probe.state is ProbeState.VOID and beyond is None:
                beyond = probe
        if beyond is not None or latest.ttl <= self.path_end.farthest_router_ttl:
            return beyond
        return latest

    def _same_flow(self, latest: RunProbe) -> list[RunProbe]:
        """Return the probes of a flow that may be in flight, oldest first."""
        probes = (probe for each in self._in_flight.values() for probe in each)
        return sorted(
            (probe for probe in probes if probe.flow == latest.flow),
            key=lambda probe: probe.number,
        )

    def pending_past(self, ttl: int) -> list[RunProbe]:
        """Return the probes in flight with a greater TTL."""
        return [
            probe
            for hop, probes in self._in_flight.items()
            if hop > ttl
            for probe in probes
            if probe.state is ProbeState.PENDING
        ]

    def pending_scouts(self) -> list[RunProbe]:
        """Return the scouts in flight."""
        return [probe for probe in self.pending_past(0) if probe.is_scout]

    @property
    def has_pending(self) -> bool:
        """Return whether any probe is in flight whose loss would count."""
        return any(
            probe.state is ProbeState.PENDING and not probe.is_scout
            for probes in self._in_flight.values()
            for probe in probes
        )


_PENDING = ProbeState.PENDING


def _drop_decided(probes: deque[RunProbe]) -> bool:
    """Drop the oldest probes until one is in flight; return whether there is one."""
    while probes and probes[0].state is not _PENDING:
        probes.popleft()
    return bool(probes)


RunProbe: TypeAlias = Probe[EngineRun]
