"""Replies that may still come for probes that an adaptive wait has called lost.

A report that ended with its last wait would print as lost what is only late: a router that takes a
second for one answer in ten, say. It waits for hops that have answered before, as long as a probe
is waited for at most. A hop that never answered has shown no reason to wait for it.
"""

from collections import deque

from tui_trace.engine.probe_registry import State
from tui_trace.engine.reply_timeout import LONGEST
from tui_trace.engine.run_state import RunProbe


class LateReplies:
    """The probes called lost that may still be answered. Times are monotonic ns."""

    def __init__(self) -> None:
        """Nothing is lost yet."""
        self._lost: deque[RunProbe] = deque()

    def lost(self, probe: RunProbe) -> None:
        """An adaptive wait for this probe has passed; `probe.run` knows which hops answer."""
        if probe.run.waiting.knows(probe.ttl):
            self._lost.append(probe)

    def may_come(self, now: int) -> bool:
        """Whether one of them is young enough to be answered, and was not."""
        self._lost = deque(
            probe
            for probe in self._lost
            if probe.state is State.LOST and now - probe.monotonic < LONGEST
        )
        return bool(self._lost)
