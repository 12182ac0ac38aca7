"""Which program wrote a file, by what stands in it, whatever its name."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeAlias, TypeVar

import msgspec

from tui_trace.core.events import Event
from tui_trace.results.atlas import read_atlas
from tui_trace.results.errors import ResultError
from tui_trace.results.json_lines import read_json_lines
from tui_trace.results.json_text import elements, keys_of, split_documents
from tui_trace.results.mtr_json import read_mtr
from tui_trace.results.result_input import BYTE_ORDER_MARK, ResultInput
from tui_trace.results.scamper_json import read_scamper

Sessions: TypeAlias = Iterator[Iterator[Event]]
"""Each session must be read to its end, or given up, before the next one is asked for."""

_T = TypeVar("_T")
_BLAMED = (
    msgspec.MsgspecError,
    UnicodeError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
)
"""What the contents of a file can lead to."""
_KINDS = "JSON lines of tui-trace, mtr's -j, results of RIPE Atlas, scamper's JSON"
_RECORDING = b"SQLite format 3"
"""What a recording begins with."""


def read_sessions(source: ResultInput) -> Sessions:
    """Iterate over the sessions; `ResultError`, at any moment, if the file is none of results."""
    yield from _blaming(source.name, _sessions(source))


def looks_like_results(start: bytes) -> bool:
    """Return whether a file that begins so may have results: all formats are JSON."""
    return start.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[")


def _sessions(source: ResultInput) -> Sessions:
    objects = _objects(source)
    first = next(objects, None)
    if first is None:
        if source.is_stopped:
            return
        raise ValueError("empty")
    read = _reader_of(first)
    if read is read_json_lines:
        source.begin_following()
    for events in read(chain((first,), objects)):
        yield _blaming(source.name, events)


def _reader_of(first: bytes) -> Callable[[Iterator[bytes]], Sessions]:
    keys = keys_of(first)
    if "event" in keys:
        return read_json_lines
    if "report" in keys:
        return read_mtr
    if "prb_id" in keys or "msm_id" in keys:
        return read_atlas
    if "type" in keys:
        return read_scamper
    raise ValueError(f"none of {_KINDS}")


def _objects(source: ResultInput) -> Iterator[bytes]:
    """Iterate over the objects of a file, whether one stands on each line or not.

    A line is handed on as soon as it is there.
    """
    start = source.start()
    if not start:
        return
    if start.startswith(_RECORDING):
        raise ValueError("a recording is played from its file")
    if not looks_like_results(start):
        raise ValueError(f"none of {_KINDS}")
    if start.startswith(b"["):
        documents = split_documents(source.rest())
    else:
        lines = source.lines()
        first = next(lines)
        if _is_object(first):
            yield from _one_a_line(chain((first,), lines))
            return
        documents = split_documents(source.joined(chain((first,), lines)))
    for document in documents:
        yield from elements(document)


def _one_a_line(lines: Iterator[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield from elements(line)
            except msgspec.MsgspecError as error:
                raise ValueError(f"line {number}: {error}") from None


def _is_object(line: bytes) -> bool:
    try:
        keys_of(line)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _blaming(name: str, items: Iterator[_T]) -> Iterator[_T]:
    """Convert any error that the contents cause into `ResultError`."""
    try:
        yield from items
    except RecursionError:
        raise ResultError(f"{name}: nested too deeply") from None
    except _BLAMED as error:
        raise ResultError(f"{name}: {' '.join(str(error).split()) or 'unreadable'}") from None
