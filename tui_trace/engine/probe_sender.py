"""Makes probes of what is scheduled, and sends them."""

from msgspec.structs import replace

from tui_trace.engine.clock_step import ClockStepDetector
from tui_trace.engine.egress_watch import EgressWatch
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.first_sweep import ScheduledProbe
from tui_trace.engine.probe import Probe
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Network, SendError


class ProbeSender:
    """Sends the probes of all runs of one session, which it numbers. Times are monotonic ns."""

    def __init__(
        self,
        network: Network[RunProbe],
        emitter: EventEmitter,
        runs: RunScheduler,
        egress: EgressWatch,
        clock: ClockStepDetector,
    ) -> None:
        """Nothing is sent yet."""
        self._network = network
        self._emitter = emitter
        self._runs = runs
        self._egress = egress
        self._clock = clock
        self._sent = 0
        self.last: RunProbe | None = None
        """The last probe of a round; None: there is none yet."""

    def can_leave(self, run: EngineRun, ttl: int, now: int) -> bool:
        """Look at the route of a round that begins; tell of a change, or that there is none.

        `ttl` is that of the probe which would be the first.
        """
        source = self._egress.source
        try:
            egress = self._egress.find_change(run, now)
        except SendError as error:
            run.schedule.clear()
            self.tell_failure(run, ttl, error)
            return False
        if egress is not None:
            self._emitter.egress_found(run, egress)
        if self._egress.source != source:
            self._emitter.source_changed(self._egress.source)
        return True

    def send(self, run: EngineRun, scheduled: ScheduledProbe, now: int) -> bool:
        """Send a probe, or tell that it cannot leave; return whether it left."""
        try:
            self.send_sized(run, scheduled, now)
        except SendError as error:
            self.tell_failure(run, scheduled.ttl, error)
            return False
        return True

    def send_sized(
        self, run: EngineRun, scheduled: ScheduledProbe, now: int, size: int | None = None
    ) -> None:
        """Send a probe, with so many bytes if they are not those of its run; `SendError`."""
        if run.plan is not None:
            chosen = run.flows.main(scheduled.flow)
        else:
            may_reach_target = scheduled.is_scout or self._may_reach_target(run, scheduled.ttl)
            chosen = run.flows.choose(scheduled, now, may_reach_target=may_reach_target)
        self._sent += 1
        probe = Probe(
            run,
            self._sent,
            run.settings if size is None else replace(run.settings, size=size),
            scheduled.ttl,
            chosen,
            flow_index=scheduled.flow,
            is_scout=scheduled.is_scout,
            monotonic=now,
            wall=self._network.wall(),
            epoch=self._clock.epoch,
        )
        try:
            self._network.send(probe)
        except SendError:
            run.flows.on_void(probe, now)
            raise
        run.add_sent(probe)
        if not run.is_beside:
            self.last = probe
        self._emitter.probe_sent(probe)

    def _may_reach_target(self, run: EngineRun, ttl: int) -> bool:
        distance = self._runs.known_distance() if run.mtu_search is not None else 0
        return ttl >= distance if distance else run.may_reach_target(ttl)

    def tell_failure(self, run: EngineRun, ttl: int, error: SendError) -> None:
        """Tell that a probe of this TTL cannot leave, and ask for the route anew."""
        self._egress.invalidate()
        self._emitter.send_failed(run, ttl, error)
