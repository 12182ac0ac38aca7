"""Any value of any event, by its annotations."""

from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

FAR = (1 << 62) - 1
"""Distances between two of these still fit 64 bits."""


WIDE = {
    "at": st.integers(-FAR, FAR),
    "probe": st.integers(-FAR, FAR),
    "round": st.integers(-FAR, FAR),
    "rtt": st.integers(-(1 << 63), (1 << 63) - 1),
}


PLAIN = {
    int: st.integers(0, 300),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=20),
    bool: st.booleans(),
    type(None): st.none(),
}


def values(annotation):
    """Any value of a field, as its annotation has it."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated and arguments[0] is not int:
        return st.floats(0, 1e18) if arguments[0] is float else values(arguments[0])
    if origin is Annotated:
        return st.integers(max(arguments[1].ge, 0), min(arguments[1].le, 300))
    if origin in (Union, UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if issubclass(annotation, msgspec.Struct):
        return structs(annotation)
    return st.sampled_from(annotation)


def structs(kind):
    fields = get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{f: WIDE[f] if f in WIDE else values(a) for f, a in fields.items()})
