"""A target's view of the world without any right: the error queues of ordinary sockets.

UDP probes leave from sockets that carry one probe at a time (see `slots`): the destination port is
constant, the source port is not, and so the flow is not. What the engine calls a flow is a name
here that comes back with the answer. ICMP echo leaves from one socket whose identifier the kernel
picks; its flow is constant. TCP is `connect()`, a socket each: an open port completes the
handshake and is reset; a SYN has no options, flags or data of our choosing.

Quotes come without their headers, so no hop's view of TOS, TTL, addresses or IP ID is known. The
kernel stamps what arrives, and what UDP and ICMP send; TCP's SYN is stamped here just before
`connect()`. A SYN/ACK's RTT is the kernel's own (tcp(7) TCP_INFO); an RST is stamped here.
"""

import contextlib
import errno
import itertools
import os
import select
import socket
import struct
import time
from typing import NamedTuple

from tui_trace.events import ReplyKind, Stamp
from tui_trace.settings import NS_PER_MS, NS_PER_S, ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire import reply
from tui_trace.wire.errqueue import DIALECTS, Datagram, Failure, Refused, Sending, UserSockets
from tui_trace.wire.network import Answer, Flow, Outgoing, SendError, Sent
from tui_trace.wire.refusal import refusal
from tui_trace.wire.slots import Pool, Ports, Slot, Way, room
from tui_trace.wire.template import ones_sum

CONNECT_FOR = 900 * NS_PER_MS
"""ns that a connect() may take. The kernel repeats an unanswered SYN after 1 s, and an answer to
that could not be told from one to ours."""
_FIRST_REPEAT = NS_PER_S

_REMEMBERED = 4096
"""Probes whose flow is known by their key."""
_BATCH = 64
"""Entries taken from one socket at a time."""
_MAX_ROUTES = 64
_MAX_ICMP = 32
"""ICMP sockets: one for each flow and way to leave."""

_TCP_INFO_LENGTH = 104
_RTT_US, _RETRANSMITS = 68, 100
"""Offsets in struct tcp_info (linux/tcp.h)."""
_SYN_SENT = 2

_u32 = struct.Struct("@I")
_ECHO = struct.Struct("!BBHHHH")
_ONES = 0xFFFF

PING_ALLOWED_BY = 'sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"'


class _Route(NamedTuple):
    way: Way
    source: str


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
        self.family = family
        self._dialect = DIALECTS[family]
        address, _, scope = target_address.partition("%")
        self._packed = socket.inet_pton(self._dialect.af, address)
        # in the one form that answers name it in (RFC 5952)
        self.address = socket.inet_ntop(self._dialect.af, self._packed)
        self._interface = interface or scope or None
        self._source = source
        self._sockets = sockets
        self._poll: select.epoll
        self._room = 0
        self._slots: dict[int, Slot] = {}
        self._pool = Pool()
        self._ports = Ports()
        self._connecting: dict[Slot, int] = {}
        self._icmp: dict[tuple[int, Way], Slot] = {}
        self._routes: dict[ProbeSettings, _Route] = {}
        self._pairs: dict[bytes, None] = {}
        self._names = itertools.count(1)
        self._flows: dict[tuple[Protocol, int], Flow] = {}
        self._sent: list[Sent] = []
        self._answers: list[Answer] = []
        self._mtu: int | None = None
        self._asks_scheduler = True
        self._read_error = sockets.read_error
        self._decode_echo = reply.icmp4 if family == 4 else reply.icmp6
        self._quote = reply.quote4 if family == 4 else reply.quote6
        self._senders = {
            Protocol.ICMP: self._send_icmp,
            Protocol.UDP: self._send_udp,
            Protocol.TCP: self._send_tcp,
        }

    def open(self) -> None:
        """Make ready; `close` ends it."""
        self._poll = select.epoll()
        self._poll.register(self._sockets.wake, select.EPOLLIN)
        self._room = room()

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
        way = Way(settings.source or self._source or "", index)
        try:
            asking = Slot(Protocol.UDP, self._dialect, way)
        except OSError as error:
            raise refusal(error, way.source) from None
        with asking.sock as sock:
            try:
                sock.connect(self._dialect.place(self.address, settings.port or 9, index))
                source = str(sock.getsockname()[0]).partition("%")[0]
            except OSError as error:
                raise refusal(error, way.source) from None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[settings] = _Route(way, source)
        self._pairs[socket.inet_pton(self._dialect.af, source) + self._packed] = None
        return source

    def reserve_port(self, protocol: Protocol, port: int | None = None) -> int:
        """A name for a flow; the socket's own port, or identifier, is the kernel's choice.

        `SendError` for a port that is asked for, and for ICMP that is not allowed.
        """
        if port is not None:
            raise SendError(errno.EPERM, f"source port {port} takes rights: a probe has its own")
        if protocol is Protocol.ICMP:
            refuse_icmp(self.family)
        return next(self._names)

    def data_length(self, settings: ProbeSettings) -> int:  # noqa: ARG002
        """None: an answer to a `connect()` is told by its socket."""
        return 0

    def send(self, probe: Outgoing) -> None:
        """Send one probe; `SendError` if our kernel refuses."""
        settings = probe.settings
        if settings not in self._routes:
            self.source(settings)
        route = self._routes[settings]
        self._mtu = None
        slot_of = settings.protocol, probe.key
        self._flows.pop(slot_of, None)
        self._flows[slot_of] = probe.flow
        if len(self._flows) > _REMEMBERED:
            del self._flows[next(iter(self._flows))]
        try:
            self._senders[settings.protocol](probe, route, time.monotonic_ns())
        except OSError as error:
            raise refusal(error, route.way.source, self._mtu) from None

    def receive(self, timeout: int) -> tuple[list[Sent], list[Answer]]:
        """Wait at most `timeout` ns, and take all there is. See `Network`."""
        if self._sent or self._answers:
            timeout = 0
        elif self._connecting:
            oldest = next(iter(self._connecting.values()))
            timeout = min(timeout, oldest + CONNECT_FOR - time.monotonic_ns())
        if timeout > 0:
            # epoll waits in whole milliseconds
            select.select((self._poll,), (), (), timeout / 1e9)
        ready = self._poll.poll(0)
        wall = time.time_ns()
        for handle, _ in ready:
            if handle == self._sockets.wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(handle)
            elif handle in self._slots:
                self._take(self._slots[handle], wall)
        self._give_up_connecting()
        sent, answers = self._sent, self._answers
        self._sent, self._answers = [], []
        return sent, answers

    def wake(self) -> None:
        """End a `receive` early; thread-safe and from a signal handler too."""
        os.eventfd_write(self._sockets.wake, 1)

    def close(self) -> None:
        """Close all that was opened for this target."""
        for slot in self._slots.values():
            slot.close()
        self._slots.clear()
        self._pool = Pool()
        self._connecting.clear()
        self._icmp.clear()
        self._poll.close()

    # --- sending

    def _send_udp(self, probe: Outgoing, route: _Route, now: int) -> None:
        while (old := self._pool.outlived(now)) is not None:
            self._end(old)
        slot = self._pool.take(route.way) or self._new(Protocol.UDP, route.way, now)
        slot.carried = probe
        self._pool.carry(slot, now)
        length = probe.settings.size - self._dialect.header - 8
        try:
            self._leave(
                slot, probe, probe.key.to_bytes(2, "big") + bytes(length - 2), probe.flow[1]
            )
        except OSError:
            self._pool.give_back(slot)
            raise

    def _send_icmp(self, probe: Outgoing, route: _Route, now: int) -> None:
        own = probe.flow[0], route.way
        slot = self._icmp.get(own)
        if slot is None:
            if len(self._icmp) >= _MAX_ICMP:
                self._end(self._icmp.pop(next(iter(self._icmp))))
            slot = self._icmp[own] = self._new(Protocol.ICMP, route.way, now)
        self._leave(slot, probe, self._echo(probe, slot.port, route.source), 0)

    def _echo(self, probe: Outgoing, identifier: int, source: str) -> bytes:
        """A request whose checksum is the flow's: the kernel finds that two bytes make it so."""
        length = probe.settings.size - self._dialect.header
        total = (self._dialect.echo << 8) + identifier + probe.flow[1] + probe.key
        if self.family == 6:  # RFC 4443 §2.3
            addresses = socket.inet_pton(self._dialect.af, source) + self._packed
            total += ones_sum(addresses) + length + self._dialect.icmp
        head = _ECHO.pack(self._dialect.echo, 0, 0, identifier, probe.key, -total % _ONES)
        return head + bytes(length - len(head))

    def _leave(self, slot: Slot, probe: Outgoing, message: bytes, port: int) -> None:
        slot.dress(probe.ttl, probe.settings.tos, probe.settings.df)
        slot.stamp(self._asks_scheduler)
        place = self._dialect.place(self.address, port, slot.way.interface)
        for _ in range(_BATCH):
            try:
                slot.sock.sendto(message, place)
                break
            except OSError:
                # an error that came for another probe fails this send once
                if not self._drain(slot):
                    raise
        # the stamp is there already, as a rule: taken now, it wakes nobody
        self._drain(slot)

    def _send_tcp(self, probe: Outgoing, route: _Route, now: int) -> None:
        port = self._ports.take(now)
        try:
            self._connect(self._new(Protocol.TCP, route.way, now, port), probe, now)
        except OSError as error:
            # somebody else has the port, or this four-tuple, by now
            if not port or error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            self._connect(self._new(Protocol.TCP, route.way, now), probe, now)

    def _connect(self, slot: Slot, probe: Outgoing, now: int) -> None:
        slot.carried = probe
        self._connecting[slot] = now
        slot.dress(probe.ttl, probe.settings.tos, probe.settings.df)
        place = self._dialect.place(self.address, probe.flow[1], slot.way.interface)
        wall = time.time_ns()
        result = slot.sock.connect_ex(place)
        self._sent.append(Sent(Protocol.TCP, probe.flow, probe.key, Stamp.USER, wall))
        if result not in (0, errno.EINPROGRESS, errno.ECONNREFUSED) and not self._drain(slot):
            self._sent.pop()
            self._end(slot)
            raise OSError(result, os.strerror(result))
        slot.wall = wall
        if result == errno.ECONNREFUSED:
            self._answer_directly(slot, ReplyKind.RST, time.time_ns(), Stamp.USER)

    def _new(self, protocol: Protocol, way: Way, now: int, port: int = 0) -> Slot:
        if len(self._slots) >= self._room:
            spare = self._pool.spare(now)
            if spare is None:
                words = f"all {self._room} sockets allowed carry probes (see ulimit -n)"
                raise SendError(errno.EMFILE, words)
            self._end(spare)
        slot = Slot(protocol, self._dialect, way, port)
        self._slots[slot.handle] = slot
        events = select.EPOLLOUT if protocol is Protocol.TCP else select.EPOLLIN
        self._poll.register(slot.handle, events)
        return slot

    def _end(self, slot: Slot) -> None:
        if self._slots.pop(slot.handle, None) is not None:
            self._connecting.pop(slot, None)
            self._poll.unregister(slot.handle)
            slot.close()

    # --- what comes back

    def _take(self, slot: Slot, wall: int) -> None:
        """Read what a socket has; `wall` is when that was seen."""
        taken = self._drain(slot)
        if slot.protocol is Protocol.TCP:
            if slot.handle in self._slots:
                self._take_connection(slot, wall)
            return
        for _ in range(_BATCH):
            datagram = self._sockets.read(slot.sock, self._dialect)
            if datagram is None:
                break
            taken = True
            self._take_datagram(slot, datagram)
        if not taken:
            # an error whose entry found no room in the queue would wake us for ever
            slot.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _drain(self, slot: Slot) -> bool:
        """Empty the error queue; True if there were errors from the network."""
        failed = False
        for _ in range(_BATCH):
            match self._read_error(slot.sock, self._dialect):
                case Failure() as failure:
                    failed = True
                    self._fail(slot, failure)
                case Sending() as sending:
                    self._note(slot, sending)
                case Refused(mtu):
                    self._mtu = mtu
                case None:
                    break
        return failed

    def _note(self, slot: Slot, sending: Sending) -> None:
        if slot.protocol is Protocol.ICMP:
            key = self._key_of_looped(sending.data)
        else:
            key = slot.carried.key if slot.carried else None
        flow = None if key is None else self._flows.get((slot.protocol, key))
        if key is None or flow is None:
            return
        self._sent.append(Sent(slot.protocol, flow, key, sending.stamp, sending.wall))
        # they stand in where a driver takes none
        self._asks_scheduler = self._asks_scheduler and sending.stamp is not Stamp.KERNEL

    def _key_of_looped(self, data: bytes) -> int | None:
        """A link header of unknown length comes first: our addresses show where IP begins."""
        for addresses in self._pairs:
            start = data.find(addresses) - (12 if self.family == 4 else 8)
            if start >= 0:
                quote = self._quote(data, start)
                return quote.key if quote else None
        return None

    def _fail(self, slot: Slot, failure: Failure) -> None:
        """An ICMP error. Where it quotes the key, that tells the probe; else the socket does."""
        data, last = failure.data, slot.carried
        quoted = data[6:8] if slot.protocol is Protocol.ICMP else data[:2]
        is_told = slot.protocol is not Protocol.TCP and len(quoted) == 2
        key = int.from_bytes(quoted, "big") if is_told else last.key if last else 0
        flow = self._flows.get((slot.protocol, key))
        if slot.protocol is Protocol.TCP and self._was_repeated(slot):
            self._end(slot)
            return
        if flow is not None:
            kind = self._dialect.kind(failure.icmp_type, failure.code)
            self._answers.append(
                Answer(
                    address=failure.address,
                    kind=kind,
                    protocol=slot.protocol,
                    flow=flow,
                    key=key,
                    ip_id=None,
                    destination=failure.destination,
                    wall=failure.wall,
                    stamp=failure.stamp,
                    icmp_type=failure.icmp_type,
                    code=failure.code,
                    reply_ttl=failure.ttl,
                    mtu=failure.info or None if kind is ReplyKind.TOO_BIG else None,
                    ecn=False,
                    quoted_tos=None,
                    quoted_ttl=None,
                )
            )
        if slot.protocol is Protocol.TCP:
            self._ports.give_back(slot.port, time.monotonic_ns(), was_open=False)
            self._end(slot)
        elif slot.protocol is Protocol.UDP and is_told and last is not None and key == last.key:
            self._pool.give_back(slot)

    def _take_datagram(self, slot: Slot, datagram: Datagram) -> None:
        """The target's own answer."""
        if slot.protocol is Protocol.ICMP:
            address, _, data, wall, stamp, ttl, whole = datagram
            packet = reply.Received(data, 0, address, ttl, wall, stamp, whole)
            answer = self._decode_echo(packet)
            flow = None
            if answer is not None and answer.key is not None:
                flow = self._flows.get((Protocol.ICMP, answer.key))
            if answer is not None and flow is not None:
                self._answers.append(answer._replace(flow=flow))
        elif slot.carried is not None and (datagram.address, datagram.port) == (
            self.address,
            slot.carried.flow[1],
        ):
            # the socket stays with this probe: what else comes is another answer to it
            self._answer_directly(slot, ReplyKind.UDP, datagram.wall, datagram.stamp, datagram.ttl)

    def _take_connection(self, slot: Slot, wall: int) -> None:
        """A connect() that got somewhere: open, refused, or given up by our kernel."""
        error = slot.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        info = slot.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)
        if not error and info[0] == _SYN_SENT:
            return
        (rtt_us,) = _u32.unpack_from(info, _RTT_US)
        probe = slot.carried
        if probe is None or self._was_repeated(slot):
            self._end(slot)
        elif error == errno.ECONNREFUSED:
            self._answer_directly(slot, ReplyKind.RST, wall, Stamp.USER)
        elif rtt_us:
            # from the kernel's sending of the SYN to its taking the SYN/ACK, before and behind
            # the queues
            self._sent.append(Sent(Protocol.TCP, probe.flow, probe.key, Stamp.SCHEDULER, slot.wall))
            wall = slot.wall + rtt_us * 1000
            self._answer_directly(slot, ReplyKind.SYN_ACK, wall, Stamp.SCHEDULER)
        else:
            self._end(slot)

    def _answer_directly(
        self, slot: Slot, kind: ReplyKind, wall: int, stamp: Stamp, ttl: int | None = None
    ) -> None:
        """The target answered the probe that the socket carries."""
        probe = slot.carried
        if probe is None:
            return
        self._answers.append(
            Answer(
                address=self.address,
                kind=kind,
                protocol=slot.protocol,
                flow=probe.flow,
                key=probe.key,
                ip_id=None,
                destination=self.address,
                wall=wall,
                stamp=stamp,
                icmp_type=None,
                code=None,
                reply_ttl=ttl,
                mtu=None,
                ecn=False,
                quoted_tos=None,
                quoted_ttl=None,
            )
        )
        if slot.protocol is Protocol.TCP:
            is_open = kind is ReplyKind.SYN_ACK
            self._ports.give_back(slot.port, time.monotonic_ns(), was_open=is_open)
            self._end(slot)

    def _was_repeated(self, slot: Slot) -> bool:
        """Our kernel sent the SYN again before we came to end it: which one was answered?"""
        if time.monotonic_ns() - self._connecting[slot] < _FIRST_REPEAT:
            return False
        info = slot.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)
        return bool(_u32.unpack_from(info, _RETRANSMITS)[0])

    def _give_up_connecting(self) -> None:
        now = time.monotonic_ns()
        while self._connecting:
            slot, since = next(iter(self._connecting.items()))
            if now - since < CONNECT_FOR:
                return
            self._end(slot)


def _refuse(settings: ProbeSettings, family: int) -> None:
    """`SendError` for what takes rights."""
    if settings.source_port is not None:
        words = f"source port {settings.source_port} takes rights: a probe has its own"
        raise SendError(errno.EPERM, words)
    if settings.protocol is Protocol.ICMP:
        refuse_icmp(family)
    if settings.protocol is not Protocol.TCP:
        return
    if settings.tcp_flags is not TcpFlags.SYN:
        raise SendError(errno.EPERM, f"TCP flags ({settings.tcp_flags.value}) take rights")
    usual = minimum_size(Protocol.TCP, family)
    if settings.size != usual:
        raise SendError(
            errno.EPERM, f"a SYN of {settings.size} bytes takes rights: connect() sends {usual}"
        )
    if settings.tos & 3:
        raise SendError(errno.EPERM, "ECN bits in a SYN's TOS take rights")


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
