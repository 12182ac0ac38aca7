"""Our own JSON lines (`--jsonl`), also while they are written."""

from collections import deque
from collections.abc import Iterator
from typing import get_args

import msgspec

from tui_trace.core.events import SCHEMA, Event, SessionBegan, decode_event

_KNOWN = frozenset(kind.__struct_config__.tag for kind in get_args(Event))


class _Kind(msgspec.Struct, frozen=True):
    event: str


_kind_decoder = msgspec.json.Decoder(_Kind)


def read_json_lines(lines: Iterator[bytes]) -> Iterator[Iterator[Event]]:
    """Iterate over the sessions, one after another; each begins with `session-began`."""
    return _Reader(lines).sessions()


class _Reader:
    def __init__(self, lines: Iterator[bytes]) -> None:
        self._events = _events(lines)
        self._next: SessionBegan | None = None

    def sessions(self) -> Iterator[Iterator[Event]]:
        first = next(self._events, None)
        if not isinstance(first, SessionBegan):
            raise ValueError("the first event is not session-began")
        self._next = first
        while self._next is not None:
            events = self._session(self._next)
            yield events
            # what nobody wanted to read of it
            deque(events, maxlen=0)

    def _session(self, began: SessionBegan) -> Iterator[Event]:
        self._next = None
        if began.schema > SCHEMA:
            newer = f"schema {began.schema}; this one reads up to {SCHEMA}"
            raise ValueError(f"of a newer tui-trace ({newer})")
        yield began
        for event in self._events:
            if isinstance(event, SessionBegan):
                self._next = event
                return
            yield event


def _events(lines: Iterator[bytes]) -> Iterator[Event]:
    """Iterate over the events; kinds that are not known are passed over, as the schema says."""
    for number, line in enumerate(lines, 1):
        try:
            if _kind_decoder.decode(line).event in _KNOWN:
                yield decode_event(line)
        except msgspec.MsgspecError as error:
            if not line.endswith(b"\n") and not isinstance(error, msgspec.ValidationError):
                # the writer is about to write the rest, or was ended
                return
            raise ValueError(f"event {number}: {error}") from None
