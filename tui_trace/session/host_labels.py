"""Who is at an address, in the words of the table. Pure text, and harmless: strangers wrote it."""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from tui_trace.core.cell_width import cell_width
from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo, Hop

_NAME_LEAST = 8
"""Cells of a name before its address, below which the address stands alone."""


class LabelMode(enum.StrEnum):
    """What the host column calls an address."""

    NAME = "name"
    """Its name where one is known."""
    ADDRESS = "address"
    BOTH = "name and address"


class HostLabels(NamedTuple):
    """Everybody who is known, and what to call them."""

    who: Mapping[str, AddressInfo] = {}
    calling: LabelMode = LabelMode.NAME

    def of(self, address: str) -> AddressInfo:
        """What is known of an address."""
        return self.who.get(address, UNKNOWN_HOST)

    def at(self, hop: Hop) -> tuple[AddressInfo, ...]:
        """What is known of those who answered at a hop."""
        return tuple(self.of(one.address) for one in hop.responders)

    def host(self, address: str, width: int | None = None) -> str:
        """What to call an address. In `width` cells a long name gives way to its address."""
        names = self.of(address).names
        if not names or self.calling is LabelMode.ADDRESS:
            return sanitize(address)
        name = sanitize(names[0])
        if self.calling is LabelMode.NAME:
            return name
        before = _shortened(name, address, width)
        return f"{before}({sanitize(address)})" if before else sanitize(address)

    def asn(self, address: str) -> str:
        """The AS numbers that announce an address: `64500`, `64500/64501`."""
        origin = self.of(address).origin
        return "/".join(map(str, origin.asns)) if origin is not None else ""


def _shortened(name: str, address: str, width: int | None) -> str:
    over = cell_width(name) + len(address) + 3 - (width or 10_000)
    if over <= 0:
        return f"{name} "
    if len(name) - over - 1 < _NAME_LEAST or not name.isascii():
        return ""
    return f"{name[: len(name) - over - 1]}… "


NO_LABELS = HostLabels()
