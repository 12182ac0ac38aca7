"""The options of a report the morning after: a stretch of a recording, and what is hidden."""

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias

import msgspec

from tui_trace.core.durations import local_time
from tui_trace.core.local_time import local
from tui_trace.core.settings import NS_PER_S, SettingError
from tui_trace.core.stream import SourceError
from tui_trace.options.output import Output

TIMES = "a time of day (22:00), 2026-03-04T22:00:00+01:00, or how long before the end (-8h)"

HIDES = "a TTL from 1 to 255, private, or both (2,private)"
Moment: TypeAlias = time | datetime | timedelta
"""A time of day here, a moment, or a span (negative) from the end."""

_DAY_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SPAN = re.compile(r"-(\d{1,9}(?:\.\d{1,9})?)([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class StretchOptions(msgspec.Struct, frozen=True):
    """Which stretch of a recording a report is of; None: from its start, to its end."""

    since: Moment | None = None
    until: Moment | None = None

    def __bool__(self) -> bool:
        """Return whether there is one."""
        return self.since is not None or self.until is not None

    def bounds(self, wall: int, end: int) -> tuple[int, int]:
        """Return both ends in ns since the session began at `wall` (ns since 1970; 0: unknown).

        A time of day is the last one before `end`; that of `until` the first one after `since`.
        `SettingError` if the stretch ends before it begins, `SourceError` if the recording has
        nothing of it.
        """
        since = until = None
        if self.since is not None:
            since = _resolved(self.since, wall, end, after=None)
        if self.until is not None:
            until = _resolved(self.until, wall, end, after=since)
        begin, stop = 0 if since is None else since, end if until is None else until
        if begin >= stop and until is not None and since is not None:
            raise SettingError("--until", _written(self.until), "a time after --report-since")
        if begin >= end or stop <= 0:
            raise SourceError(f"nothing was recorded {_words(self.since, self.until)}")
        return max(begin, 0), min(stop, end)


class HideOptions(msgspec.Struct, frozen=True):
    """What `--hide` hides."""

    ttl: int = 0
    """TTL up to which hops are hidden."""
    private: bool = False
    """Every private address is hidden."""

    def __bool__(self) -> bool:
        """Return whether anything is hidden."""
        return bool(self.ttl) or self.private


def add_stretch(group: "argparse._ArgumentGroup") -> None:
    """Add the ends of a stretch."""
    group.add_argument(
        "--report-since", metavar="TIME", help="report what a recording has from 22:00 or -8h on"
    )
    group.add_argument("--until", metavar="TIME", help="… and up to 06:00")


def add_hide(parser: argparse.ArgumentParser) -> None:
    """Add `--hide`."""
    group = parser.add_argument_group("what is not shown")
    group.add_argument(
        "--hide", metavar="N|private", help="no names and addresses of hops up to N; or private"
    )


def joined(words: Sequence[str]) -> list[str]:
    """Return the words with `-8h` in one word with its option, or it would be taken for one."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in ("--report-since", "--until") and _SPAN.fullmatch(word):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found


def parse_stretch(parser: argparse.ArgumentParser, given: argparse.Namespace) -> StretchOptions:
    """Return the stretch; `SettingError` for a wrong value, or where there can be none."""
    stretch = StretchOptions(
        since=_parse("--report-since", given.report_since),
        until=_parse("--until", given.until),
    )
    if stretch and (given.replay is None or given.output in (Output.LIVE, Output.JSON_LINES)):
        name = "--until" if stretch.since is None else "--report-since"
        parser.error(f"{name} is for a report of a recording: add --replay NAME and -r, -j, …")
    return stretch


def parse_hide(text: str | None) -> HideOptions:
    """Return what is to be hidden; raise `SettingError` for a wrong value."""
    ttl, private = 0, False
    for word in [] if text is None else text.split(","):
        if word.strip().lower() == "private":
            private = True
        elif word.strip().isascii() and word.strip().isdigit() and 1 <= int(word[:9]) <= 255:
            ttl = max(ttl, int(word))
        else:
            raise SettingError("--hide", text, HIDES)
    return HideOptions(ttl, private)


def _parse(option: str, text: str | None) -> Moment | None:
    if text is None:
        return None
    text = text.strip()
    try:
        if found := _DAY_TIME.fullmatch(text):
            hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return time(hours, minutes, seconds)
        if found := _SPAN.fullmatch(text):
            return -timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        if len(text) > len("2026-03-04"):
            # one without a zone is meant in that of the config, which is read later
            moment = datetime.fromisoformat(text)
            moment.astimezone(UTC)
            return moment
    except (ValueError, OverflowError, OSError):
        pass
    raise SettingError(option, text, TIMES)


def _resolved(moment: Moment, wall: int, end: int, after: int | None) -> int:
    """Return the moment in ns since the session began."""
    if isinstance(moment, timedelta):
        return end + round(moment.total_seconds()) * NS_PER_S
    if not wall:
        raise SourceError("this recording has no time of day: say -8h, for 8 hours before its end")
    if isinstance(moment, datetime):
        return round(local(moment).timestamp()) * NS_PER_S - wall
    around = local_time(wall + (end if after is None else after))
    days = (0, -1, -2) if after is None else (-1, 0, 1, 2)
    for day in days:
        then = local(datetime.combine(around.date() + timedelta(days=day), moment))
        at = round(then.timestamp()) * NS_PER_S - wall
        if (at < end) if after is None else (at > after):
            return at
    raise SourceError("there is no such time of day")  # no clock skips two days


def _written(moment: Moment | None) -> str:
    return "" if moment is None else str(moment)


def _words(since: Moment | None, until: Moment | None) -> str:
    words = [f"since {_written(since)}"] if since is not None else []
    words += [f"until {_written(until)}"] if until is not None else []
    return " ".join(words)
