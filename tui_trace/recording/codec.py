"""Events as a few bytes each: what many events have in common is written once.

Events of successive probes differ in three numbers: time, probe and RTT. An event is therefore a
*template* (the event with these numbers set to 0, as JSON) and the three numbers, each in a column
of its own. `at` and `probe` are written as differences from the event before.
A column's bytes are laid out by significance, so that the zeros of small numbers stand together
and vanish in deflate.
"""

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Annotated, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.ranges import LARGEST
from tui_trace.recording.errors import RecordingError
from tui_trace.session.checkpoint import (
    MAX_MEMORY_WEIGHT,
    MAX_RUNS,
    SessionCheckpoint,
    memory_weight,
)

BLOCK_EVENTS = 8192
"""Events of a full block: the most that is read and folded to reach a moment."""
BLOCK_BYTES = 4 << 20
"""Bytes of templates after which a block is full, even with few events."""
DAMAGED = "damaged"
"""The error message for bytes that are no events."""
_MAX_CHUNK = 2 * BLOCK_BYTES
_MAX_CHECKPOINT = 16 << 20
"""Most bytes of a checkpoint before compression. 30 hops of one run take 220 kB."""
_FREE, _RATIO = 16 << 10, 100
"""Any value may inflate to `_FREE` bytes plus `_RATIO` times its own size. Times in ns hardly ever
repeat: a block of probes without replies reaches a ratio of 30."""
_MAX_JSON = 256 << 20
"""Most bytes of JSON for the events of one block: twice the size of a block of replies with 300
MPLS labels each."""
_FAST, _SMALL = 1, 6
_PROBES = (ev.ProbeSent, ev.ProbeLost, ev.ProbeVoid)
_WIDTH = 8
_Column = Annotated[bytes, Meta(max_length=BLOCK_EVENTS * _WIDTH)]


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Successive events; their templates may be in an earlier chunk of the block."""

    templates: Annotated[list[bytes], Meta(max_length=BLOCK_EVENTS)]
    which: _Column
    """Template numbers, counted from the start of the block."""
    at: _Column
    probe: _Column
    value: _Column
    """RTTs in ns, numbers of rounds, or 0."""


_chunk_decoder = msgspec.msgpack.Decoder(_Chunk)
_checkpoint_decoder = msgspec.msgpack.Decoder(SessionCheckpoint)


class Packer:
    """Packs the events of one block, chunk by chunk."""

    def __init__(self) -> None:
        """Begin an empty block."""
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
        """Whether the next event belongs to another block."""

    def __len__(self) -> int:
        """Return the number of events so far."""
        return len(self._which)

    def append(self, event: ev.Event) -> None:
        """Append one event; `OverflowError` if a number needs more than 64 bits."""
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

    def take_chunk(self) -> bytes:
        """Return the events since the last `take_chunk` as a chunk."""
        templates, events = self._taken
        self._taken = len(self._templates), len(self._which)
        return self._chunk(templates, events, _FAST)

    def full_chunk(self) -> bytes:
        """Return the whole block as one chunk."""
        return self._chunk(0, 0, _SMALL)

    def _chunk(self, templates: int, events: int, level: int) -> bytes:
        columns = (self._which, self._at, self._probe, self._value)
        chunk = _Chunk(
            self._templates[templates:], *(order_by_significance(c[events:]) for c in columns)
        )
        return _deflate(msgspec.msgpack.encode(chunk), level)


EventRow: TypeAlias = tuple[ev.Event, int, int, int]
"""An event that was not put together, which takes most of the time of reading it: the event but for
`at`, probe, and RTT (ns) or number of the round."""


class Unpacker:
    """Reads the chunks of one block in their order, and no more events than a block may have."""

    def __init__(self) -> None:
        """Begin at the start of a block."""
        self._makers: list[Callable[[int, int, int], ev.Event]] = []
        self._templates: list[ev.Event] = []
        self._sizes: list[int] = []
        """Size of each template, in bytes."""
        self.template_bytes = 0
        """Bytes of all templates so far."""
        self._events = 0
        self._json_bytes = 0
        self._last_at = 0
        self._last_probe = 0

    def events(self, data: bytes) -> Iterator[ev.Event]:
        """Iterate over the events of the next chunk; `RecordingError` if it is damaged."""
        make = self._makers
        for number, when, who, what in zip(*self._columns(data), strict=True):
            yield make[number](when, who, what)

    def rows(self, data: bytes) -> "Iterator[EventRow]":
        """Iterate over the events of the next chunk as rows; `RecordingError`."""
        which, *numbers = self._columns(data)
        return zip(map(self._templates.__getitem__, which), *numbers, strict=True)

    def _columns(self, data: bytes) -> "tuple[Sequence[int], ...]":
        """Return template, `at`, probe and value of each event; `RecordingError`."""
        try:
            chunk = _chunk_decoder.decode(_inflate(data))
            columns = [_read_column(c) for c in (chunk.which, chunk.at, chunk.probe, chunk.value)]
            self._add_templates(columns, chunk.templates)
        except (zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
            raise RecordingError(DAMAGED) from None
        which, at, probe, value = columns
        ats = list(accumulate(at, initial=self._last_at))
        probes = list(accumulate(probe, initial=self._last_probe))
        for numbers in ats, probes:
            if not -LARGEST <= min(numbers) <= max(numbers) < LARGEST:
                raise RecordingError(DAMAGED)
        self._last_at, self._last_probe = ats[-1], probes[-1]
        return which, ats[1:], probes[1:], value

    def _add_templates(self, columns: "list[array[int]]", templates: list[bytes]) -> None:
        """Add the templates of a chunk; `ValueError` if the block becomes too large."""
        which = columns[0]
        if len({len(column) for column in columns}) > 1:
            raise ValueError("half an event")
        self._events += len(which)
        self._sizes += map(len, templates)
        self.template_bytes += sum(map(len, templates))
        if max(self._events, len(self._sizes)) > BLOCK_EVENTS:
            raise ValueError("more than a block")
        if which and not 0 <= min(which) <= max(which) < len(self._sizes):
            raise ValueError("no such template")
        self._json_bytes += sum(map(self._sizes.__getitem__, which))
        if self._json_bytes > _MAX_JSON or self.template_bytes > _MAX_CHUNK:
            raise ValueError("more bytes than a block has")
        events = [ev.decode_event(line) for line in templates]
        self._templates += events
        self._makers += map(_event_maker, events)


class Block(NamedTuple):
    """The events of one block, and its size."""

    events: list[ev.Event]
    size: int
    """Bytes of its chunks in the file."""
    template_bytes: int
    """Bytes of its templates."""


def unpack_block(chunks: Iterable[bytes]) -> Block:
    """Return the block of these chunks; `RecordingError` if they are damaged."""
    unpacker = Unpacker()
    events: list[ev.Event] = []
    size = 0
    for chunk in _bounded(chunks):
        size += len(chunk)
        events += unpacker.events(chunk)
    return Block(events, size, unpacker.template_bytes)


def unpack_rows(chunks: Iterable[bytes]) -> list[EventRow]:
    """Return the rows of a block of these chunks; `RecordingError` if they are damaged."""
    unpacker = Unpacker()
    return [row for chunk in _bounded(chunks) for row in unpacker.rows(chunk)]


def unpack_templates(chunks: Iterable[bytes]) -> list[ev.Event]:
    """Return each event of a block once that differs from others in more than numbers.

    `RecordingError` if they are damaged.
    """
    try:
        read = [_chunk_decoder.decode(_inflate(chunk)) for chunk in _bounded(chunks)]
        return [ev.decode_event(line) for chunk in read for line in chunk.templates]
    except (zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise RecordingError(DAMAGED) from None


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks, as long as there are no more than a block has."""
    size = 0
    for count, chunk in enumerate(chunks):
        size += len(chunk)
        if count >= BLOCK_EVENTS or size > _MAX_CHUNK:
            raise RecordingError(DAMAGED)
        yield chunk


def _event_maker(template: ev.Event) -> Callable[[int, int, int], ev.Event]:
    match template:
        case ev.ProbeSent() | ev.ProbeLost() | ev.ProbeVoid():
            return lambda at, probe, _: replace(template, at=at, probe=probe)
        case ev.Reply():
            return lambda at, probe, rtt: replace(template, at=at, probe=probe, rtt=rtt)
        case ev.RoundBegan():
            return lambda at, _, number: replace(template, at=at, round=number)
    return lambda at, _probe, _value: replace(template, at=at)


def order_by_significance(numbers: "array[int]") -> bytes:
    """Return the bytes of all numbers, the least significant ones first: these compress well."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    raw = numbers.tobytes()
    return b"".join(raw[place::_WIDTH] for place in range(_WIDTH))


def _read_column(data: bytes) -> "array[int]":
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


def _deflate(raw: bytes, level: int) -> bytes:
    if len(raw) > _MAX_CHUNK:
        raise OverflowError("more than one value of a recording can hold")
    data = zlib.compress(raw, level)
    # a value that would inflate beyond the limit of `_inflate` is not compressed
    return data if len(raw) <= _max_inflated(data) else zlib.compress(raw, 0)


def _inflate(data: bytes, most: int | None = None) -> bytes:
    """Inflate a value; `ValueError` or `zlib.error` if it is cut or implausibly long."""
    inflater = zlib.decompressobj()
    raw = inflater.decompress(data, _max_inflated(data) if most is None else most)
    if not inflater.eof:
        raise ValueError("too long, or cut")
    return raw


def _max_inflated(data: bytes) -> int:
    return min(_MAX_CHUNK, _FREE + _RATIO * len(data))


def pack_checkpoint(state: SessionCheckpoint) -> bytes:
    """Return the compressed checkpoint; `OverflowError` if it is too large to be restored."""
    # weighed first: to encode what is far too large may take more memory than there is
    if len(state.runs) <= MAX_RUNS and memory_weight(state) <= MAX_MEMORY_WEIGHT:
        raw = msgspec.msgpack.encode(state)
        if len(raw) <= _MAX_CHECKPOINT:
            return zlib.compress(raw, _FAST)
    raise OverflowError("the session has grown beyond what can be played again")


def unpack_checkpoint(data: bytes) -> SessionCheckpoint:
    """Return the checkpoint that `pack_checkpoint` packed; `RecordingError` if it is damaged."""
    try:
        # no limit by ratio: runs without replies are all alike and compress to almost nothing
        state = _checkpoint_decoder.decode(_inflate(data, _MAX_CHECKPOINT))
    except (zlib.error, msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise RecordingError(DAMAGED) from None
    if memory_weight(state) > MAX_MEMORY_WEIGHT:
        raise RecordingError(DAMAGED)
    return state
