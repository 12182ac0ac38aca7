"""Detects steps of the wall clock, which the kernel's time stamps are read from.

A round-trip time is the difference of two stamps of the wall clock. If the clock is set in between,
the difference is wrong by the step. So the wall clock is compared with the monotonic clock, and
every step begins a new *epoch*: if a probe is sent in one epoch and answered in another, the
monotonic clock gives its RTT.

Times of day are the session's beginning and the monotonic clock since. They are wrong once the wall
clock was set, and after the machine slept, which the monotonic clock of Linux does not count: both
are events of the stream (`TimeOfDay`).
"""

import time
from collections.abc import Callable
from typing import NamedTuple

CLOSE_READING_NS = 20_000
"""If two clock reads are farther apart, the thread was interrupted between them."""

STEP_NS = 500_000
"""A smaller change between two checks is no step: adjtime(3) slews by at most 0.5 ms a second."""

ATTEMPTS = 8

TOLD_NS = 500_000_000
"""A smaller step does not matter to a time of day; several are told once they make so much."""


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
        return _read_offset(self._monotonic, self._wall)


def _read_offset(monotonic: Callable[[], int], wall: Callable[[], int]) -> int | None:
    """Return by how much the wall clock is ahead; None if the thread was interrupted each time."""
    for _ in range(ATTEMPTS):
        before = monotonic()
        now = wall()
        if monotonic() - before <= CLOSE_READING_NS:
            return now - before
    return None


def suspended() -> int:
    """Return how long this machine was suspended since it started (clock_gettime(2)), in ns."""
    awake = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - awake


class ClockChange(NamedTuple):
    """How the wall clock moved against the monotonic one. In nanoseconds."""

    step: int
    """By so much it was set."""
    asleep: int
    """So long the machine slept."""


class TimeOfDay:
    """Notices that times of day are others: the clock was set, or the machine slept."""

    def __init__(
        self,
        monotonic: Callable[[], int],
        wall: Callable[[], int],
        asleep: Callable[[], int] = suspended,
    ) -> None:
        """All three give nanoseconds; `asleep` since any moment."""
        self._monotonic = monotonic
        self._wall = wall
        self._asleep = asleep
        self._offset = _read_offset(monotonic, wall)
        self._slept = asleep()

    def change(self) -> ClockChange | None:
        """Return how the clock moved since it was told last; None if that is less than 0.5 s."""
        if self._offset is None:
            self._offset = _read_offset(self._monotonic, self._wall)
            return None
        if abs(self._wall() - self._monotonic() - self._offset) < TOLD_NS:
            return None
        offset, slept = _read_offset(self._monotonic, self._wall), self._asleep()
        if offset is None or abs(offset - self._offset) < TOLD_NS:
            return None
        asleep = slept - self._slept
        asleep = asleep if asleep >= TOLD_NS else 0
        step = offset - self._offset - asleep
        self._offset, self._slept = offset, slept
        return ClockChange(step if abs(step) >= TOLD_NS else 0, asleep)
