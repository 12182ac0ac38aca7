"""The network of one target, without any right: the error queues of ordinary sockets.

UDP probes, and so those of QUIC, leave from sockets that carry one probe at a time (see
`probe_socket`): the destination port is constant, but the source port is not, so the flow is not
constant. The flow that the engine asks for is only a number here, which comes back with the reply.
ICMP echo leaves from one socket, whose identifier the kernel picks; its flow is constant. A TCP
probe is the `connect()` of a socket of its own: an open port completes the handshake and is reset.
Options, flags and data of the SYN cannot be chosen.

Quotes come without their IP headers. So it is unknown which TOS, TTL, addresses or IP ID a router
received. The kernel stamps what arrives, and what UDP and ICMP send; a SYN is stamped in user space
just before `connect()`, and repeated by the kernel after 1 s (see `syn_repeats`). The RTT of a
SYN/ACK is the kernel's own (tcp(7) TCP_INFO); an RST is stamped in user space. If a local filter
drops a probe, UDP and ICMPv4 report it as refused; TCP and ICMPv6 lose it silently.
"""

import errno
import os
import random
import socket
import time
from collections.abc import Collection, Iterable
from typing import Generic, cast

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.egress_route import EgressRoute, find_egress, interface_index
from tui_trace.wire.linux import IP_VERSIONS
from tui_trace.wire.network import Answer, Egress, OutgoingProbe, ProbeT, Received, SendError
from tui_trace.wire.probe_ids import ProbeIdGenerator
from tui_trace.wire.raw.sockets import GET_RIGHT
from tui_trace.wire.send_errors import cannot_open, refusal
from tui_trace.wire.unprivileged.error_queue import UserSockets
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets
from tui_trace.wire.unprivileged.tcp_connect import USUAL_PATIENCE, TcpConnector
from tui_trace.wire.unprivileged.udp_icmp import IcmpSender, Route, UdpSender

_MAX_ROUTES = 64
"""Settings whose routes are kept."""

PING_ALLOWED_BY = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'


def arrival(answer: Answer[OutgoingProbe]) -> int:
    """Return when a reply came for one that has to be sorted among others, in ns since 1970.

    After a repeated SYN the time of a SYN/ACK is known to the millisecond; it must not seem to
    come before the routers' replies of that millisecond, which show how long the way takes.
    """
    wall = answer.reply.wall
    return wall + NS_PER_MS if answer.reply.kind is ReplyKind.SYN_ACK else wall


class ErrorQueueNetwork(Generic[ProbeT]):
    """Implement `tui_trace.wire.network.Network` without CAP_NET_RAW."""

    def __init__(
        self,
        sockets: UserSockets,
        target_address: str,
        family: int,
        interface: str | None = None,
        source: str | None = None,
        *,
        patience: int = USUAL_PATIENCE,
    ) -> None:
        """Open nothing yet. `interface` and `source` are used where the settings name none.

        `target_address` may carry a scope (`fe80::1%eth0`). `family` is 4 or 6. `patience`: how
        long a connect() lives, in ns.
        """
        address, _, scope = target_address.partition("%")
        self._ip = IP_VERSIONS[family]
        self._pool = pool = ProbeSockets(sockets, self._ip, address)
        self.family = family
        self.keeps_ports = False
        self.address = pool.address
        self._interface = interface or scope or None
        self._source = source
        self._routes: dict[ProbeSettings, Route] = {}
        self._flow_names = 0
        self._ids = ProbeIdGenerator(random.SystemRandom())
        self._icmp, self._udp = IcmpSender(pool), UdpSender(pool)
        self._tcp = TcpConnector(pool, patience)
        self._by_protocol: dict[Protocol, IcmpSender | UdpSender | TcpConnector] = {
            Protocol.ICMP: self._icmp,
            Protocol.UDP: self._udp,
            Protocol.QUIC: self._udp,
            Protocol.TCP: self._tcp,
        }

    @property
    def wire(self) -> "ErrorQueueNetwork[ProbeT]":
        """Return itself: its sockets serve this target only."""
        return self

    def open(self) -> None:
        """Make ready for sockets. Other targets share only the event that wakes a `receive`."""
        self._pool.open()

    def monotonic(self) -> int:
        """Return nanoseconds that only move forward."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """Return nanoseconds since 1970 by CLOCK_REALTIME, as the kernel's stamps are."""
        return time.time_ns()

    def egress(self, settings: ProbeSettings) -> Egress:
        """Return how probes of these settings leave now. See `Network`.

        `SendError` also for settings that need CAP_NET_RAW. Sends nothing.
        """
        _refuse_privileged(settings, self.family)
        index = interface_index(settings.interface or self._interface)
        egress = EgressRoute(settings.source or self._source or "", index)
        found = find_egress(self._ip, self.address, settings, egress)
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[settings] = Route(egress, found.source)
        return found

    def reserve_port(
        self,
        protocol: Protocol,
        port: int | None = None,
        *,
        is_spare: bool = False,  # noqa: ARG002
    ) -> int:
        """Return a number for a flow; the kernel picks the port, or identifier, of each socket.

        `SendError` if `port` is given, and for ICMP if this process may not send it.
        """
        if port is not None:
            raise _missing_right(f"source port {port} takes")
        if protocol is Protocol.ICMP:
            refuse_icmp(self.family)
        self._flow_names += 1
        return self._flow_names

    def send(self, probe: ProbeT) -> None:
        """Give a probe its ID and send it; `SendError` if this machine's kernel refuses."""
        settings = probe.settings
        if settings not in self._routes:
            self.egress(settings)
        route = self._routes[settings]
        self._pool.mtu = None
        probe.target = self.address
        probe.key, probe.ip_id = self._ids.next_ids(settings.protocol, 0)
        self._pool.remember(probe)
        try:
            self._by_protocol[settings.protocol].send(probe, route, time.monotonic_ns())
        except OSError as error:
            raise refusal(error, route.egress.source, self._pool.mtu) from None

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[ProbeT]:  # noqa: ARG002
        """Wait at most `timeout` ns, and return all that came. See `Network`.

        A reply always ends the wait: of TCP, it is stamped when it is read.
        """
        pool, next_deadline = self._pool, self._tcp.next_deadline
        if pool.answers:
            timeout = 0
        elif next_deadline is not None:
            timeout = min(timeout, next_deadline - time.monotonic_ns())
        ready = pool.wait(timeout)
        wall = time.time_ns()
        for probe_socket in ready:
            if probe_socket in pool:
                self._by_protocol[probe_socket.protocol].take(probe_socket, wall)
        self._tcp.give_up(time.monotonic_ns())
        answers, pool.answers = pool.answers, []
        answers.sort(key=arrival)
        return Received(cast(list[Answer[ProbeT]], answers))

    def handles(self, *, wake_on_reply: bool) -> Collection[int]:
        """Return the file descriptors to wait for. See `Network`."""
        return (self._pool.handle,) if wake_on_reply else (self._pool.user_sockets.wake,)

    def collect(self) -> Iterable[tuple["ErrorQueueNetwork[ProbeT]", Received[ProbeT]]]:
        """Return all that came. See `Network`."""
        received = self.receive(0)
        return ((self, received),) if received.answers else ()

    def wake(self) -> None:
        """End a `receive` early; for any thread, and for signal handlers."""
        os.eventfd_write(self._pool.user_sockets.wake, 1)

    def close(self) -> None:
        """Close all sockets that were opened for this target."""
        self._pool.close()
        self._icmp.close()
        self._tcp.close()


def _missing_right(what: str) -> SendError:
    """Return the error that begins with `what`: a subject and its verb, "take" or "takes"."""
    return SendError(errno.EPERM, f"{what} CAP_NET_RAW; {GET_RIGHT}")


def _refuse_privileged(settings: ProbeSettings, family: int) -> None:
    """Raise `SendError` for settings that need CAP_NET_RAW."""
    if settings.source_port is not None:
        raise _missing_right(f"source port {settings.source_port} takes")
    if settings.protocol is Protocol.ICMP:
        refuse_icmp(family)
    if settings.protocol is Protocol.IP:
        raise _missing_right("other IP protocols than ICMP, UDP and TCP take")
    if settings.flows > 1 and settings.protocol is not Protocol.ICMP:
        raise _missing_right("several constant flows, but with --icmp, take")
    if settings.protocol is not Protocol.TCP:
        return
    if settings.no_tcp_options:
        raise _missing_right("a SYN without options takes")
    if settings.tcp_flags is not TcpFlags.SYN:
        raise _missing_right(f"TCP flags ({settings.tcp_flags.value}) take")
    usual = minimum_size(Protocol.TCP, family)
    if settings.size != usual:
        raise _missing_right(f"a SYN of {settings.size} bytes (connect() sends {usual}) takes")
    if settings.tos & 3:
        raise _missing_right("ECN bits in a SYN's TOS take")


def refuse_icmp(family: int) -> None:
    """Raise `SendError`, which says what allows it, if this process may not send ICMP echo.

    icmp(7).
    """
    ip = IP_VERSIONS[family]
    try:
        socket.socket(ip.af, socket.SOCK_DGRAM, ip.icmp).close()
    except PermissionError:
        words = f"ICMP echo is not allowed to this group; {PING_ALLOWED_BY} allows it to all"
        raise SendError(errno.EACCES, words) from None
    except OSError as error:
        raise cannot_open(error) from None
