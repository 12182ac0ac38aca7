"""Sockets that need no rights, and the probes that they carry.

If a router quotes only eight bytes, only the socket tells which probe an error belongs to. So a UDP
probe has its own socket, and with it its own source port, until it is decided. The flow is then not
constant: load balancers may send probes of different ports by different paths. To keep the flow as
constant as possible, the port that was given back last is the first to be used again.
"""

import contextlib
import socket
import struct

from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol
from tui_trace.wire import linux
from tui_trace.wire.egress_route import EgressRoute, open_socket
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import OutgoingProbe
from tui_trace.wire.unprivileged.error_queue import receive_errors_and_stamps, stamp_sending

_OTHER_TOS = 4
_LINGER_RESET = struct.pack("@ii", 1, 0)

KEEP_UNANSWERED = 60 * NS_PER_S
"""How long an unanswered probe keeps its socket while there is room for others, in ns."""
KEEP_UNANSWERED_LEAST = 5 * NS_PER_S
"""How long where there is no room: as long as the engine waits for a reply at most, by default."""


class ProbeSocket:
    """A socket that is bound and ready to send probes by one route."""

    def __init__(
        self, protocol: Protocol, ip: IpVersion, egress: EgressRoute, port: int = 0
    ) -> None:
        """Open and bind the socket; port 0: the kernel picks.

        `SendError` if there is no socket to be had, for ICMP also if this process may not send it;
        `OSError` if it cannot be bound.
        """
        self.protocol = protocol
        self.egress = egress
        self.last_probe: OutgoingProbe | None = None
        """The probe that left last."""
        self.wall = 0
        """Nanoseconds since 1970, when its connect() began."""
        self._ip = ip
        self._ttl = 0
        self._applied: ProbeSettings | None = None
        self._stamped: bool | None = None
        kind = socket.SOCK_STREAM if protocol is Protocol.TCP else socket.SOCK_DGRAM
        number = ip.icmp if protocol is Protocol.ICMP else 0
        self.sock = open_socket(ip.af, kind, number)
        try:
            self._set_up(ip, egress, port)
        except OSError:
            self.sock.close()
            raise
        self.handle = self.sock.fileno()
        self.port = int(self.sock.getsockname()[1])

    def _set_up(self, ip: IpVersion, egress: EgressRoute, port: int) -> None:
        sock = self.sock
        receive_errors_and_stamps(sock, ip)
        if ip.version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.protocol is Protocol.TCP:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            if egress.interface:
                # connect() ignores IP_UNICAST_IF. SO_BINDTODEVICE needs no right while the
                # socket is not bound to a device.
                name = socket.if_indextoname(egress.interface).encode()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        elif egress.interface:
            linux.leave_by_interface(sock, ip, egress.interface)
        sock.bind(linux.socket_address(ip, egress.source, port, egress.interface))

    def apply_settings(self, settings: ProbeSettings, ttl: int) -> None:
        """Have the next probe leave with this TTL and these settings; `OSError`."""
        sock, level = self.sock, self._ip.level
        if settings is not self._applied:
            self._applied = None
            sock.setsockopt(level, self._ip.set_tos, settings.tos)
            sock.setsockopt(level, self._ip.mtu_discover, self._discovery(settings.df))
            linux.set_dont_route(sock, self._ip, settings.dont_route)
            self._applied = settings
        if ttl != self._ttl:
            sock.setsockopt(level, self._ip.set_ttl, ttl)
            self._ttl = ttl

    def _discovery(self, df: bool) -> int:
        """Return the mode of path MTU discovery (ip(7)).

        No cached path MTU may refuse or fragment a probe. Routers never fragment IPv6.
        """
        if self.protocol is Protocol.TCP:
            return linux.PMTUDISC_DO if df else linux.PMTUDISC_DONT
        return linux.PMTUDISC_PROBE if df or self._ip.version == 6 else linux.PMTUDISC_INTERFACE

    def stamp(self, scheduler: bool) -> None:
        """Have the kernel stamp what the socket sends.

        An ICMP socket carries many probes: only the packet tells which one a stamp belongs to.
        """
        if self._stamped is not scheduler:
            packets = self.protocol is Protocol.ICMP
            stamp_sending(self.sock, scheduler=scheduler, packets=packets)
            self._stamped = scheduler

    def let_repeat(self, allowed: bool) -> None:
        """Keep the kernel from sending an unanswered SYN again, or from sending at all; or let it.

        Without gateways (socket(7) SO_DONTROUTE) it finds no route, and waits on for the reply. It
        looks for a route as the TOS changes. That does nothing over IPv6, nor for a neighbour.
        """
        tos = self._applied.tos if self._applied else 0
        dont_route = not allowed or (self._applied is not None and self._applied.dont_route)
        if self._ip.version == 4:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, int(dont_route))
                for value in (tos ^ _OTHER_TOS, tos):
                    self.sock.setsockopt(self._ip.level, self._ip.set_tos, value)

    def close(self) -> None:
        """Close the socket, which frees its port. An open TCP connection is reset."""
        self.sock.close()


class IdlePool:
    """The sockets of UDP: free ones, and those that carry a probe."""

    def __init__(self) -> None:
        self._free: dict[EgressRoute, list[ProbeSocket]] = {}
        self._busy: dict[ProbeSocket, int] = {}

    def take(self, egress: EgressRoute) -> ProbeSocket | None:
        """Return the socket of this route that was given back last; `carry` comes next."""
        probe_sockets = self._free.get(egress)
        return probe_sockets.pop() if probe_sockets else None

    def carry(self, probe_socket: ProbeSocket, now: int) -> None:
        """Note that the socket carries a probe, sent at `now` (monotonic ns)."""
        self._busy[probe_socket] = now

    def give_back(self, probe_socket: ProbeSocket) -> None:
        """Free a socket whose probe is decided.

        Only if nothing that still arrives there could be taken for the reply to another probe.
        """
        if self._busy.pop(probe_socket, None) is not None:
            self._free.setdefault(probe_socket.egress, []).append(probe_socket)

    def take_expired(self, now: int) -> ProbeSocket | None:
        """Take out a socket whose probe will not be answered any more; None if there is none."""
        return self._oldest(now - KEEP_UNANSWERED)

    def take_evictable(self, now: int) -> ProbeSocket | None:
        """Take out the least useful socket; None if all carry probes that may be answered."""
        for probe_sockets in self._free.values():
            if probe_sockets:
                return probe_sockets.pop(0)
        return self._oldest(now - KEEP_UNANSWERED_LEAST)

    def _oldest(self, sent_before: int) -> ProbeSocket | None:
        probe_socket = next(iter(self._busy), None)
        if probe_socket is None or self._busy[probe_socket] > sent_before:
            return None
        del self._busy[probe_socket]
        return probe_socket
