"""Where probes leave from: looked at with each round, and no more than ten times a second."""

from tui_trace.core.settings import NS_PER_MS, ProbeSettings
from tui_trace.engine.run_state import EngineRun
from tui_trace.wire.network import Network

CHECK_INTERVAL = 100 * NS_PER_MS


class SourceAddressWatch:
    """The source address of a session, which a laptop may change under way."""

    def __init__(self, network: Network) -> None:
        """Not looked at yet."""
        self._network = network
        self.source = ""
        self._run: EngineRun | None = None
        self._next_look = 0

    def find_initial(self, settings: ProbeSettings) -> None:
        """Find the address that the first probes leave from; `SendError` if there is none."""
        self.source = self._network.source(settings)

    def has_changed(self, run: EngineRun, now: int) -> bool:
        """Whether probes of this run leave from another address than before (monotonic ns).

        `SendError` if they cannot leave at all.
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
        """A probe could not leave: look again before the next round."""
        self._run = None
