"""A length of time as text, and a time of day."""

import datetime

from tui_trace.core.events import ClockStepped
from tui_trace.core.local_time import local
from tui_trace.core.settings import NS_PER_S

_LAST_SECOND = 253_402_214_399
"""The end of 9999-12-30 (UTC), in seconds since 1970: the calendar has it in any time zone."""


def utc_time(nanoseconds: int) -> datetime.datetime:
    """Return a time since 1970 to the second, in UTC; the nearest that the calendar has.

    Recordings of strangers may claim any time.
    """
    seconds = min(max(nanoseconds // NS_PER_S, 0), _LAST_SECOND)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def local_time(nanoseconds: int) -> datetime.datetime:
    """Return a time since 1970 to the second, in the zone in use; see `utc_time`."""
    return local(utc_time(nanoseconds))


def local_minute(nanoseconds: int) -> str:
    """Return a time since 1970 in the zone in use, to the minute: `2026-11-26 22:10`."""
    return f"{local_time(nanoseconds):%Y-%m-%d %H:%M}"


def format_duration(duration: int) -> str:
    """Return nanoseconds as `0:42`, `1:02:03` or `1d 06:00:00`."""
    minutes, seconds = divmod(duration // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def describe_clock_step(event: ClockStepped) -> str:
    """Return what became of the wall clock: `the machine slept for 3:12:00`."""
    told: list[str] = []
    if event.asleep:
        told.append(f"the machine slept for {format_duration(event.asleep)}")
    if event.stopped:
        told.append(f"this program did not run for {format_duration(event.stopped)}")
    if event.step or not told:
        way = "back" if event.step < 0 else "forward"
        told.append(f"the clock was set {way} by {_exactly(abs(event.step))}")
    return ", ".join(told)


def _exactly(duration: int) -> str:
    """Return a time to a tenth of a second where it is short."""
    short = duration < 10 * NS_PER_S
    return f"{duration / NS_PER_S:.1f} s" if short else format_duration(duration)
