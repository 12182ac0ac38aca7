"""Makes the probes that are due, and sends them."""

from tui_trace.core.settings import NS_PER_MS, Pace
from tui_trace.engine.clock_step import ClockStepDetector
from tui_trace.engine.matching import probe_spec
from tui_trace.engine.probe_ids import ProbeIdGenerator, ProbeNumbers
from tui_trace.engine.probe_registry import Probe, ProbeRegistry
from tui_trace.engine.round_schedule import ScheduledProbe
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import FlowTuple, Network, SendError

RETRY_INTERVAL = 10 * NS_PER_MS
"""Time until the next try to send a probe that no source port was free for."""


class ProbeSender:
    """Gives each probe its flow and its ID, and registers it before it leaves."""

    def __init__(
        self,
        network: Network,
        registry: ProbeRegistry[EngineRun],
        probe_ids: ProbeIdGenerator,
        clock: ClockStepDetector,
    ) -> None:
        """Begin with probe number 1."""
        self._network = network
        self._registry = registry
        self._probe_ids = probe_ids
        self._numbers = ProbeNumbers(probe_ids)
        self._clock = clock

    def send(
        self, run: EngineRun, scheduled: ScheduledProbe, pace: Pace, now: int
    ) -> RunProbe | None:
        """Send a probe at `now` (monotonic ns), and return it.

        None if it must not leave now: it is left out, or in a sequence postponed. `SendError` if
        there is no port to be had, or if the kernel refuses.
        """
        settings, ttl = run.settings, scheduled.ttl
        may_reach_target = run.may_reach_target(ttl)
        is_first = run.schedule.round == 1 and not pace.sequential
        if run.flows.opens_connections and not is_first and run.awaits_first(ttl):
            return None
        flow = self._choose_flow(run, scheduled, may_reach_target and not is_first, pace, now)
        if flow is None:
            return None
        data_length = self._network.data_length(settings)
        number, key = self._numbers.next_number(
            settings.protocol, data_length, self._registry.is_pending
        )
        probe = Probe(
            number=number,
            run=run,
            ttl=ttl,
            protocol=settings.protocol,
            flow_index=scheduled.flow,
            flow=flow,
            key=key,
            ip_id=self._probe_ids.ip_id(number),
            tcp_data_length=data_length,
            monotonic=now,
            wall=self._network.wall(),
            epoch=self._clock.epoch,
            may_reach_target=may_reach_target,
            is_first=is_first,
            is_scout=scheduled.is_scout,
        )
        self._registry.add(probe)
        try:
            self._network.send(probe_spec(probe))
        except SendError:
            self._registry.discard(probe)
            raise
        run.add_sent(probe)
        return probe

    def _choose_flow(
        self, run: EngineRun, scheduled: ScheduledProbe, exclusive: bool, pace: Pace, now: int
    ) -> FlowTuple | None:
        flow = run.flows.choose(scheduled.flow, exclusive, now)
        if flow is not None or not pace.sequential:
            return flow
        if pace.next_probe_after is not None:
            run.schedule.postpone(scheduled, now + RETRY_INTERVAL)
            return None
        # there is only this port, and its last probe is decided
        return run.flows.choose(scheduled.flow, False, now)
