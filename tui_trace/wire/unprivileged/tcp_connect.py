"""TCP probes without rights: each is the connect() of a socket of its own. tcp(7).

A connect() ends with an ICMP error, with the target's RST (ECONNREFUSED), or with its SYN/ACK: then
the connection is open, and is reset at once. A source port is used again as soon as its connect()
has ended, so that the flow changes little. If the connection was open, the port rests first. If no
reply came, the port is not used again: the target may hold the connection half open.
"""

import errno
import os
import socket
import struct
import time
from collections import deque

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, FlowMode, Protocol
from tui_trace.wire.linux import socket_address
from tui_trace.wire.network import OutgoingProbe
from tui_trace.wire.unprivileged.error_queue import QueuedIcmpError
from tui_trace.wire.unprivileged.probe_socket import ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets
from tui_trace.wire.unprivileged.udp_icmp import Route

CONNECT_TIMEOUT = 900 * NS_PER_MS
"""How long a connect() may take, in ns. The kernel retransmits an unanswered SYN after 1 s, and a
reply to that could not be distinguished from a reply to the first."""
FIRST_RETRANSMISSION = NS_PER_S
OPEN_PORT_REST = 3 * NS_PER_S
"""How long a port rests after its connection was open, in ns: our RST may still be in flight."""

_INFO_LENGTH = 104
_RTT_US, _RETRANSMITS = 68, 100
"""Offsets in struct tcp_info (linux/tcp.h)."""
_SYN_SENT = 2
_u32 = struct.Struct("@I")


class Ports:
    """Source ports that can be used again."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._resting: deque[tuple[int, int]] = deque()

    def take(self, now: int) -> int:
        """Return the port that was given back last, or 0: any port. `now` is monotonic ns."""
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        return self._free.pop() if self._free else 0

    def give_back(self, port: int, now: int, *, was_open: bool) -> None:
        """Take the port of a connect() that ended at `now` (monotonic ns)."""
        if was_open:
            self._resting.append((now + OPEN_PORT_REST, port))
        else:
            self._free.append(port)


class TcpConnector:
    """The connects that have not ended."""

    def __init__(self, pool: ProbeSockets) -> None:
        self._pool = pool
        self._ports = Ports()
        self._since: dict[ProbeSocket, int] = {}

    @property
    def next_deadline(self) -> int | None:
        """When the oldest connect is given up, in monotonic ns; None if there is none."""
        oldest = next(iter(self._since.values()), None)
        return None if oldest is None else oldest + CONNECT_TIMEOUT

    def send(self, probe: OutgoingProbe, route: Route, now: int) -> None:
        """Begin the connect of a probe; `SendError` or `OSError` if this machine refuses."""
        is_same_flow = probe.settings.flow is not FlowMode.VARY
        port = self._ports.take(now) if is_same_flow else 0
        try:
            self._connect(probe, route, now, port)
        except OSError as error:
            # another program uses the port, or this four-tuple, by now
            if not port or error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            self._connect(probe, route, now, 0)

    def take(self, probe_socket: ProbeSocket, wall: int) -> None:
        """Look how far a connect got; `wall` is when its socket was ready, in ns since 1970."""
        if self._take_error(probe_socket):
            return
        error = probe_socket.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        info = self._info(probe_socket)
        if not error and info[0] == _SYN_SENT:
            return
        probe = probe_socket.last_probe
        (rtt_us,) = _u32.unpack_from(info, _RTT_US)
        if probe is None or self._was_retransmitted(probe_socket):
            self._end(probe_socket)
        elif error == errno.ECONNREFUSED:
            self._refused(probe_socket, probe, wall)
        elif rtt_us:
            # the kernel's own RTT: from TCP's sending the SYN to TCP's receiving the SYN/ACK
            sent, received = probe_socket.wall, probe_socket.wall + rtt_us * 1000
            probe.wall, probe.stamp = sent, Stamp.SCHEDULER
            self._pool.add_target_reply(probe, ReplyKind.SYN_ACK, received, Stamp.SCHEDULER)
            self._ports.give_back(probe_socket.port, time.monotonic_ns(), was_open=True)
            self._end(probe_socket)
        else:
            self._end(probe_socket)

    def give_up(self, now: int) -> None:
        """End the connects that take too long; `now` is monotonic ns."""
        while self._since:
            probe_socket, since = next(iter(self._since.items()))
            if now - since < CONNECT_TIMEOUT:
                return
            self._end(probe_socket)

    def close(self) -> None:
        """Forget all connects; the pool has closed their sockets."""
        self._since.clear()

    def _connect(self, probe: OutgoingProbe, route: Route, now: int, port: int) -> None:
        probe_socket = self._pool.add(Protocol.TCP, route.egress, now, port)
        probe_socket.last_probe = probe
        self._since[probe_socket] = now
        try:
            probe_socket.apply_settings(probe.settings, probe.ttl)
        except OSError:
            self._end(probe_socket)
            raise
        place = socket_address(
            self._pool.ip, self._pool.address, probe.flow[1], route.egress.interface
        )
        probe_socket.wall = time.time_ns()
        result = probe_socket.sock.connect_ex(place)
        probe.wall = probe_socket.wall
        if result == errno.ECONNREFUSED:
            self._refused(probe_socket, probe, time.time_ns())
        elif result not in (0, errno.EINPROGRESS) and not self._take_error(probe_socket):
            self._end(probe_socket)
            raise OSError(result, os.strerror(result))

    def _take_error(self, probe_socket: ProbeSocket) -> bool:
        """Return whether an ICMP error ended the connect."""
        for entry in self._pool.errors(probe_socket):
            if isinstance(entry, QueuedIcmpError) and probe_socket.last_probe is not None:
                probe = probe_socket.last_probe
                if not self._was_retransmitted(probe_socket):
                    self._pool.add_router_reply(probe, entry)
                    self._ports.give_back(probe_socket.port, time.monotonic_ns(), was_open=False)
                self._end(probe_socket)
                return True
        return False

    def _refused(self, probe_socket: ProbeSocket, probe: OutgoingProbe, wall: int) -> None:
        self._pool.add_target_reply(probe, ReplyKind.RST, wall, Stamp.USER)
        self._ports.give_back(probe_socket.port, time.monotonic_ns(), was_open=False)
        self._end(probe_socket)

    def _was_retransmitted(self, probe_socket: ProbeSocket) -> bool:
        """Return whether the kernel sent the SYN again: then a reply may be for either SYN."""
        if time.monotonic_ns() - self._since[probe_socket] < FIRST_RETRANSMISSION:
            return False
        return bool(_u32.unpack_from(self._info(probe_socket), _RETRANSMITS)[0])

    def _info(self, probe_socket: ProbeSocket) -> bytes:
        return probe_socket.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_LENGTH)

    def _end(self, probe_socket: ProbeSocket) -> None:
        del self._since[probe_socket]
        self._pool.remove(probe_socket)
