"""The stream of another machine, read with mistrust: it may be broken, forged or of another age."""

from typing import get_args

import msgspec

from tui_trace.core.bounded_lines import BoundedLines
from tui_trace.core.events import SCHEMA, Event, RunOpened, SessionBegan, at_time, decode_event

LONGEST_LINE = 1 << 20
"""Most bytes of a line: a reply with hundreds of MPLS labels has 30 kB."""
MAX_NOISE = 256 << 10
"""Most bytes before the first event: what a login shell says."""
MAX_RUNS = 4096
"""Most runs of a session: each takes 14 kB here, and a user opens one with a key."""
LONGEST_SESSION = 1 << 60
"""Nanoseconds, 36 years; an event later than that is forged."""


class StreamError(Exception):
    """The stream cannot be read; `str()` is one line, and speaks of the host as `HOST`."""


class _Head(msgspec.Struct):
    """What the first event has in every schema."""

    event: str
    schema: int = 0
    version: str = ""


_heads = msgspec.json.Decoder(_Head)
_KINDS = frozenset(kind.__struct_config__.tag for kind in get_args(Event))


class StreamReader:
    """Reads the bytes of one stream; its events are in order, and begin with `SessionBegan`."""

    def __init__(self, host: str) -> None:
        """`host` is what errors call the other machine."""
        self._host = host
        self._lines = BoundedLines(LONGEST_LINE)
        self._noise = 0
        self._runs: set[int] = set()
        self.has_begun = False
        self.last_at = 0
        """When the last event was, in ns since the session began."""
        self.unread = 0
        """Lines since the beginning that are no JSON, or no event as this version knows it."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that `data` completes; raise `StreamError`.

        Kinds of events that this version does not know are passed over, and so is what stands
        before the first event.
        """
        events = []
        for line in self._lines.feed(data):
            event = self._event(line)
            if event is not None:
                events.append(event)
        if not self.has_begun:
            self._noise += len(data)
            if self._noise > MAX_NOISE:
                raise StreamError(f"{self._host} sent no events, but other text")
        return events

    def _event(self, line: bytes | None) -> Event | None:
        if line is None:
            self.unread += self.has_begun
            return None
        if not self.has_begun:
            return self._first(line)
        try:
            event = decode_event(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            self.unread += self._is_broken(line)
            return None
        if isinstance(event, SessionBegan) or not 0 <= event.at < LONGEST_SESSION:
            self.unread += 1
            return None
        if isinstance(event, RunOpened):
            self._runs.add(event.run)
            if len(self._runs) > MAX_RUNS:
                raise StreamError(f"{self._host} opened more than {MAX_RUNS} runs")
        if event.at < self.last_at:
            event = at_time(event, self.last_at)
        self.last_at = event.at
        return event

    def _is_broken(self, line: bytes) -> bool:
        """Return whether this line is no event of a kind that a later version may have added."""
        try:
            return _heads.decode(line).event in _KINDS
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            return True

    def _first(self, line: bytes) -> Event | None:
        """Return the first event; None for text before it."""
        try:
            head = _heads.decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            return None
        if head.event != "session-began":
            return None
        if head.schema != SCHEMA:
            age = "an older" if head.schema < SCHEMA else "a newer"
            raise StreamError(
                f"{self._host} runs {age} version of tui-trace"
                f" (events of schema {head.schema}, here {SCHEMA})"
            )
        try:
            event = decode_event(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            raise StreamError(f"{self._host} sent a first event that cannot be read") from None
        self.has_begun = True
        return at_time(event, 0)
