"""JSON of strangers: split into its objects, and decoded within bounds."""

import re
from collections.abc import Iterator
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from tui_trace.core.settings import NS_PER_MS

MAX_DEPTH = 64
"""Most brackets around a value."""
_LONGEST_MS = 1e9
"""Most milliseconds of an RTT: eleven days."""
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_BETWEEN = b" \t\r\n\x1e,"
"""What may stand between two documents (RFC 7464 has a record separator there)."""

Text = Annotated[str, Meta(max_length=4096)]
Milliseconds = Annotated[float, Meta(ge=0, le=_LONGEST_MS)]
Seconds = Annotated[int, Meta(ge=0, le=1 << 33)]
"""Seconds since 1970."""
Small = Annotated[int, Meta(ge=0, le=1 << 31)]

_T = TypeVar("_T")


def split_documents(text: bytes) -> Iterator[bytes]:
    """Iterate over the objects and arrays that stand one after another in a text.

    `ValueError` if one is cut off, nested too deeply, or something else stands between them.
    """
    depth = start = end = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in b"{[":
            if not depth:
                start = token.start()
                _check_between(text[end:start])
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("nested too deeply")
        elif mark in b"}]":
            depth -= 1
            if depth < 0:
                raise ValueError("no JSON")
            if not depth:
                end = token.end()
                yield text[start:end]
        elif mark == b'"' or not depth:
            raise ValueError("cut off" if depth else "no JSON")
    if depth:
        raise ValueError("cut off")
    _check_between(text[end:])


def _check_between(text: bytes) -> None:
    if text.strip(_BETWEEN):
        raise ValueError("no JSON")


def elements(document: bytes) -> Iterator[bytes]:
    """Iterate over the objects of an array; an object is the only one of itself."""
    if not document.lstrip().startswith(b"["):
        yield document
        return
    for raw in msgspec.json.decode(document, type=list[msgspec.Raw]):
        yield bytes(raw)


def keys_of(document: bytes) -> dict[str, msgspec.Raw]:
    """Return an object with its values undecoded; `msgspec.MsgspecError` if it is none."""
    return msgspec.json.decode(document, type=dict[str, msgspec.Raw])


def ns(milliseconds: float | None) -> int | None:
    """Return a time in ns."""
    return None if milliseconds is None else round(milliseconds * NS_PER_MS)
