"""Sockets that need no rights, the probes they carry, and how many there may be.

Only the socket tells which probe an error is for, where a router quotes eight bytes: so a UDP
probe has a socket, and with it a source port, of its own until it is decided. The flow is then not
constant: load balancers may send probes of different ports different ways. It changes as little
as that allows, for the port that was given back last is the first to be used again.
"""

import socket
import struct

from tui_trace.core.settings import NS_PER_S, ProbeSettings, Protocol
from tui_trace.wire import linux
from tui_trace.wire.egress_route import EgressRoute
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import ProbeSpec
from tui_trace.wire.unprivileged.error_queue import listen, stamp_sending

_LINGER_RESET = struct.pack("@ii", 1, 0)

KEPT = 60 * NS_PER_S
"""How long an unanswered probe keeps its socket while there is room for others."""
KEPT_LEAST = 5 * NS_PER_S
"""And where there is none: as long as the engine waits for an answer at most, if it is not told."""


class ProbeSocket:
    """A bound socket."""

    def __init__(self, protocol: Protocol, ip: IpVersion, way: EgressRoute, port: int = 0) -> None:
        """Open it; `OSError` if that cannot be, `PermissionError` for ICMP that is not allowed."""
        self.protocol = protocol
        self.way = way
        self.carried: ProbeSpec | None = None
        """The probe that left last."""
        self.wall = 0
        """Nanoseconds since 1970, when its connect() began."""
        self._ip = ip
        self._ttl = 0
        self._dressed: ProbeSettings | None = None
        self._stamped: bool | None = None
        kind = socket.SOCK_STREAM if protocol is Protocol.TCP else socket.SOCK_DGRAM
        number = ip.icmp if protocol is Protocol.ICMP else 0
        self.sock = socket.socket(ip.af, kind, number)
        try:
            self._set_up(ip, way, port)
        except OSError:
            self.sock.close()
            raise
        self.handle = self.sock.fileno()
        self.port = int(self.sock.getsockname()[1])

    def _set_up(self, ip: IpVersion, way: EgressRoute, port: int) -> None:
        sock = self.sock
        listen(sock, ip)
        if ip.version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.protocol is Protocol.TCP:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            if way.interface:
                # connect() heeds no UNICAST_IF; this needs no right, once a socket
                name = socket.if_indextoname(way.interface).encode()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        elif way.interface:
            linux.leave_by_interface(sock, ip, way.interface)
        sock.bind(linux.socket_address(ip, way.source, port, way.interface))

    def dress(self, settings: ProbeSettings, ttl: int) -> None:
        """Have the next probe leave with these."""
        sock, level = self.sock, self._ip.level
        if settings is not self._dressed:
            self._dressed = None
            sock.setsockopt(level, self._ip.set_tos, settings.tos)
            sock.setsockopt(level, self._ip.mtu_discover, self._discovery(settings.df))
            linux.set_dont_route(sock, self._ip, settings.dont_route)
            self._dressed = settings
        if ttl != self._ttl:
            sock.setsockopt(level, self._ip.set_ttl, ttl)
            self._ttl = ttl

    def _discovery(self, df: bool) -> int:
        """No cached path MTU may refuse or fragment a probe. IPv6 never fragments on the way."""
        if self.protocol is Protocol.TCP:
            return linux.PMTUDISC_DO if df else linux.PMTUDISC_DONT
        return linux.PMTUDISC_PROBE if df or self._ip.version == 6 else linux.PMTUDISC_INTERFACE

    def stamp(self, scheduler: bool) -> None:
        """Have what it sends stamped; ICMP's many probes need the packet to be told apart."""
        if self._stamped is not scheduler:
            packets = self.protocol is Protocol.ICMP
            stamp_sending(self.sock, scheduler=scheduler, packets=packets)
            self._stamped = scheduler

    def close(self) -> None:
        """Give the port back. An open TCP connection is reset."""
        self.sock.close()


class IdlePool:
    """UDP's slots: free ones, last given back first out, and those that carry a probe."""

    def __init__(self) -> None:
        """Empty."""
        self._free: dict[EgressRoute, list[ProbeSocket]] = {}
        self._busy: dict[ProbeSocket, int] = {}

    def take(self, way: EgressRoute) -> ProbeSocket | None:
        """A free slot that leaves this way; `carry` comes next."""
        slots = self._free.get(way)
        return slots.pop() if slots else None

    def carry(self, slot: ProbeSocket, now: int) -> None:
        """It has a probe now, which was sent at monotonic ns `now`."""
        self._busy[slot] = now

    def give_back(self, slot: ProbeSocket) -> None:
        """Its probe is decided, and nothing that still comes could be taken for another's."""
        if self._busy.pop(slot, None) is not None:
            self._free.setdefault(slot.way, []).append(slot)

    def outlived(self, now: int) -> ProbeSocket | None:
        """Take out one whose probe will not be answered any more."""
        return self._oldest(now - KEPT)

    def spare(self, now: int) -> ProbeSocket | None:
        """Take out the one that is missed least; None if all carry probes that may be answered."""
        for slots in self._free.values():
            if slots:
                return slots.pop(0)
        return self._oldest(now - KEPT_LEAST)

    def _oldest(self, sent_before: int) -> ProbeSocket | None:
        slot = next(iter(self._busy), None)
        if slot is None or self._busy[slot] > sent_before:
            return None
        del self._busy[slot]
        return slot
