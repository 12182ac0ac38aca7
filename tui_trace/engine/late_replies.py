"""Replies that may still come for probes that an adaptive timeout has called lost.

A report that ended with its last timeout would print late replies as losses: those of a router that
takes a second for one reply in ten, for example. So a report waits for hops that have answered
before, up to the longest timeout there is. It does not wait for a hop that has never answered.
"""

from collections import deque

from tui_trace.engine.probe_registry import ProbeState
from tui_trace.engine.reply_timeout import MAX_TIMEOUT
from tui_trace.engine.run_state import RunProbe


class LateReplies:
    """The lost probes that may still be answered. Times are monotonic ns."""

    def __init__(self) -> None:
        """Begin without any lost probe."""
        self._lost: deque[RunProbe] = deque()

    def on_lost(self, probe: RunProbe) -> None:
        """Count a probe whose adaptive timeout has passed; its run knows which hops answer."""
        if probe.run.reply_timeout.has_answered(probe.ttl):
            self._lost.append(probe)

    def may_come(self, now: int) -> bool:
        """Return whether one of them may still be answered at `now`."""
        self._lost = deque(
            probe
            for probe in self._lost
            if probe.state is ProbeState.LOST and now - probe.monotonic < MAX_TIMEOUT
        )
        return bool(self._lost)
