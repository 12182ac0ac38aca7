"""The session that a run is of, where runs of several sessions are compared."""

from statistics import median

import msgspec

from tui_trace.session.snapshot import Run, Timeline

_STRETCHES = 16
"""Stretches that a session is cut into at most, to see how far its RTT drifts."""
_LEAST_BUCKETS = 8
"""Buckets of the timeline in a stretch at least, so that no spike counts."""


class Origin(msgspec.Struct, frozen=True):
    """One session."""

    name: str
    """What it is called; empty: it is the one that goes on now."""
    began: int = 0
    """Nanoseconds since 1970 (UTC); 0: not known."""
    address: str = ""
    """Of its target."""
    place: str = ""
    """Where its probes leave from: a machine or an address; empty: not known."""
    drift: float = 0.0
    """How far the target's RTT moves within it, in ns; 0 where it is too short, or not known."""

    def name_run(self, run: Run, settings: str = "") -> str:
        """Return `run 2 of 2026-11-26 22:10`, with what tells its settings from others."""
        which = f"of {self.name}" if self.name else "now"
        return f"run {run.number} {which}" + (f" ({settings})" if settings else "")

    def wall(self, run: Run) -> int:
        """Return when the run began, in ns since 1970; 0: not known."""
        return self.began + run.opened if self.began else 0


def target_drift(timeline: Timeline) -> float:
    """Return how far apart the RTTs of the target are in stretches of a session, in ns.

    0 where it is too short for two stretches.
    """
    means = [mean for bucket in timeline.buckets if (mean := bucket.mean) is not None]
    count = min(len(means) // _LEAST_BUCKETS, _STRETCHES)
    if count < 2:
        return 0.0
    length = len(means) // count
    middles = [median(means[at : at + length]) for at in range(0, count * length, length)]
    return max(middles) - min(middles)
