"""The first sweep of a run: which TTLs may be probed at once, while the path's length is unknown.

The whole path is to be seen after about one round trip, and few probes are to meet the target: it
may limit its replies, or take many SYNs for an attack. So TTLs are probed as far as a window beyond
the farthest answer. One probe, the *scout*, has the greatest TTL. If the target answers it, the
path's length follows from the TTL that was left: in the quote exactly, in the reply for the way
back. Time opens the window further, for hops that are slow or silent.
"""

from collections import deque
from typing import NamedTuple

from tui_trace.core.settings import NS_PER_MS, Pace
from tui_trace.engine.path_end import PathEndDetector

WINDOW = 3
"""TTLs beyond the farthest answer: with the scout, four probes meet the target at most."""
WIDER_WINDOW = 8
"""The same after `PATIENCE`, while the target has not told how far it is."""
PATIENCE = 100 * NS_PER_MS
"""After so long without another answer from the path, the window opens further."""
LONG_PATIENCE = 3 * PATIENCE
"""The same where the target has told how far it is."""

_USUAL_TTLS = (32, 64, 128, 255)
"""TTLs that hosts send their packets with."""


class ScheduledProbe(NamedTuple):
    """A probe that waits for its time, `due` in monotonic ns."""

    due: int
    ttl: int
    flow: int
    is_scout: bool = False
    """It reaches past the end of the path, as far as that is known."""
    is_sweep: bool = False
    """It belongs to a first sweep."""


class FirstSweep:
    """The probes of a first sweep that have not left yet. All times are monotonic ns."""

    def __init__(self, path_end: PathEndDetector) -> None:
        """Begin with nothing to send."""
        self._path_end = path_end
        self._waiting: deque[int] = deque()
        self._scout_ttl = 0
        self._before_first = 0
        self._max_ttl = 0
        self._began = 0
        self._farthest = 0
        self._progress_at = 0
        self._expected_ttl = 0
        self._hears_target = False

    def begin(self, now: int, pace: Pace, expected_ttl: int, *, scout: bool = True) -> None:
        """Begin with all TTLs of the pace, and a `scout` where it can tell anything.

        `expected_ttl` is where another run of the session met the target; 0: not known.
        """
        self._waiting = deque(range(pace.first_ttl, pace.max_ttl + 1))
        is_needed = scout and not expected_ttl and len(self._waiting) > WINDOW
        self._scout_ttl = pace.max_ttl if is_needed else 0
        self._before_first = pace.first_ttl - 1
        self._max_ttl = pace.max_ttl
        self._began = self._progress_at = now
        self._farthest = 0
        self._expected_ttl = expected_ttl
        self._hears_target = False

    def pause(self, paused: int) -> None:
        """Shift all times by as many ns as the run was not probed."""
        self._began += paused
        self._progress_at += paused

    def clear(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
        self._scout_ttl = 0

    @property
    def is_over(self) -> bool:
        """Return whether nothing waits any more."""
        return not self._waiting

    def expect_target(self, reply_ttl: int | None, quoted_ttl: int | None) -> None:
        """Learn how far the target is from its reply to the scout.

        `quoted_ttl` is the TTL that the scout had left, `reply_ttl` that of the reply as it came.
        """
        if quoted_ttl:
            self._expected_ttl = self._max_ttl - quoted_ttl + 1
        elif reply_ttl:
            began_with = min(ttl for ttl in _USUAL_TTLS if ttl >= reply_ttl)
            self._expected_ttl = began_with - reply_ttl + 1

    def on_target_heard(self) -> None:
        """Learn that the target answers: how far it is will be known soon."""
        self._hears_target = True

    def next_due(self, now: int) -> int | None:
        """Return when the next probe may leave, if no answer changes that; None: there is none."""
        self._drop_past_end()
        if not self._waiting:
            return None
        if self._is_scout_next or self._waiting[0] <= self._limit(now):
            return now
        if now < self._began + PATIENCE:
            return self._began + PATIENCE
        return self._progress_at + self._patience

    def pop(self, now: int) -> ScheduledProbe | None:
        """Remove and return the next probe that may leave now; None: there is none."""
        self._drop_past_end()
        if not self._waiting:
            return None
        if self._is_scout_next:
            scout = ScheduledProbe(now, self._scout_ttl, 0, is_scout=True)
            self._scout_ttl = 0
            return scout
        if self._waiting[0] > self._limit(now):
            return None
        return ScheduledProbe(now, self._waiting.popleft(), 0, is_sweep=True)

    def _drop_past_end(self) -> None:
        end_ttl = self._path_end.end_ttl
        if end_ttl is not None:
            while self._waiting and self._waiting[-1] > end_ttl:
                self._waiting.pop()

    @property
    def _is_scout_next(self) -> bool:
        return self._scout_ttl > 0 and self._waiting[0] > self._before_first + WINDOW

    @property
    def _patience(self) -> int:
        return LONG_PATIENCE if self._expected_ttl or self._hears_target else PATIENCE

    def _limit(self, now: int) -> int:
        """Return the greatest TTL that may be probed now."""
        farthest = max(self._before_first, self._path_end.farthest_reply_ttl)
        if farthest > self._farthest:
            self._farthest = farthest
            self._progress_at = now
        if now - self._began < PATIENCE:
            return max(farthest + WINDOW, self._expected_ttl)
        if now - self._progress_at >= self._patience:
            expected = self._expected_ttl
            self._expected_ttl = expected + WIDER_WINDOW if expected else self._max_ttl
            self._progress_at = now
        window = WINDOW if self._expected_ttl or self._hears_target else WIDER_WINDOW
        return max(farthest + window, self._expected_ttl)
