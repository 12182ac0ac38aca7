"""Waiting for what the view comes to show."""

import time
from collections.abc import Callable

from textual.pilot import Pilot

PATIENCE = 60
"""Seconds: far more than any view needs, for a machine that does much besides."""


async def wait_until(pilot: Pilot, true: Callable[[], object]) -> None:
    """Let the app go on until this is true; `AssertionError` if it never is."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        await pilot.pause(0.02)
