"""How probes leave this machine: checked with each round, at most ten times a second."""

from tui_trace.core.settings import NS_PER_MS, ProbeSettings
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Egress, Network

CHECK_INTERVAL = 100 * NS_PER_MS


class EgressWatch:
    """Source address, interface and gateway of each run, which may change while a laptop moves."""

    def __init__(self, network: Network[RunProbe]) -> None:
        """Begin without any."""
        self._network = network
        self.source = ""
        """The address that probes left from when it was looked up last."""
        self._known: dict[int, Egress] = {}
        self._run: EngineRun | None = None
        self._next_look = 0

    def find_initial(self, settings: ProbeSettings) -> None:
        """Look up how the first probes leave; `SendError` if none can."""
        self.source = self._network.egress(settings).source

    def find_change(self, run: EngineRun, now: int) -> Egress | None:
        """Return how probes of this run leave, if it is new or not as it was; else None.

        `now` is in monotonic ns. Raises `SendError` if no probe can leave.
        """
        if run is self._run and now < self._next_look:
            return None
        self._run = None
        found = self._network.egress(run.settings)
        self.source = found.source
        self._run = run
        self._next_look = now + CHECK_INTERVAL
        if self._known.get(run.number) == found:
            return None
        self._known[run.number] = found
        return found

    def invalidate(self) -> None:
        """Check again before the next round: a probe could not leave."""
        self._run = None
