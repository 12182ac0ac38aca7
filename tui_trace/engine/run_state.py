"""What the engine knows of one run: its settings, its schedule, and what its replies showed."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.path_end import PathEndDetector
from tui_trace.engine.probe_registry import Probe, ProbeState
from tui_trace.engine.reply_timeout import AdaptiveTimeout
from tui_trace.engine.round_schedule import RoundSchedule


class EngineRun:
    """The state of one run while the engine probes."""

    def __init__(self, number: int, settings: ProbeSettings, flows: Flows) -> None:
        """Begin without any probe; `number` counts from 1."""
        self.number = number
        self.settings = settings
        self.flows = flows
        self.turns_with = 0
        """Number of the run that it alternates with; 0: none."""
        self.schedule = RoundSchedule(settings.flows)
        self.path_end = PathEndDetector()
        self.reply_timeout = AdaptiveTimeout()
        self.emitted_end: tuple[int, bool] | None = None
        self._in_flight: dict[int, deque[RunProbe]] = {}

    def last_ttl(self, pace: Pace) -> int:
        """Return the greatest TTL to probe: the pace's, while no round has shown the end."""
        if self.schedule.round <= 1 and self.path_end.end_ttl is None:
            return pace.max_ttl
        return max(pace.first_ttl, self.path_end.last_ttl(pace.max_ttl, pace.max_unknown))

    def needs_scout(self, pace: Pace) -> bool:
        """Return whether a probe is to look for the target past the last TTL of the next round."""
        return (
            self.schedule.round > 0
            and not pace.sequential
            and self.path_end.is_doubtful
            and self.last_ttl(pace) < pace.max_ttl
        )

    def may_reach_target(self, ttl: int) -> bool:
        """Return whether no router is known to stop a probe with this TTL before the target."""
        nearest = self.path_end.nearest_final_ttl
        return ttl > self.path_end.farthest_router_ttl or (nearest is not None and ttl >= nearest)

    def awaits_first(self, ttl: int) -> bool:
        """Return whether the first round has still to show if this TTL reaches the target."""
        return self.may_reach_target(ttl) and any(
            probe.is_first and probe.state is ProbeState.PENDING
            for probe in self._in_flight.get(ttl, ())
        )

    def add_sent(self, probe: RunProbe) -> None:
        """Count a probe of this run that left."""
        self.flows.on_sent(probe)
        if probe.is_scout:
            self.path_end.on_scout_sent(probe.number)
        self._in_flight.setdefault(probe.ttl, deque()).append(probe)

    def pop_expired(self, now: int, pace: Pace) -> list[RunProbe]:
        """Remove and return the probes whose timeout has passed at `now` (monotonic ns)."""
        lost: list[RunProbe] = []
        for ttl, probes in self._in_flight.items():
            _drop_decided(probes)
            if not probes:
                continue
            wait = self.reply_timeout.for_ttl(ttl) if pace.wait is None else pace.wait
            while probes and now - probes[0].monotonic >= wait:
                lost.append(probes.popleft())
                _drop_decided(probes)
        return lost

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


def _drop_decided(probes: deque[RunProbe]) -> None:
    while probes and probes[0].state is not ProbeState.PENDING:
        probes.popleft()


RunProbe: TypeAlias = Probe[EngineRun]
