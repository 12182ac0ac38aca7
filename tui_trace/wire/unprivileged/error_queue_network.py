"""A target's view of the world without any right: the error queues of ordinary sockets.

UDP probes leave from sockets that carry one probe at a time (see `slots`): the destination port is
constant, the source port is not, and so the flow is not. What the engine calls a flow is a name
here that comes back with the answer. ICMP echo leaves from one socket whose identifier the kernel
picks; its flow is constant. TCP is `connect()`, a socket each: an open port completes the
handshake and is reset; a SYN has no options, flags or data of our choosing.

Quotes come without their headers, so no hop's view of TOS, TTL, addresses or IP ID is known. The
kernel stamps what arrives, and what UDP and ICMP send; TCP's SYN is stamped here just before
`connect()`. A SYN/ACK's RTT is the kernel's own (tcp(7) TCP_INFO); an RST is stamped here. What a
local filter drops is refused for UDP and ICMPv4; of TCP and ICMPv6 it is lost without a word.
"""

import errno
import os
import socket
import time

from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    ProbeSpec,
    QuoteDetails,
    ReceivedReply,
    SendError,
    SendStamp,
)
from tui_trace.wire.raw.sockets import GET_RIGHT
from tui_trace.wire.send_errors import refusal
from tui_trace.wire.unprivileged.error_queue import DIALECTS, UserSockets
from tui_trace.wire.unprivileged.probe_socket import EgressRoute, ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets
from tui_trace.wire.unprivileged.tcp_connect import Tcp
from tui_trace.wire.unprivileged.udp_icmp import Icmp, Route, Udp

_MAX_ROUTES = 64
"""Settings whose routes are kept."""

PING_ALLOWED_BY = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'


class ErrorQueueNetwork:
    """Implements `tui_trace.wire.network.Network` with the rights that everybody has."""

    def __init__(
        self,
        sockets: UserSockets,
        target_address: str,
        family: int,
        interface: str | None = None,
        source: str | None = None,
    ) -> None:
        """`interface` and `source` hold where the settings name none.

        `target_address` may carry a scope (`fe80::1%eth0`). `family` is 4 or 6.
        """
        address, _, scope = target_address.partition("%")
        self._dialect = DIALECTS[family]
        self._hub = hub = ProbeSockets(sockets, self._dialect, address)
        self.family = family
        self.address = hub.address
        self._interface = interface or scope or None
        self._source = source
        self._routes: dict[ProbeSettings, Route] = {}
        self._names = 0
        self._icmp, self._udp, self._tcp = Icmp(hub), Udp(hub), Tcp(hub)
        self._of: dict[Protocol, Icmp | Udp | Tcp] = {
            Protocol.ICMP: self._icmp,
            Protocol.UDP: self._udp,
            Protocol.TCP: self._tcp,
        }

    def open(self) -> None:
        """Make ready; nothing is shared with other targets but the event that wakes."""
        self._hub.open()

    def monotonic(self) -> int:
        """Nanoseconds that only move forward."""
        return time.monotonic_ns()

    def wall(self) -> int:
        """Nanoseconds since 1970 by CLOCK_REALTIME, which the kernel stamps by."""
        return time.time_ns()

    def source(self, settings: ProbeSettings) -> str:
        """The address that probes of these settings leave from now; `SendError` if none does.

        Asks the routing table and sends nothing. What takes rights is refused here, in words.
        """
        _refuse(settings, self.family)
        name = settings.interface or self._interface
        try:
            index = socket.if_nametoindex(name) if name else 0
        except OSError:
            raise SendError(errno.ENODEV, f"interface {name} is not there") from None
        way = EgressRoute(settings.source or self._source or "", index)
        try:
            asking = ProbeSocket(Protocol.UDP, self._dialect, way)
            with asking.sock as sock:
                asking.dress(settings, 1)
                sock.connect(self._dialect.place(self.address, settings.port or 9, index))
                source = str(sock.getsockname()[0]).partition("%")[0]
        except OSError as error:
            raise refusal(error, way.source, neighbours=settings.dont_route) from None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[settings] = Route(way, source)
        return source

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """A name for a flow; the socket's own port, or identifier, is the kernel's choice.

        `SendError` for a port that is asked for, and for ICMP that is not allowed.
        """
        if port is not None:
            raise _right(f"source port {port} takes")
        if protocol is Protocol.ICMP:
            refuse_icmp(self.family)
        self._names += 1
        return self._names

    def data_length(self, settings: ProbeSettings) -> int:  # noqa: ARG002
        """None: an answer to a `connect()` is told by its socket."""
        return 0

    def send(self, probe: ProbeSpec) -> None:
        """Send one probe; `SendError` if our kernel refuses."""
        settings = probe.settings
        if settings not in self._routes:
            self.source(settings)
        route = self._routes[settings]
        self._hub.mtu = None
        self._hub.remember(probe)
        try:
            self._of[settings.protocol].send(probe, route, time.monotonic_ns())
        except OSError as error:
            raise refusal(error, route.way.source, self._hub.mtu) from None

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        """Wait at most `timeout` ns, and take all there is. See `Network`."""
        hub, due = self._hub, self._tcp.due
        if hub.sent or hub.answers:
            timeout = 0
        elif due is not None:
            timeout = min(timeout, due - time.monotonic_ns())
        ready = hub.wait(timeout)
        wall = time.time_ns()
        for slot in ready:
            if slot in hub:
                self._of[slot.protocol].take(slot, wall)
        self._tcp.give_up(time.monotonic_ns())
        sent, answers = hub.sent, hub.answers
        hub.sent, hub.answers = [], []
        return sent, answers

    def quoted(self, probe: ProbeSpec, answer: ReceivedReply) -> QuoteDetails:  # noqa: ARG002
        """Nothing: no quote comes with its headers."""
        return NOTHING_QUOTED

    def wake(self) -> None:
        """End a `receive` early; thread-safe and from a signal handler too."""
        os.eventfd_write(self._hub.sockets.wake, 1)

    def close(self) -> None:
        """Close all that was opened for this target."""
        self._hub.close()
        self._icmp.close()
        self._tcp.close()


def _right(what: str) -> SendError:
    """`what` it is that takes a right, with its verb."""
    return SendError(errno.EPERM, f"{what} CAP_NET_RAW; {GET_RIGHT}")


def _refuse(settings: ProbeSettings, family: int) -> None:
    """`SendError` for what takes rights."""
    if settings.source_port is not None:
        raise _right(f"source port {settings.source_port} takes")
    if settings.protocol is Protocol.ICMP:
        refuse_icmp(family)
    if settings.protocol not in (Protocol.ICMP, Protocol.UDP, Protocol.TCP):
        raise _right("other IP protocols than ICMP, UDP and TCP take")
    if settings.flows > 1 and settings.protocol is not Protocol.ICMP:
        raise _right("several constant flows, but with --icmp, take")
    if settings.protocol is not Protocol.TCP:
        return
    if settings.no_tcp_options:
        raise _right("a SYN without options takes")
    if settings.tcp_flags is not TcpFlags.SYN:
        raise _right(f"TCP flags ({settings.tcp_flags.value}) take")
    usual = minimum_size(Protocol.TCP, family)
    if settings.size != usual:
        raise _right(f"a SYN of {settings.size} bytes (connect() sends {usual}) takes")
    if settings.tos & 3:
        raise _right("ECN bits in a SYN's TOS take")


def refuse_icmp(family: int) -> None:
    """`SendError`, with the way to get it, if this process may not send ICMP echo. icmp(7)."""
    dialect = DIALECTS[family]
    try:
        socket.socket(dialect.af, socket.SOCK_DGRAM, dialect.icmp).close()
    except PermissionError:
        words = f"ICMP echo is not allowed to this group; {PING_ALLOWED_BY} allows it to all"
        raise SendError(errno.EACCES, words) from None
    except OSError as error:
        raise refusal(error, "") from None
