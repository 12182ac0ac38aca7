"""Where a raw socket has to send, so that a probe leaves as a real connection would.

The kernel routes what an IPPROTO_RAW socket sends as IP protocol 255 without ports, whatever header
the packet carries. Rules for a protocol, for ports or for a user (ip-rule(8)) then lead a real
connection elsewhere. But where the packet goes next and what its header says are two things for
such a socket: `sendto` takes the next router and its interface, and the header names the target.

Only where the two routes differ, and where naming the interface does not help: IPsec policies
(ip-xfrm(8)) are looked up by what `sendto` takes.
"""

import contextlib
import socket
from typing import NamedTuple

from tui_trace.wire import linux
from tui_trace.wire.linux import IpVersion, SocketAddress
from tui_trace.wire.network import Egress
from tui_trace.wire.route_lookup import RouteLookup, RouteQuery

_ALL_NODES = "ff02::1"


class NextHop(NamedTuple):
    """What a raw socket is told beside the packet."""

    address: SocketAddress
    interface: int
    """Index; 0: the routing table decides."""
    flags: int = 0


def find_next_hop(ip: IpVersion, query: RouteQuery, egress: Egress, owner: int) -> NextHop:
    """Return where to send the packet of `query`, so that it leaves as `egress` says.

    `owner` is the user whom the socket belongs to. Sends nothing, and never raises.
    """
    asked = _to_target(ip, query, query.interface)
    if not egress.interface_index:
        return asked
    with contextlib.suppress(OSError), RouteLookup() as lookup:
        for interface in (query.interface, egress.interface_index):
            if _is_usual(lookup, ip, query._replace(interface=interface, uid=owner), egress):
                return _to_target(ip, query, interface)
        return _to_neighbour(lookup, ip, query, egress)
    return asked


def _to_target(ip: IpVersion, query: RouteQuery, interface: int) -> NextHop:
    return NextHop(linux.socket_address(ip, query.destination, 0, interface), interface)


def _to_neighbour(lookup: RouteLookup, ip: IpVersion, query: RouteQuery, egress: Egress) -> NextHop:
    """Return how to reach the next router by its interface, whatever the rules say."""
    index = egress.interface_index
    if ip.version == 4:
        if ":" in egress.gateway:
            # no such address can be given to a socket of IPv4 (RFC 8950)
            return _to_target(ip, query, index)
        # DONTROUTE: by no gateway to the gateway
        place = linux.socket_address(ip, egress.gateway or query.destination, 0, index)
        return NextHop(place, index, int(socket.MSG_DONTROUTE))
    if not egress.gateway and not lookup.has_link_addresses(egress.interface):
        # There must be a route by this interface: every one has a route for multicast. A tunnel
        # takes what it is given for whomever the header names.
        return NextHop((_ALL_NODES, 0, 0, index), index)
    place = linux.socket_address(ip, egress.gateway or query.destination, 0, index)
    return NextHop(place, index)


def _is_usual(lookup: RouteLookup, ip: IpVersion, query: RouteQuery, egress: Egress) -> bool:
    """Return whether this route holds for packets of any protocol without ports.

    The kernel cannot be asked for protocol 255 (`RouteQuery.protocol`). Where three protocols agree
    no rule tells protocols apart; and without several next hops, nothing else does.
    """
    packets = [
        query._replace(protocol=protocol, port=0, source_port=0)
        for protocol in (ip.icmp, socket.IPPROTO_UDP, socket.IPPROTO_TCP)
    ]
    try:
        routes = [lookup.find(ip, packet) for packet in packets]
        if lookup.has_several_next_hops(ip, packets[0]):
            return False
    except OSError:
        return False
    wanted = egress.interface_index, egress.gateway
    return all((found.interface, found.gateway) == wanted for found in routes)
