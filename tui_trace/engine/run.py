"""What the engine knows of one run: its settings, its plan, and what its answers taught."""

from collections import deque
from collections.abc import Callable

from tui_trace.engine.horizon import Horizon
from tui_trace.engine.ledger import Probe, State
from tui_trace.engine.plan import Plan
from tui_trace.engine.ports import SynPorts
from tui_trace.engine.waiting import Waiting
from tui_trace.settings import Pace, ProbeSettings, Protocol, TcpFlags


class RunState:
    """One run."""

    def __init__(self, number: int, settings: ProbeSettings, main_flow: tuple[int, int]) -> None:
        """`main_flow` is what all its probes carry while the flow is constant."""
        self.number = number
        self.settings = settings
        self.main_flow = main_flow
        self.plan = Plan()
        self.horizon = Horizon()
        self.waiting = Waiting()
        self.syn_ports: SynPorts | None = None
        self.told_end: tuple[int, bool] | None = None
        self.probes_sent = 0
        self._in_flight: dict[int, deque[Probe]] = {}

    def watch_half_open(self, reserve: Callable[[], int] | None) -> None:
        """Keep SYNs at the target apart, with further ports from `reserve`."""
        if self.settings.protocol is Protocol.TCP and self.settings.tcp_flags is not TcpFlags.ACK:
            self.syn_ports = SynPorts(self.main_flow[0], reserve)

    def last_ttl(self, pace: Pace) -> int:
        """How far to probe. All the way while the first round is all that is known."""
        if self.plan.round <= 1 and self.horizon.end is None:
            return pace.max_ttl
        return max(pace.first_ttl, self.horizon.last(pace.max_ttl, pace.max_unknown))

    def may_meet_target(self, ttl: int) -> bool:
        """No router is known to stop a probe of this TTL on its way."""
        nearest = self.horizon.nearest_final
        return ttl > self.horizon.farthest_router or (nearest is not None and ttl >= nearest)

    def sent(self, probe: Probe) -> None:
        """A probe of this run left."""
        self.probes_sent += 1
        self._in_flight.setdefault(probe.ttl, deque()).append(probe)

    def expired(self, now: int, pace: Pace) -> list[Probe]:
        """The probes whose wait has passed unanswered, at monotonic ns `now`."""
        lost: list[Probe] = []
        for ttl, probes in self._in_flight.items():
            _drop_decided(probes)
            if not probes:
                continue
            wait = self.waiting.at(ttl) if pace.wait is None else pace.wait
            while probes and now - probes[0].monotonic >= wait:
                lost.append(probes.popleft())
                _drop_decided(probes)
        return lost

    def pending_beyond(self, ttl: int) -> list[Probe]:
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


def _drop_decided(probes: deque[Probe]) -> None:
    while probes and probes[0].state is not State.PENDING:
        probes.popleft()
