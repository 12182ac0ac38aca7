"""Events as bytes, a few for each: what is the same again and again is written once.

A probe's story differs from the one before in three numbers: when, which probe, how long. An event
is therefore a *template* (the event with these numbers 0, as JSON) and the three numbers, each kind
of number in a column of its own. `at` and `probe` are kept as distances from the event before.
A column's bytes are laid out by significance, so that the zeros of small numbers stand together
and vanish in deflate.
"""

import sys
import zlib
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Any

import msgspec
from msgspec.structs import replace

from tui_trace import events as ev
from tui_trace.recording.errors import RecordingError

BLOCK_EVENTS = 8192
"""Events of a full block: what is read and folded to get to a moment."""
BLOCK_BYTES = 4 << 20
"""Bytes of templates after which a block is full, however few its events are."""
DAMAGED = "damaged"
"""What is said of bytes that are no events."""
_MOST_BYTES = 64 << 20
_FAST, _SMALL = 1, 6
_PROBES = (ev.ProbeSent, ev.ProbeLost, ev.ProbeVoid)
_WIDTH = 8


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Events that follow one another; their templates may stand in an earlier chunk."""

    templates: list[bytes]
    which: bytes
    """Numbers of templates, counted from the block's start."""
    at: bytes
    probe: bytes
    value: bytes
    """RTT in ns, number of a round, or 0."""


_decoder = msgspec.msgpack.Decoder(_Chunk)


class Packer:
    """One block while it grows."""

    def __init__(self) -> None:
        """Empty."""
        self._numbers: dict[ev.Event, int] = {}
        self._templates: list[bytes] = []
        self._bytes = 0
        self._which = array("q")
        self._at = array("q")
        self._probe = array("q")
        self._value = array("q")
        self._last_at = 0
        self._last_probe = 0
        self._taken = (0, 0)
        self.is_full = False
        """The next event belongs to another block."""

    def __len__(self) -> int:
        """Events so far."""
        return len(self._which)

    def add(self, event: ev.Event) -> None:
        """Take one event; `OverflowError` if one of its numbers needs more than 64 bits."""
        at, probe, value = event.at, self._last_probe, 0
        template: ev.Event
        if isinstance(event, ev.Reply):
            probe, value = event.probe, event.rtt
            template = replace(event, at=0, probe=0, rtt=0)
        elif isinstance(event, _PROBES):
            probe = event.probe
            template = replace(event, at=0, probe=0)
        elif isinstance(event, ev.RoundBegan):
            value = event.round
            template = replace(event, at=0, round=0)
        else:
            template = replace(event, at=0)
        size = len(self._which)
        try:
            self._at.append(at - self._last_at)
            self._probe.append(probe - self._last_probe)
            self._value.append(value)
        except OverflowError:
            del self._at[size:], self._probe[size:]
            raise
        number = self._numbers.get(template)
        if number is None:
            number = self._numbers[template] = len(self._templates)
            line = ev.encode(template)
            self._templates.append(line)
            self._bytes += len(line)
        self._which.append(number)
        self._last_at, self._last_probe = at, probe
        self.is_full = size + 1 >= BLOCK_EVENTS or self._bytes >= BLOCK_BYTES

    def take(self) -> bytes:
        """What came since the last `take`, as a chunk."""
        templates, events = self._taken
        self._taken = len(self._templates), len(self._which)
        return self._chunk(templates, events, _FAST)

    def whole(self) -> bytes:
        """All of it, as one chunk that needs no other."""
        return self._chunk(0, 0, _SMALL)

    def _chunk(self, templates: int, events: int, level: int) -> bytes:
        columns = (self._which, self._at, self._probe, self._value)
        chunk = _Chunk(self._templates[templates:], *(_laid_out(c[events:]) for c in columns))
        return zlib.compress(msgspec.msgpack.encode(chunk), level)


class Unpacker:
    """Reads the chunks of one block in their order."""

    def __init__(self) -> None:
        """At the block's start."""
        self._make: list[Callable[[int, int, int], ev.Event]] = []
        self._last_at = 0
        self._last_probe = 0

    def events(self, data: bytes) -> Iterator[ev.Event]:
        """The events of the next chunk; `RecordingError` if there are none in these bytes."""
        try:
            chunk = _decoder.decode(_inflated(data))
            self._make += [_maker(ev.decode(line)) for line in chunk.templates]
            columns = [_column(c) for c in (chunk.which, chunk.at, chunk.probe, chunk.value)]
        except (zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            raise RecordingError(DAMAGED) from None
        which, at, probe, value = columns
        if not len(which) == len(at) == len(probe) == len(value) <= BLOCK_EVENTS:
            raise RecordingError(DAMAGED)
        if which and not 0 <= min(which) <= max(which) < len(self._make):
            raise RecordingError(DAMAGED)
        ats = list(accumulate(at, initial=self._last_at))
        probes = list(accumulate(probe, initial=self._last_probe))
        self._last_at, self._last_probe = ats[-1], probes[-1]
        make = self._make
        for number, when, who, what in zip(
            which, islice(ats, 1, None), islice(probes, 1, None), value, strict=True
        ):
            yield make[number](when, who, what)


def _maker(template: ev.Event) -> Callable[[int, int, int], ev.Event]:
    match template:
        case ev.ProbeSent() | ev.ProbeLost() | ev.ProbeVoid():
            return lambda at, probe, _: replace(template, at=at, probe=probe)
        case ev.Reply():
            return lambda at, probe, rtt: replace(template, at=at, probe=probe, rtt=rtt)
        case ev.RoundBegan():
            return lambda at, _, number: replace(template, at=at, round=number)
    return lambda at, _probe, _value: replace(template, at=at)


def _laid_out(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    raw = numbers.tobytes()
    return b"".join(raw[place::_WIDTH] for place in range(_WIDTH))


def _column(data: bytes) -> "array[int]":
    count, rest = divmod(len(data), _WIDTH)
    if rest:
        raise ValueError("half a number")
    raw = bytearray(len(data))
    for place in range(_WIDTH):
        raw[place::_WIDTH] = data[place * count : (place + 1) * count]
    numbers = array("q", bytes(raw))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    raw = inflater.decompress(data, _MOST_BYTES)
    if not inflater.eof:
        raise ValueError("too long, or cut")
    return raw


def pack_state(state: Any) -> bytes:
    """Any struct, deflated."""
    return zlib.compress(msgspec.msgpack.encode(state), _FAST)


def unpack_state(data: bytes, decoder: "msgspec.msgpack.Decoder[Any]") -> Any:
    """The struct of `pack_state`; `RecordingError` if it is none."""
    try:
        return decoder.decode(_inflated(data))
    except (zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise RecordingError(DAMAGED) from None
