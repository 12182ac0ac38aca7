"""The open sockets of a network without rights, and what arrived there. socket(7), epoll(7)."""

import contextlib
import errno
import os
import select
import socket

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import Protocol
from tui_trace.wire import linux
from tui_trace.wire.egress_route import EgressRoute
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import Answer, OutgoingProbe, ReceivedReply, SendError
from tui_trace.wire.packets.icmp_class import CLASSIFY_ERROR
from tui_trace.wire.send_errors import cannot_open
from tui_trace.wire.unprivileged.error_queue import (
    QueuedIcmpError,
    QueuedRefusal,
    QueuedStamp,
    UserSockets,
)
from tui_trace.wire.unprivileged.probe_socket import IdlePool, ProbeSocket

MAX_SOCKETS = 256
"""Sockets that one network opens at most."""
MAX_REMEMBERED = 4096
"""Probes that are looked up by their key."""
BATCH = 64
"""Entries that are taken from one socket at a time."""


class ProbeSockets:
    """The sockets and replies that the protocols of one network share."""

    def __init__(self, user_sockets: UserSockets, ip: IpVersion, address: str) -> None:
        """Open nothing yet; `address` is the target's."""
        self.user_sockets = user_sockets
        self.ip = ip
        self.packed_address = socket.inet_pton(ip.af, address)
        # in the form of RFC 5952, as it stands in replies
        self.address = socket.inet_ntop(ip.af, self.packed_address)
        self.idle = IdlePool()
        """Of UDP: no other protocol keeps sockets that can be closed for another probe."""
        self.answers: list[Answer[OutgoingProbe]] = []
        """What came in since the last `receive`."""
        self.mtu: int | None = None
        """Of the interface that last refused a probe for its size, in bytes."""
        self._probes: dict[tuple[Protocol, int], OutgoingProbe] = {}
        self._probe_sockets: dict[int, ProbeSocket] = {}
        self._poll: select.epoll
        self._limit = 0
        self._closing = contextlib.ExitStack()

    def open(self) -> None:
        """Make ready for sockets, until `close`; `SendError` if no descriptor is left."""
        try:
            self._poll = self._closing.enter_context(select.epoll())
            self._poll.register(self.user_sockets.wake, select.EPOLLIN)
            self._limit = linux.half_of_descriptors(MAX_SOCKETS)
        except OSError as error:
            raise cannot_open(error) from None

    @property
    def handle(self) -> int:
        """Return a file descriptor that is readable when one of the sockets is, or on a wake."""
        return self._poll.fileno()

    def close(self) -> None:
        """Close all sockets of this network."""
        for probe_socket in self._probe_sockets.values():
            probe_socket.close()
        self._probe_sockets.clear()
        self.idle = IdlePool()
        self._closing.close()

    def wait(self, timeout: int) -> list[ProbeSocket]:
        """Return the sockets that are ready, after at most `timeout` ns; a wake ends the wait."""
        if timeout > 0:
            # epoll waits in whole milliseconds
            select.select((self._poll,), (), (), timeout / 1e9)
        ready = []
        for handle, _ in self._poll.poll(0):
            if handle == self.user_sockets.wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(handle)
            else:
                ready.append(self._probe_sockets[handle])
        return ready

    @property
    def is_full(self) -> bool:
        """Whether a socket has to go before another can be opened."""
        return len(self._probe_sockets) >= self._limit

    def add(self, protocol: Protocol, egress: EgressRoute, now: int, port: int = 0) -> ProbeSocket:
        """Open a socket; `OSError`, or `SendError` if too many sockets carry probes."""
        if self.is_full:
            evicted = self.idle.take_evictable(now)
            if evicted is None:
                words = f"all {self._limit} sockets allowed carry probes (see ulimit -n)"
                raise SendError(errno.EMFILE, words)
            self.remove(evicted)
        probe_socket = ProbeSocket(protocol, self.ip, egress, port)
        try:
            self._poll.register(
                probe_socket.handle, select.EPOLLOUT if protocol is Protocol.TCP else select.EPOLLIN
            )
        except OSError as error:
            probe_socket.close()
            raise cannot_open(error) from None
        self._probe_sockets[probe_socket.handle] = probe_socket
        return probe_socket

    def remove(self, probe_socket: ProbeSocket) -> None:
        """Close a socket; one that is closed already stays so."""
        if self._probe_sockets.get(probe_socket.handle) is probe_socket:
            del self._probe_sockets[probe_socket.handle]
            self._poll.unregister(probe_socket.handle)
            probe_socket.close()

    def __contains__(self, probe_socket: ProbeSocket) -> bool:
        """Return whether the socket is open."""
        return self._probe_sockets.get(probe_socket.handle) is probe_socket

    def remember(self, probe: OutgoingProbe) -> None:
        """Keep a probe, so that its key leads to it."""
        key = probe.settings.protocol.transport, probe.key
        self._probes.pop(key, None)
        self._probes[key] = probe
        if len(self._probes) > MAX_REMEMBERED:
            del self._probes[next(iter(self._probes))]

    def find(self, protocol: Protocol, key: int | None) -> OutgoingProbe | None:
        """Return the probe with this key; None if there was none."""
        return None if key is None else self._probes.get((protocol, key))

    def errors(self, probe_socket: ProbeSocket) -> list[QueuedIcmpError | QueuedStamp]:
        """Return the stamps and ICMP errors on a socket's error queue; none if it is closed."""
        found: list[QueuedIcmpError | QueuedStamp] = []
        for _ in range(BATCH):
            match self.user_sockets.read_error(probe_socket.sock, self.ip):
                case None:
                    break
                case QueuedRefusal(mtu):
                    self.mtu = mtu
                case entry:
                    found.append(entry)
        return found

    def router_reply(self, probe: OutgoingProbe, failure: QueuedIcmpError) -> ReceivedReply | None:
        """Return the reply of an ICMP error for this probe; None if it answers no probe."""
        kind = CLASSIFY_ERROR[self.ip.version](failure.icmp_type, failure.code)
        if kind is None:
            return None
        return ReceivedReply(
            address=failure.address,
            kind=kind,
            protocol=probe.settings.protocol,
            flow=probe.flow,
            key=probe.key,
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

    def target_reply(
        self,
        probe: OutgoingProbe,
        kind: ReplyKind,
        wall: int,
        stamp: Stamp,
        ttl: int | None = None,
        *,
        versions: tuple[int, ...] = (),
    ) -> ReceivedReply:
        """Return the reply of the target itself; `wall` is its arrival in ns since 1970."""
        return ReceivedReply(
            address=self.address,
            kind=kind,
            protocol=probe.settings.protocol,
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
            versions=versions,
        )
