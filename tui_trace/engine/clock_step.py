"""Detects steps of the wall clock, which the kernel's time stamps are read from.

A round-trip time is the difference of two stamps of the wall clock. If the clock is set in between,
the difference is wrong by the step. So the wall clock is compared with the monotonic clock, and
every step begins a new *epoch*: if a probe is sent in one epoch and answered in another, the
monotonic clock gives its RTT.
"""

from collections.abc import Callable

CLOSE_READING_NS = 20_000
"""If two clock reads are farther apart, the thread was interrupted between them."""

STEP_NS = 500_000
"""A smaller change between two checks is no step: adjtime(3) slews by at most 0.5 ms a second."""

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
        """Compare the clocks, and return the number of the present epoch, from 0 on."""
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
