"""TCP probes without rights: connect(), a socket each. tcp(7).

What ends a connect() is an ICMP error, the target's RST (ECONNREFUSED) or its SYN/ACK, after which
the connection is open and reset at once. A source port is used again as soon as its connect is
decided, so that the flow changes little; not at once where the connection was open, and never where
nothing came, for the target may hold it half open.
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
from tui_trace.wire.network import ProbeSpec, SendStamp
from tui_trace.wire.unprivileged.error_queue import Failure
from tui_trace.wire.unprivileged.probe_socket import ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets
from tui_trace.wire.unprivileged.udp_icmp import Route

CONNECT_FOR = 900 * NS_PER_MS
"""ns that a connect() may take. The kernel repeats an unanswered SYN after 1 s, and an answer to
that could not be told from one to ours."""
FIRST_REPEAT = NS_PER_S
OPEN_REST = 3 * NS_PER_S
"""How long a port rests whose connection was open: our RST may still be on its way."""

_INFO_LENGTH = 104
_RTT_US, _RETRANSMITS = 68, 100
"""Offsets in struct tcp_info (linux/tcp.h)."""
_SYN_SENT = 2
_u32 = struct.Struct("@I")


class Ports:
    """Source ports whose connect is over."""

    def __init__(self) -> None:
        """None is known: the kernel picks."""
        self._free: list[int] = []
        self._resting: deque[tuple[int, int]] = deque()

    def take(self, now: int) -> int:
        """The port given back last, or 0: any. Monotonic ns."""
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        return self._free.pop() if self._free else 0

    def give_back(self, port: int, now: int, *, was_open: bool) -> None:
        """It is decided what became of its connect."""
        if was_open:
            self._resting.append((now + OPEN_REST, port))
        else:
            self._free.append(port)


class Tcp:
    """Connects under way."""

    def __init__(self, hub: ProbeSockets) -> None:
        """None yet."""
        self._hub = hub
        self._ports = Ports()
        self._since: dict[ProbeSocket, int] = {}

    @property
    def due(self) -> int | None:
        """When the next one is given up, in monotonic ns; None if there is none."""
        oldest = next(iter(self._since.values()), None)
        return None if oldest is None else oldest + CONNECT_FOR

    def send(self, probe: ProbeSpec, route: Route, now: int) -> None:
        """Begin one; `SendError` or `OSError`."""
        is_same_flow = probe.settings.flow is not FlowMode.VARY
        port = self._ports.take(now) if is_same_flow else 0
        try:
            self._connect(probe, route, now, port)
        except OSError as error:
            # somebody else has the port, or this four-tuple, by now
            if not port or error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            self._connect(probe, route, now, 0)

    def take(self, slot: ProbeSocket, wall: int) -> None:
        """See how far one got; `wall` is when that was noticed, in ns since 1970."""
        if self._take_error(slot):
            return
        error = slot.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        info = self._info(slot)
        if not error and info[0] == _SYN_SENT:
            return
        probe = slot.carried
        (rtt_us,) = _u32.unpack_from(info, _RTT_US)
        if probe is None or self._was_repeated(slot):
            self._end(slot)
        elif error == errno.ECONNREFUSED:
            self._refused(slot, probe, wall)
        elif rtt_us:
            # the kernel's own, from TCP's sending the SYN to TCP's taking the SYN/ACK
            sent, received = slot.wall, slot.wall + rtt_us * 1000
            self._hub.sent.append(
                SendStamp(Protocol.TCP, probe.flow, probe.key, Stamp.SCHEDULER, sent)
            )
            self._hub.answer_of_target(probe, ReplyKind.SYN_ACK, received, Stamp.SCHEDULER)
            self._ports.give_back(slot.port, time.monotonic_ns(), was_open=True)
            self._end(slot)
        else:
            self._end(slot)

    def give_up(self, now: int) -> None:
        """End those that take too long."""
        while self._since:
            slot, since = next(iter(self._since.items()))
            if now - since < CONNECT_FOR:
                return
            self._end(slot)

    def close(self) -> None:
        """The hub has closed the sockets."""
        self._since.clear()

    def _connect(self, probe: ProbeSpec, route: Route, now: int, port: int) -> None:
        slot = self._hub.add(Protocol.TCP, route.egress, now, port)
        slot.carried = probe
        self._since[slot] = now
        try:
            slot.dress(probe.settings, probe.ttl)
        except OSError:
            self._end(slot)
            raise
        place = socket_address(
            self._hub.ip, self._hub.address, probe.flow[1], route.egress.interface
        )
        slot.wall = time.time_ns()
        result = slot.sock.connect_ex(place)
        self._hub.sent.append(SendStamp(Protocol.TCP, probe.flow, probe.key, Stamp.USER, slot.wall))
        if result == errno.ECONNREFUSED:
            self._refused(slot, probe, time.time_ns())
        elif result not in (0, errno.EINPROGRESS) and not self._take_error(slot):
            self._hub.sent.pop()
            self._end(slot)
            raise OSError(result, os.strerror(result))

    def _take_error(self, slot: ProbeSocket) -> bool:
        """An ICMP error decides it."""
        for entry in self._hub.errors(slot):
            if isinstance(entry, Failure) and slot.carried is not None:
                probe = slot.carried
                if not self._was_repeated(slot):
                    self._hub.answer_of_router(Protocol.TCP, probe.flow, probe.key, entry)
                    self._ports.give_back(slot.port, time.monotonic_ns(), was_open=False)
                self._end(slot)
                return True
        return False

    def _refused(self, slot: ProbeSocket, probe: ProbeSpec, wall: int) -> None:
        self._hub.answer_of_target(probe, ReplyKind.RST, wall, Stamp.USER)
        self._ports.give_back(slot.port, time.monotonic_ns(), was_open=False)
        self._end(slot)

    def _was_repeated(self, slot: ProbeSocket) -> bool:
        """Our kernel sent the SYN again before we came to end it: which one was answered?"""
        if time.monotonic_ns() - self._since[slot] < FIRST_REPEAT:
            return False
        return bool(_u32.unpack_from(self._info(slot), _RETRANSMITS)[0])

    def _info(self, slot: ProbeSocket) -> bytes:
        return slot.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_LENGTH)

    def _end(self, slot: ProbeSocket) -> None:
        del self._since[slot]
        self._hub.remove(slot)
