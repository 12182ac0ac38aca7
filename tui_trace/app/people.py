"""Who is at an address, in the words of the table. Pure text, and harmless: strangers wrote it."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from rich.cells import cell_len

from tui_trace.session.model import NOBODY, Hop, Who
from tui_trace.text import clean

_NAME_LEAST = 8
"""Cells of a name before its address, below which the address stands alone."""


class Calling(enum.StrEnum):
    """What the host column calls an address."""

    NAME = "name"
    """Its name where one is known."""
    ADDRESS = "address"
    BOTH = "name and address"


class People(NamedTuple):
    """Everybody who is known, and what to call them."""

    who: Mapping[str, Who] = {}
    calling: Calling = Calling.NAME

    def of(self, address: str) -> Who:
        """What is known of an address."""
        return self.who.get(address, NOBODY)

    def at(self, hop: Hop) -> tuple[Who, ...]:
        """What is known of those who answered at a hop."""
        return tuple(self.of(one.address) for one in hop.responders)

    def host(self, address: str, width: int | None = None) -> str:
        """What to call an address. In `width` cells a long name gives way to its address."""
        names = self.of(address).names
        if not names or self.calling is Calling.ADDRESS:
            return clean(address)
        name = clean(names[0])
        if self.calling is Calling.NAME:
            return name
        before = _shortened(name, address, width)
        return f"{before}({clean(address)})" if before else clean(address)

    def asn(self, address: str) -> str:
        """The AS numbers that announce an address: `64500`, `64500/64501`."""
        origin = self.of(address).origin
        return "/".join(map(str, origin.asns)) if origin is not None else ""


def _shortened(name: str, address: str, width: int | None) -> str:
    over = cell_len(name) + len(address) + 3 - (width or 10_000)
    if over <= 0:
        return f"{name} "
    if len(name) - over - 1 < _NAME_LEAST or not name.isascii():
        return ""
    return f"{name[: len(name) - over - 1]}… "


NO_PEOPLE = People()
