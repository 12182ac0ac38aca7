"""Ranges of numbers, checked where events and states are decoded: a file may come from anybody.

msgspec checks them as it decodes (`msgspec.Meta`), never as this program makes a value.
"""

from typing import Annotated

from msgspec import Meta

LARGEST = 1 << 63

Int64 = Annotated[int, Meta(ge=-LARGEST, le=LARGEST - 1)]
"""What fits a column of a recording, and is written out in no time."""
Count = Annotated[int, Meta(ge=0, le=LARGEST - 1)]
Ttl = Annotated[int, Meta(ge=0, le=255)]
"""A TTL or hop limit: there are no more rows than these."""
Byte = Annotated[int, Meta(ge=0, le=255)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
