"""By which address, interface and gateway probes leave, as the routing table has it now."""

import contextlib
import errno
import os
import socket
from typing import NamedTuple

from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire import linux
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import Egress, SendError
from tui_trace.wire.route_lookup import Route, RouteLookup, RouteQuery
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


def route_query(
    ip: IpVersion, target: str, settings: ProbeSettings, route: EgressRoute, mark: int = 0
) -> RouteQuery:
    """Return the question how probes of these settings leave.

    With their first ports: of several flows, or of a flow that varies, a rule for source ports may
    mean another route. The kernel tells no routes of other IP protocols than ICMP, UDP and TCP:
    those are looked up as ICMP, which has no ports either.
    """
    protocol = {Protocol.TCP: socket.IPPROTO_TCP, Protocol.UDP: socket.IPPROTO_UDP}
    transport = settings.protocol.transport
    has_ports = transport in protocol
    return RouteQuery(
        destination=target,
        source=route.source,
        interface=route.interface,
        tos=settings.tos,
        mark=mark,
        protocol=protocol.get(transport, ip.icmp),
        source_port=(settings.source_port or 0) if has_ports else 0,
        port=settings.port if has_ports else 0,
    )


def find_egress(
    ip: IpVersion, target: str, settings: ProbeSettings, route: EgressRoute, mark: int = 0
) -> Egress:
    """Return how packets to `target` leave now; `SendError` if none does.

    `mark` is that of the sockets that will send (SO_MARK).
    """
    query = route_query(ip, target, settings, route, mark)
    try:
        if settings.dont_route:
            return _egress_to_neighbour(ip, query)
        if query.source:
            _claim(ip, query)
        try:
            lookup = RouteLookup()
        except OSError:
            # a sandbox may allow no netlink: then at least the address is known
            return Egress(_connected_source(ip, query))
        with lookup:
            found = lookup.find(ip, query)
            source = query.source or found.source
            if ip.version == 4 and not query.source and source:
                # as connect() does: the address that was found may itself lead elsewhere
                found = lookup.find(ip, query._replace(source=source))
            if not source:
                raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
            return _described(lookup, source, found)
    except OSError as error:
        raise refusal(error, route.source, neighbours=settings.dont_route) from None


def _described(lookup: RouteLookup, source: str, found: Route) -> Egress:
    try:
        name = socket.if_indextoname(found.interface)
    except OSError:
        # libc asks by a socket of its own, and does not say if it could not open one
        open_socket(socket.AF_INET, socket.SOCK_DGRAM).close()
        raise
    mtu = found.mtu or lookup.interface_mtu(name)
    return Egress(source, name, found.gateway, mtu, found.interface)


def _egress_to_neighbour(ip: IpVersion, query: RouteQuery) -> Egress:
    """Return how packets leave without any gateway, which rtnetlink cannot be asked."""
    source = _connected_source(ip, query, dont_route=True)
    with contextlib.suppress(OSError), RouteLookup() as lookup:
        found = lookup.find(ip, query._replace(source=source))
        if not found.gateway:
            return _described(lookup, source, found)
    return Egress(source)


def _connected_source(ip: IpVersion, query: RouteQuery, *, dont_route: bool = False) -> str:
    """Return the address that a UDP socket has after connect(), which sends nothing."""
    with open_socket(ip.af, socket.SOCK_DGRAM) as asking:
        linux.set_dont_route(asking, ip, dont_route)
        linux.leave_by_interface(asking, ip, query.interface)
        if query.tos:
            asking.setsockopt(ip.level, ip.set_tos, query.tos)
        if query.source:
            asking.bind(linux.socket_address(ip, query.source, 0, query.interface))
        port = query.port or _ANY_PORT
        asking.connect(linux.socket_address(ip, query.destination, port, query.interface))
        return linux.host_and_port(asking.getsockname())[0]


def _claim(ip: IpVersion, query: RouteQuery) -> None:
    """Raise OSError unless the source address may be used on this machine."""
    with open_socket(ip.af, socket.SOCK_DGRAM) as asking:
        asking.bind(linux.socket_address(ip, query.source, 0, query.interface))
