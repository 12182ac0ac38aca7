"""Watches the wall clock, which the kernel's stamps are taken from, for steps.

A round-trip time is the difference of two stamps of the wall clock. That is right as long as the
clock only ticks; where somebody sets it in between, the difference is off by the step. So the
wall clock is read against the monotonic one, and every step opens a new *epoch*: a probe sent in
one epoch and answered in another is timed by the monotonic clock instead.
"""

from collections.abc import Callable

CLOSE_READING_NS = 20_000
"""Two clock reads farther apart than this were interrupted, and say nothing of the clocks."""

STEP_NS = 500_000
"""A smaller move between two looks is no step: adjtime(3) slews by 0.5 ms a second at most."""

ATTEMPTS = 8


class ClockStepDetector:
    """Counts the steps of the wall clock."""

    def __init__(self, monotonic: Callable[[], int], wall: Callable[[], int]) -> None:
        """Both clocks give nanoseconds."""
        self._monotonic = monotonic
        self._wall = wall
        self._seen_at = monotonic()
        self._offset = self._read_offset()
        self.epoch = 0

    def check(self) -> int:
        """The epoch now."""
        offset = self._read_offset()
        if offset is not None:
            now = self._monotonic()
            slewed = (now - self._seen_at) // 1000
            if self._offset is not None and abs(offset - self._offset) > STEP_NS + slewed:
                self.epoch += 1
            self._offset = offset
            self._seen_at = now
        return self.epoch

    def _read_offset(self) -> int | None:
        for _ in range(ATTEMPTS):
            before = self._monotonic()
            wall = self._wall()
            after = self._monotonic()
            if after - before <= CLOSE_READING_NS:
                return wall - before
        return None
