"""Where a raw socket has to send, so that a probe leaves as a real connection would.

The kernel routes what an IPPROTO_RAW socket sends as IP protocol 255 without ports, whatever header
the packet carries. Rules for a protocol, for ports or for a user (ip-rule(8)) then lead a real
connection elsewhere. But where the packet goes next and what its header says are two things for
such a socket: `sendto` takes the next router and its interface, and the header names the target.

Only where the two routes differ: IPsec policies (ip-xfrm(8)) are looked up by what `sendto` takes.
"""

import contextlib
import socket
from typing import NamedTuple

from tui_trace.wire import linux
from tui_trace.wire.linux import IpVersion, SocketAddress
from tui_trace.wire.network import Egress
from tui_trace.wire.route_lookup import RouteLookup, RouteQuery

_PROTOCOLS = (socket.IPPROTO_UDP, socket.IPPROTO_TCP)


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
    asked = NextHop(
        linux.socket_address(ip, query.destination, 0, query.interface), query.interface
    )
    if not egress.interface_index:
        return asked
    with contextlib.suppress(OSError), RouteLookup() as lookup:
        if _is_usual(lookup, ip, query._replace(uid=owner), egress):
            return asked
        # DONTROUTE: not by a gateway to the gateway. IPv6 has none, and needs none.
        flags = int(socket.MSG_DONTROUTE) if ip.version == 4 else 0
        next_address = egress.gateway or query.destination
        place = linux.socket_address(ip, next_address, 0, egress.interface_index)
        return NextHop(place, egress.interface_index, flags)
    return asked


def _is_usual(lookup: RouteLookup, ip: IpVersion, query: RouteQuery, egress: Egress) -> bool:
    """Return whether this route holds for packets of any protocol without ports.

    The kernel cannot be asked for protocol 255 (`RouteQuery.protocol`). Where three protocols agree
    no rule tells protocols apart.
    """
    for protocol in (ip.icmp, *_PROTOCOLS):
        try:
            found = lookup.find(ip, query._replace(protocol=protocol, port=0, source_port=0))
        except OSError:
            return False
        if (found.interface, found.gateway) != (egress.interface_index, egress.gateway):
            return False
    return True
