"""Ranges of numbers, checked when events and checkpoints are decoded: a file may be forged.

msgspec checks them when it decodes (`msgspec.Meta`), not when this program makes a value.
"""

from typing import Annotated

from msgspec import Meta

LARGEST = 1 << 63

Int64 = Annotated[int, Meta(ge=-LARGEST, le=LARGEST - 1)]
"""A number that fits into a column of a recording."""
Count = Annotated[int, Meta(ge=0, le=LARGEST - 1)]
Measure = Annotated[float, Meta(ge=0, le=float(LARGEST))]
"""A time in ns that was computed."""
Ttl = Annotated[int, Meta(ge=0, le=255)]
"""A TTL or hop limit."""
Byte = Annotated[int, Meta(ge=0, le=255)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
