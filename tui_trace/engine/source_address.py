"""The address that probes leave from: checked with each round, at most ten times a second."""

from tui_trace.core.settings import NS_PER_MS, ProbeSettings
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Network

CHECK_INTERVAL = 100 * NS_PER_MS


class SourceAddressWatch:
    """The source address of a session, which may change while a laptop moves."""

    def __init__(self, network: Network[RunProbe]) -> None:
        """Begin without an address."""
        self._network = network
        self.source = ""
        self._run: EngineRun | None = None
        self._next_look = 0

    def find_initial(self, settings: ProbeSettings) -> None:
        """Look up the address that the first probes leave from; `SendError` if there is none."""
        self.source = self._network.source(settings)

    def has_changed(self, run: EngineRun, now: int) -> bool:
        """Return whether probes of this run leave from another address than before.

        `now` is in monotonic ns. Raises `SendError` if no probe can leave.
        """
        if run is self._run and now < self._next_look:
            return False
        self._run = None
        source = self._network.source(run.settings)
        before, self.source = self.source, source
        self._run = run
        self._next_look = now + CHECK_INTERVAL
        return source != before

    def invalidate(self) -> None:
        """Check again before the next round: a probe could not leave."""
        self._run = None
