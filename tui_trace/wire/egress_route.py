"""By which address and interface probes leave, as the routing table has it now."""

import errno
import socket
from typing import NamedTuple

from tui_trace.core.settings import ProbeSettings
from tui_trace.wire import linux
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import SendError
from tui_trace.wire.send_errors import refusal

_ANY_PORT = 9
"""Discard: something to connect to, where the settings have no port. Nothing is sent."""


class EgressRoute(NamedTuple):
    """What the user said of how packets leave."""

    source: str
    """Address given by the user; empty: the routing table decides."""
    interface: int
    """Index; 0: the routing table decides."""


def interface_index(name: str | None) -> int:
    """Return the index that an interface has now, 0 for None; `SendError` if there is none."""
    try:
        return socket.if_nametoindex(name) if name else 0
    except OSError:
        raise SendError(errno.ENODEV, f"interface {name} is not there") from None


def find_source_address(
    ip: IpVersion, target: str, settings: ProbeSettings, route: EgressRoute, tos: int = 0
) -> str:
    """Return the address that packets to `target` leave from now; `SendError` if none does.

    The kernel is asked by the connect() of a UDP socket, which sends nothing. `tos` is that of the
    sockets that will send, which policy routing looks at.
    """
    port = settings.port or _ANY_PORT
    try:
        with socket.socket(ip.af, socket.SOCK_DGRAM) as asking:
            linux.set_dont_route(asking, ip, settings.dont_route)
            linux.leave_by_interface(asking, ip, route.interface)
            if tos:
                asking.setsockopt(ip.level, ip.set_tos, tos)
            if route.source:
                asking.bind(linux.socket_address(ip, route.source, 0, route.interface))
            asking.connect(linux.socket_address(ip, target, port, route.interface))
            address, _ = linux.host_and_port(asking.getsockname())
            return address
    except OSError as error:
        raise refusal(error, route.source, neighbours=settings.dont_route) from None
