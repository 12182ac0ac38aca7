"""The open sockets of a network without rights, and what came in by them. socket(7), epoll(7)."""

import contextlib
import errno
import os
import resource
import select
import socket

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import Protocol
from tui_trace.wire.egress_route import EgressRoute
from tui_trace.wire.linux import IpVersion
from tui_trace.wire.network import FlowTuple, ProbeSpec, ReceivedReply, SendError, SendStamp
from tui_trace.wire.packets.icmp_class import CLASSIFY_ERROR
from tui_trace.wire.unprivileged.error_queue import (
    Failure,
    Refused,
    Sending,
    UserSockets,
)
from tui_trace.wire.unprivileged.probe_socket import IdlePool, ProbeSocket

MOST = 256
"""Sockets of one network at most."""
REMEMBERED = 4096
"""Probes whose flow is known by their key."""
BATCH = 64
"""Entries taken from one socket at a time."""


class ProbeSockets:
    """What the protocols of one network share."""

    def __init__(self, sockets: UserSockets, ip: IpVersion, address: str) -> None:
        """`address` is the target's."""
        self.sockets = sockets
        self.ip = ip
        self.packed = socket.inet_pton(ip.af, address)
        # in the one form that answers name it in (RFC 5952)
        self.address = socket.inet_ntop(ip.af, self.packed)
        self.pool = IdlePool()
        """Of UDP, which alone keeps sockets that others may need more."""
        self.sent: list[SendStamp] = []
        self.answers: list[ReceivedReply] = []
        self.mtu: int | None = None
        """Bytes: of the interface that last refused a probe for its size."""
        self._flows: dict[tuple[Protocol, int], FlowTuple] = {}
        self._slots: dict[int, ProbeSocket] = {}
        self._poll: select.epoll
        self._room = 0

    def open(self) -> None:
        """Make ready for sockets; `close` ends it."""
        self._poll = select.epoll()
        self._poll.register(self.sockets.wake, select.EPOLLIN)
        self._room = socket_limit()

    def close(self) -> None:
        """Close all sockets."""
        for slot in self._slots.values():
            slot.close()
        self._slots.clear()
        self.pool = IdlePool()
        self._poll.close()

    def wait(self, timeout: int) -> list[ProbeSocket]:
        """At most `timeout` ns, for sockets that have something, or for nothing at a `wake`."""
        if timeout > 0:
            # epoll waits in whole milliseconds
            select.select((self._poll,), (), (), timeout / 1e9)
        ready = []
        for handle, _ in self._poll.poll(0):
            if handle == self.sockets.wake:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(handle)
            else:
                ready.append(self._slots[handle])
        return ready

    def add(self, protocol: Protocol, way: EgressRoute, now: int, port: int = 0) -> ProbeSocket:
        """Open a socket; `SendError` if there are too many that carry probes, `OSError`."""
        if len(self._slots) >= self._room:
            spare = self.pool.spare(now)
            if spare is None:
                words = f"all {self._room} sockets allowed carry probes (see ulimit -n)"
                raise SendError(errno.EMFILE, words)
            self.remove(spare)
        slot = ProbeSocket(protocol, self.ip, way, port)
        self._slots[slot.handle] = slot
        self._poll.register(
            slot.handle, select.EPOLLOUT if protocol is Protocol.TCP else select.EPOLLIN
        )
        return slot

    def remove(self, slot: ProbeSocket) -> None:
        """Close a socket, unless it is closed."""
        if self._slots.get(slot.handle) is slot:
            del self._slots[slot.handle]
            self._poll.unregister(slot.handle)
            slot.close()

    def __contains__(self, slot: ProbeSocket) -> bool:
        """It is open."""
        return self._slots.get(slot.handle) is slot

    def remember(self, probe: ProbeSpec) -> None:
        """Its key will tell its flow."""
        key = probe.settings.protocol, probe.key
        self._flows.pop(key, None)
        self._flows[key] = probe.flow
        if len(self._flows) > REMEMBERED:
            del self._flows[next(iter(self._flows))]

    def flow(self, protocol: Protocol, key: int | None) -> FlowTuple | None:
        """Of the probe with this key; None if there was none."""
        return None if key is None else self._flows.get((protocol, key))

    def errors(self, slot: ProbeSocket) -> list[Failure | Sending]:
        """All that the error queue of a socket has; none of a closed one's."""
        found: list[Failure | Sending] = []
        for _ in range(BATCH):
            match self.sockets.read_error(slot.sock, self.ip):
                case None:
                    break
                case Refused(mtu):
                    self.mtu = mtu
                case entry:
                    found.append(entry)
        return found

    def answer_of_router(
        self, protocol: Protocol, flow: FlowTuple, key: int, failure: Failure
    ) -> None:
        """Take an ICMP error for the probe with this key; one that answers no probe is ignored."""
        kind = CLASSIFY_ERROR[self.ip.version](failure.icmp_type, failure.code)
        if kind is None:
            return
        self.answers.append(
            ReceivedReply(
                address=failure.address,
                kind=kind,
                protocol=protocol,
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

    def answer_of_target(
        self, probe: ProbeSpec, kind: ReplyKind, wall: int, stamp: Stamp, ttl: int | None = None
    ) -> None:
        """The target itself answered this probe."""
        self.answers.append(
            ReceivedReply(
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
            )
        )


def socket_limit() -> int:
    """Sockets that one network may open: half of what the process has left, up to `MOST`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    return max(1, min(MOST, (soft - len(os.listdir("/proc/self/fd"))) // 2))
