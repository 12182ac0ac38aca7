"""Finds the probes that no reply comes to in time."""

from collections.abc import Callable

from tui_trace.core.settings import NS_PER_MS, Pace
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.probe import ProbeState
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Network

PULSE_INTERVAL = 100 * NS_PER_MS
EXPIRY_INTERVAL = 20 * NS_PER_MS
PAST_END = "beyond the end of the path"


class Expiry:
    """Tells what became of probes without a reply: lost, or void. Times are monotonic ns."""

    def __init__(
        self,
        network: Network[RunProbe],
        emitter: EventEmitter,
        runs: RunScheduler,
        on_lost: Callable[[EngineRun, RunProbe], None],
    ) -> None:
        """`on_lost` is called for what the rounds lost."""
        self._network = network
        self._emitter = emitter
        self._runs = runs
        self._on_lost = on_lost
        self.next_at = 0
        """When a probe may be lost next."""

    def find_lost(self, now: int, read_at: int, pace: Pace) -> None:
        """Tell of each probe whose wait was over at `read_at`, when replies were read last."""
        # a probe that leaves before then may have as short a wait as the user gave
        deadlines = [now + min(PULSE_INTERVAL, pace.wait or PULSE_INTERVAL)]
        for run in self._runs.all:
            for probe in run.pop_expired(read_at, pace):
                self._expire(run, probe, now)
            deadline = run.next_deadline(pace)
            if deadline is not None:
                deadlines.append(deadline)
        self.next_at = max(min(deadlines), now + EXPIRY_INTERVAL)

    def _expire(self, run: EngineRun, probe: RunProbe, now: int) -> None:
        run.path_end.on_lost(probe.ttl)
        if not run.counts_as_lost(probe):
            self.make_void(probe, PAST_END)
            return
        probe.state = ProbeState.LOST
        run.flows.on_lost(probe, now)
        if run.is_beside:
            run.plan_lost(probe, now)
        else:
            run.add_lost(probe)
            self._on_lost(run, probe)
        self._emitter.probe_lost(probe)

    def make_void(self, probe: RunProbe, reason: str) -> None:
        """Tell that a probe says nothing, and why: neither an answer nor a loss."""
        probe.state = ProbeState.VOID
        probe.run.flows.on_void(probe, self._network.monotonic())
        self._emitter.probe_void(probe, reason)
