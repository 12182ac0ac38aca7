"""TCP probes without rights: each is the connect() of a socket of its own. tcp(7).

A connect() ends with an ICMP error, with the target's RST (ECONNREFUSED), or with its SYN/ACK: then
the connection is open, and is reset at once. It lives as long as the engine waits for a reply, and
meanwhile the kernel repeats the SYN, unless it can be kept from that: `syn_repeats` says which SYN
a reply answers. A source port is
used again as soon as its connect() has ended, so that the flow changes little. If the connection
was open or the SYN repeated, the port rests first. If no reply came, the port is not used again:
the target may hold the connection half open.
"""

import errno
import os
import socket
import struct
import time
from collections import deque
from itertools import islice
from typing import NamedTuple

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, FlowMode, Protocol
from tui_trace.wire.linux import socket_address
from tui_trace.wire.network import Answer, Answers, OutgoingProbe, ReceivedReply
from tui_trace.wire.unprivileged.error_queue import QueuedIcmpError
from tui_trace.wire.unprivileged.probe_socket import KEEP_UNANSWERED, ProbeSocket
from tui_trace.wire.unprivileged.socket_pool import ProbeSockets
from tui_trace.wire.unprivileged.syn_repeats import (
    REPETITION,
    FastestReplies,
    quoted_timestamp,
)
from tui_trace.wire.unprivileged.udp_icmp import Route

USUAL_PATIENCE = 5 * NS_PER_S
"""How long a connect() lives, in ns: as long as the engine waits for a reply, by default."""
LEAST_PATIENCE = 900 * NS_PER_MS
"""How long where another probe needs its socket: until just before the kernel repeats the SYN."""
DECIDED_BEFORE = 100 * NS_PER_MS
"""How long (ns) before its connect() would be given up a reply in doubt is handed over."""
OPEN_PORT_REST = 3 * NS_PER_S
"""How long a port rests after its connection was open, in ns: our RST may still be in flight."""

_INFO_LENGTH = 104
_OPTIONS, _LAST_ACK_MS, _RTT_US, _ALL_REPETITIONS = 5, 56, 68, 100
"""Offsets in struct tcp_info (linux/tcp.h)."""
_HAS_TIMESTAMPS = 1
_SYN_SENT = 2
_TCP_TIMESTAMP = 24
_u32 = struct.Struct("@I")


class _Late(NamedTuple):
    """A reply that came after the kernel had repeated the SYN."""

    probe: OutgoingProbe
    reply: ReceivedReply
    elapsed: int
    """Nanoseconds after the probe."""
    is_likely: bool
    """See `FastestReplies.judge`."""
    decided_at: int
    """Monotonic ns, when it can no longer wait for other replies to show what it answers."""


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

    def give_back(self, port: int, now: int, *, rests: bool) -> None:
        """Take the port of a connect() that ended at `now` (monotonic ns)."""
        if rests:
            self._resting.append((now + OPEN_PORT_REST, port))
        else:
            self._free.append(port)


class TcpConnector:
    """The connects that have not ended."""

    def __init__(self, pool: ProbeSockets, patience: int = USUAL_PATIENCE) -> None:
        """`patience`: how long a connect() lives, in ns; a minute at most."""
        self._pool = pool
        self._patience = min(patience, KEEP_UNANSWERED)
        self._ports = Ports()
        self._since: dict[ProbeSocket, int] = {}
        self._repeating: dict[ProbeSocket, None] = {}
        """Those whose SYN the kernel will repeat."""
        self._fastest = FastestReplies()
        self._late: list[_Late] = []

    @property
    def next_deadline(self) -> int | None:
        """When `give_up` has something to do, in monotonic ns; None if nothing waits."""
        times = [late.decided_at for late in self._late]
        times += [since + self._patience for since in islice(self._since.values(), 1)]
        times += [self._since[each] + LEAST_PATIENCE for each in islice(self._repeating, 1)]
        return min(times, default=None)

    def send(self, probe: OutgoingProbe, route: Route, now: int) -> None:
        """Begin the connect of a probe; `SendError` or `OSError` if this machine refuses."""
        is_same_flow = probe.settings.flow is not FlowMode.VARY
        oldest = next(iter(self._since), None)
        if oldest is not None and self._pool.is_full and self._age(oldest, now) >= LEAST_PATIENCE:
            self._end(oldest)
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
        if info[0] == _SYN_SENT:
            return  # an error that is not for good: no route for a repetition
        probe = probe_socket.last_probe
        (rtt_us,) = _u32.unpack_from(info, _RTT_US)
        if probe is None:
            self._end(probe_socket)
        elif error == errno.ECONNREFUSED:
            self._refused(probe_socket, probe, wall)
        elif rtt_us or (not error and self._was_repeated(probe_socket)):
            self._accepted(probe_socket, probe, wall, info)
        else:
            self._end(probe_socket)

    def give_up(self, now: int) -> None:
        """End the connects that take too long; `now` is monotonic ns."""
        while self._repeating:
            probe_socket = next(iter(self._repeating))
            if self._age(probe_socket, now) < LEAST_PATIENCE:
                break
            del self._repeating[probe_socket]
            probe_socket.let_repeat(False)
        while self._since:
            probe_socket = next(iter(self._since))
            if self._age(probe_socket, now) < self._patience:
                break
            self._end(probe_socket)
        if self._late:
            waiting, self._late = self._late, []
            for late in waiting:
                self._judge(late, now)

    def close(self) -> None:
        """Forget all connects; the pool has closed their sockets."""
        self._since.clear()
        self._repeating.clear()
        self._late.clear()

    def _age(self, probe_socket: ProbeSocket, now: int) -> int:
        return now - self._since[probe_socket]

    def _connect(self, probe: OutgoingProbe, route: Route, now: int, port: int) -> None:
        probe_socket = self._pool.add(Protocol.TCP, route.egress, now, port)
        probe_socket.last_probe = probe
        self._since[probe_socket] = now
        self._repeating[probe_socket] = None
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
                reply = self._pool.router_reply(probe, entry)
                if reply is not None:
                    rtt = self._quoted_rtt(probe_socket, entry)
                    self._ended(probe_socket, probe, reply, rtt)
                self._end(probe_socket)
                return True
        return False

    def _quoted_rtt(self, probe_socket: ProbeSocket, entry: QueuedIcmpError) -> int | None:
        """Return how long before the ICMP error the SYN left that it quotes; None: unknown.

        The socket tells its clock of timestamps, which counts milliseconds.
        """
        quoted = quoted_timestamp(entry.data)
        if quoted is None:
            return None
        clock = probe_socket.sock.getsockopt(socket.IPPROTO_TCP, _TCP_TIMESTAMP)
        age = ((clock - quoted) & 0xFFFF_FFFF) * NS_PER_MS
        rtt = age - (time.time_ns() - entry.wall)
        elapsed = entry.wall - probe_socket.wall
        return rtt if abs(2 * rtt - elapsed) < elapsed + REPETITION else None

    def _accepted(
        self, probe_socket: ProbeSocket, probe: OutgoingProbe, wall: int, info: bytes
    ) -> None:
        """Take in a SYN/ACK. The kernel's own RTT counts from TCP's sending to TCP's receiving.

        If the SYN was repeated, the kernel has an RTT only by timestamps, in milliseconds.
        """
        rtt = _u32.unpack_from(info, _RTT_US)[0] * 1000
        sent, stamp, elapsed, echoed = probe_socket.wall, Stamp.SCHEDULER, rtt, None
        if self._was_repeated(probe_socket):
            (age_ms,) = _u32.unpack_from(info, _LAST_ACK_MS)
            elapsed = wall - sent - age_ms * NS_PER_MS
            if not info[_OPTIONS] & _HAS_TIMESTAMPS:
                stamp = Stamp.USER
            elif elapsed - rtt > REPETITION // 2:
                echoed = rtt
            else:
                echoed = elapsed = rtt
        else:
            probe.wall, probe.stamp = sent, stamp
        reply = self._pool.target_reply(probe, ReplyKind.SYN_ACK, sent + elapsed, stamp)
        self._ended(probe_socket, probe, reply, echoed)
        self._end(probe_socket)

    def _refused(self, probe_socket: ProbeSocket, probe: OutgoingProbe, wall: int) -> None:
        reply = self._pool.target_reply(probe, ReplyKind.RST, wall, Stamp.USER)
        self._ended(probe_socket, probe, reply, None)
        self._end(probe_socket)

    def _ended(
        self, probe_socket: ProbeSocket, probe: OutgoingProbe, reply: ReceivedReply, rtt: int | None
    ) -> None:
        """Hand over the reply that ended a connect, unless it is in doubt.

        `rtt`, in ns, is by the timestamp that the reply carries back; None: it has none.
        """
        now = time.monotonic_ns()
        elapsed = reply.wall - probe_socket.wall
        is_repeated = self._was_repeated(probe_socket)
        is_open = reply.kind is ReplyKind.SYN_ACK
        is_shown = rtt is not None or not is_repeated
        self._ports.give_back(probe_socket.port, now, rests=is_open or is_repeated)
        if rtt is not None and is_repeated and elapsed - rtt > REPETITION // 2:
            self._fastest.note(probe.settings, probe.ttl, rtt)
            self._add(probe, reply, Answers.REPEAT)
        elif is_shown and not (is_open and elapsed >= REPETITION):
            self._fastest.note(probe.settings, probe.ttl, elapsed)
            self._add(probe, reply, Answers.PROBE)
        else:
            decided_at = self._since[probe_socket] + self._patience - DECIDED_BEFORE
            # what is shown to answer the probe may be the target's own repetition of a SYN/ACK
            self._judge(_Late(probe, reply, elapsed, is_shown, decided_at), now)

    def _judge(self, late: _Late, now: int) -> None:
        """Hand over a late reply, or keep it while other replies may show what it answers."""
        probe, reply, elapsed, is_likely, decided_at = late
        path = probe.settings
        match self._fastest.judge(path, probe.ttl, elapsed, is_likely=is_likely):
            case Answers.PROBE:
                self._fastest.note(path, probe.ttl, elapsed)
                self._add(probe, reply, Answers.PROBE)
            case Answers.REPEAT:
                self._add(probe, reply, Answers.REPEAT)
            case _ if now < decided_at:
                self._late.append(late)
            case _:
                self._add(probe, reply, Answers.UNKNOWN)

    def _add(self, probe: OutgoingProbe, reply: ReceivedReply, answers: Answers) -> None:
        self._pool.answers.append(Answer(probe, reply, answers=answers))

    def _was_repeated(self, probe_socket: ProbeSocket) -> bool:
        """Return whether the kernel sent the SYN again: then a reply may be for either SYN."""
        if self._age(probe_socket, time.monotonic_ns()) < LEAST_PATIENCE:
            return False
        return bool(_u32.unpack_from(self._info(probe_socket), _ALL_REPETITIONS)[0])

    def _info(self, probe_socket: ProbeSocket) -> bytes:
        return probe_socket.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_LENGTH)

    def _end(self, probe_socket: ProbeSocket) -> None:
        del self._since[probe_socket]
        if probe_socket in self._repeating:
            del self._repeating[probe_socket]
        else:
            probe_socket.let_repeat(True)  # so that the reset leaves
        self._pool.remove(probe_socket)
