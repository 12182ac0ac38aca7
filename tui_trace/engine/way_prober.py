"""Probes ways beside the rounds of the runs: finds them, or watches those that were found."""

from collections.abc import Callable

from msgspec.structs import replace

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    Pace,
    ProbeSettings,
    Protocol,
)
from tui_trace.core.stream import FindWays, StopWays, WatchWays
from tui_trace.core.way_map import MAX_WAY_FLOWS
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.first_sweep import ScheduledProbe
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun
from tui_trace.engine.way_discovery import WayDiscovery
from tui_trace.engine.way_plan import WayPlan, WayWatch
from tui_trace.wire.network import SendError

_NO_PORTS = "ways need raw sockets: without CAP_NET_RAW the kernel picks the port of each probe"
_BURST = 16
"""Probes sent before the rounds get their turn."""


class WayProber:
    """Sends what a plan says, in a run of its own. There is at most one plan at a time."""

    def __init__(
        self,
        runs: RunScheduler,
        emitter: EventEmitter,
        send: Callable[[EngineRun, ScheduledProbe, int], bool],
        *,
        target: str,
        keeps_ports: bool,
    ) -> None:
        """`send` returns whether the probe left; `target` is an address; `keeps_ports` as in
        `Network`.
        """
        self._target = target
        self._keeps_ports = keeps_ports
        self._runs = runs
        self._emitter = emitter
        self._send = send
        self._run: EngineRun | None = None
        self._plan: WayPlan | None = None
        self._open_flows: set[int] = set()
        self._asked: tuple[FindWays, Pace] | None = None
        """The search under way."""

    @property
    def is_searching(self) -> bool:
        """Return whether ways are being looked for."""
        return isinstance(self._plan, WayDiscovery)

    @property
    def is_patient(self) -> bool:
        """Return whether routers are being asked slowly that may limit their replies."""
        return isinstance(self._plan, WayDiscovery) and self._plan.has_suspects

    def obey(self, command: FindWays | WatchWays | StopWays, pace: Pace) -> None:
        """Begin or end what a command says; ends what is under way. `SendError`.

        Where a search by ICMP has met one way only, one by UDP follows: many routers hash ICMP by
        its addresses alone.
        """
        self.stop()
        if not self._keeps_ports and not isinstance(command, StopWays):
            self._emitter.notice(_NO_PORTS)
            return
        match command:
            case FindWays():
                self._find(command, pace)
            case WatchWays(settings, flows, last_ttl):
                watch = WayWatch(
                    flows,
                    first_ttl=pace.first_ttl,
                    last_ttl=last_ttl,
                    max_ttl=pace.max_ttl,
                    interval=pace.interval,
                    target=self._target,
                )
                self._begin(settings, watch)

    def _find(self, asked: FindWays, pace: Pace) -> None:
        self._asked = asked, pace
        discovery = WayDiscovery(
            first_ttl=pace.first_ttl,
            max_ttl=pace.max_ttl,
            max_unknown=pace.max_unknown,
            confidence=asked.confidence,
            budget=asked.budget,
            max_flows=MAX_WAY_FLOWS,
        )
        run = self._begin(asked.settings, discovery)
        self._emitter.ways_sought(run, asked.confidence, asked.budget)

    def _begin(self, settings: ProbeSettings, plan: WayPlan) -> EngineRun:
        run = self._run = self._runs.open_beside(settings, plan)
        self._plan = plan
        self._open_flows = set()
        return run

    def stop(self) -> None:
        """End what is under way."""
        if self._plan is not None:
            self._plan.stop()
            self._check_end()

    def next_due(self, now: int) -> int | None:
        """Return when (monotonic ns) the next probe may leave; None: not before a reply."""
        return self._plan.next_due(now) if self._plan is not None else None

    def send_due(self, clock: Callable[[], int]) -> None:
        """Send what is due; `clock` is monotonic, in ns."""
        if self._plan is None:
            return
        if isinstance(self._plan, WayDiscovery):
            self._plan.know_end(self._runs.known_distance())
        for _ in range(_BURST):
            plan, run, now = self._plan, self._run, clock()
            if plan is None or run is None:
                return
            probe = plan.pop(now)
            if probe is None:
                self._check_end()
                return
            flow, ttl = probe
            if not self._open(run, plan, flow) or not self._send(
                run, ScheduledProbe(now, ttl, flow), now
            ):
                plan.on_void(flow, ttl, now)

    def _open(self, run: EngineRun, plan: WayPlan, flow: int) -> bool:
        if flow in self._open_flows:
            return True
        try:
            port = run.flows.open(flow)
        except SendError:
            plan.run_out()
            return False
        self._open_flows.add(flow)
        self._emitter.flow_opened(run, flow, port)
        return True

    def _check_end(self) -> None:
        plan, run = self._plan, self._run
        if plan is not None and run is not None and plan.end is not None:
            self._plan = self._run = None
            self._emitter.ways_ended(run, plan.end)
            if isinstance(plan, WayDiscovery) and self._asked is not None:
                self._go_on(plan, *self._asked)

    def _go_on(self, over: WayDiscovery, asked: FindWays, pace: Pace) -> None:
        is_icmp = asked.settings.protocol is Protocol.ICMP
        if is_icmp and over.end is WaysEnd.COMPLETE and not over.parts:
            udp = replace(
                asked.settings,
                protocol=Protocol.UDP,
                port=DEFAULT_PORT[Protocol.UDP],
                size=max(asked.settings.size, DEFAULT_SIZE[Protocol.UDP]),
            )
            self._find(replace(asked, settings=udp), pace)
