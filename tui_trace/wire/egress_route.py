"""By which address and interface probes leave, as the routing table has it now."""

import errno
import socket
from typing import NamedTuple

from tui_trace.core.settings import ProbeSettings
from tui_trace.wire import linux
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import SendError
from tui_trace.wire.send_errors import cannot_open, refusal

_ANY_PORT = 9
"""Discard: something to connect to, where the settings have no port. Nothing is sent."""


class EgressRoute(NamedTuple):
    """What the user said of how packets leave."""

    source: str
    """Address given by the user; empty: the routing table decides."""
    interface: int
    """Index; 0: the routing table decides."""


def open_socket(af: int, kind: int, protocol: int = 0) -> socket.socket:
    """Return a new socket; `SendError` says why there is none: no descriptor left, a sandbox."""
    try:
        return socket.socket(af, kind, protocol)
    except OSError as error:
        raise cannot_open(error) from None


def interface_index(name: str | None) -> int:
    """Return the index that an interface has now, 0 for None; `SendError` if there is none."""
    try:
        return socket.if_nametoindex(name) if name else 0
    except OSError:
        # libc asks by a socket of its own, and does not say if it could not open one
        open_socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        raise SendError(errno.ENODEV, f"interface {name} is not there") from None


def find_source_address(
    ip: IpVersion, target: str, settings: ProbeSettings, route: EgressRoute, tos: int = 0
) -> str:
    """Return the address that packets to `target` leave from now; `SendError` if none does.

    The kernel is asked by the connect() of a UDP socket, which sends nothing. `tos` is that of the
    sockets that will send, which policy routing looks at.
    """
    port = settings.port or _ANY_PORT
    with open_socket(ip.af, socket.SOCK_DGRAM) as asking:
        try:
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
