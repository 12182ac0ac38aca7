"""What the engine knows of one run: its settings, its plan, and what its answers taught."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.path_end import PathEndDetector
from tui_trace.engine.probe_registry import Probe, State
from tui_trace.engine.reply_timeout import AdaptiveTimeout
from tui_trace.engine.round_schedule import RoundSchedule


class EngineRun:
    """One run."""

    def __init__(self, number: int, settings: ProbeSettings, flows: Flows) -> None:
        """Nothing was sent yet."""
        self.number = number
        self.settings = settings
        self.flows = flows
        self.turns_with = 0
        """Number of the run that it shares the rounds with; 0: none."""
        self.plan = RoundSchedule(settings.flows)
        self.horizon = PathEndDetector()
        self.waiting = AdaptiveTimeout()
        self.told_end: tuple[int, bool] | None = None
        self._in_flight: dict[int, deque[RunProbe]] = {}

    def last_ttl(self, pace: Pace) -> int:
        """How far to probe. All the way while the first round is all that is known."""
        if self.plan.round <= 1 and self.horizon.end is None:
            return pace.max_ttl
        return max(pace.first_ttl, self.horizon.last(pace.max_ttl, pace.max_unknown))

    def may_meet_target(self, ttl: int) -> bool:
        """No router is known to stop a probe of this TTL on its way."""
        nearest = self.horizon.nearest_final
        return ttl > self.horizon.farthest_router or (nearest is not None and ttl >= nearest)

    def awaits_first(self, ttl: int) -> bool:
        """Whether this TTL meets the target is still to be learnt, from the first round."""
        return self.may_meet_target(ttl) and any(
            probe.is_first and probe.state is State.PENDING
            for probe in self._in_flight.get(ttl, ())
        )

    def sent(self, probe: RunProbe) -> None:
        """A probe of this run left."""
        self.flows.sent(probe)
        self._in_flight.setdefault(probe.ttl, deque()).append(probe)

    def expired(self, now: int, pace: Pace) -> list[RunProbe]:
        """The probes whose wait has passed unanswered, at monotonic ns `now`."""
        lost: list[RunProbe] = []
        for ttl, probes in self._in_flight.items():
            _drop_decided(probes)
            if not probes:
                continue
            wait = self.waiting.at(ttl) if pace.wait is None else pace.wait
            while probes and now - probes[0].monotonic >= wait:
                lost.append(probes.popleft())
                _drop_decided(probes)
        return lost

    def pending_beyond(self, ttl: int) -> list[RunProbe]:
        """The probes in flight with a greater TTL."""
        return [
            probe
            for hop, probes in self._in_flight.items()
            if hop > ttl
            for probe in probes
            if probe.state is State.PENDING
        ]

    @property
    def has_pending(self) -> bool:
        """Some probe is in flight."""
        return any(
            probe.state is State.PENDING for probes in self._in_flight.values() for probe in probes
        )


def _drop_decided(probes: deque[RunProbe]) -> None:
    while probes and probes[0].state is not State.PENDING:
        probes.popleft()


RunProbe: TypeAlias = Probe[EngineRun]
