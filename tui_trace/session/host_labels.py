"""What to call the host at an address, for every view and every report.

Names come from strangers: every label is harmless for a terminal.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from tui_trace.core.cell_width import cell_width
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo, Hop, Responder

NO_REPLY = "(no reply)"
"""The label of a hop at which nothing answered."""
STALE = 10 * NS_PER_S
"""Nanoseconds after which an address that others answered in place of is listed last."""
_NAME_LEAST = 8
"""Cells of a name before its address, below which the address stands alone."""


class LabelMode(enum.StrEnum):
    """How a label names a host."""

    NAME = "name"
    """By name, or by address where no name is known."""
    ADDRESS = "address"
    BOTH = "name and address"
    """`gw.example (192.0.2.1)`, or the address alone where no name is known."""


def host_label(
    address: str, name: str | None, mode: LabelMode = LabelMode.NAME, width: int | None = None
) -> str:
    """Return the label of a host; `name` is None where none is known.

    With both in `width` cells, a long name is cut; where too little of it would be left, the
    address stands alone. The label may still be wider than `width`: nothing else is cut.
    """
    if name is None or mode is LabelMode.ADDRESS:
        return sanitize(address)
    if mode is LabelMode.NAME:
        return sanitize(name)
    before = _fitted(sanitize(name), address, width)
    return f"{before}({sanitize(address)})" if before else sanitize(address)


def _fitted(name: str, address: str, width: int | None) -> str:
    over = 0 if width is None else cell_width(name) + len(address) + 3 - width
    if over <= 0:
        return f"{name} "
    if len(name) - over - 1 < _NAME_LEAST or not name.isascii():
        return ""
    return f"{name[: len(name) - over - 1]}… "


def responders(hop: Hop) -> tuple[Responder, ...]:
    """Return the addresses of a hop in an order that does not jump.

    They are sorted; an address that was silent for `STALE` is last.
    """
    if len(hop.responders) < 2:
        return hop.responders
    newest = max(responder.seen for responder in hop.responders)
    return tuple(
        sorted(
            hop.responders,
            key=lambda one: (newest - one.seen > STALE, len(one.address), one.address),
        )
    )


class HostLabels(NamedTuple):
    """The labels of all hosts of a session."""

    hosts: Mapping[str, AddressInfo] = {}
    """What is known of each address."""
    mode: LabelMode = LabelMode.NAME

    def info(self, address: str) -> AddressInfo:
        """Return what is known of an address."""
        return self.hosts.get(address, UNKNOWN_HOST)

    def infos(self, hop: Hop) -> tuple[AddressInfo, ...]:
        """Return what is known of each address that answered at a hop."""
        return tuple(self.info(one.address) for one in hop.responders)

    def host(self, address: str, width: int | None = None) -> str:
        """Return the label of an address; see `host_label`."""
        return host_label(address, next(iter(self.info(address).names), None), self.mode, width)

    def hop(self, hop: Hop) -> str:
        """Return the label of the first of a hop's addresses, or `NO_REPLY`."""
        return self.host(responders(hop)[0].address) if hop.responders else NO_REPLY

    def asn(self, address: str) -> str:
        """Return the AS numbers that announce an address, `64500` or `64500/64501`, or nothing."""
        origin = self.info(address).origin
        return "/".join(map(str, origin.asns)) if origin is not None else ""

    def city(self, address: str) -> str:
        """Return city and country of an address, or nothing."""
        return sanitize(self.info(address).city)

    def exchange(self, address: str) -> str:
        """Return the exchange point of an address, or nothing."""
        return sanitize(self.info(address).exchange)


NO_LABELS = HostLabels()
"""Labels where nothing is known of any address."""
