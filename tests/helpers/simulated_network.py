"""A network with a clock of its own, for the engine: no sockets, no waiting, no chance.

It stands in for the wire only; the real sockets have tests of their own on real routers.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol
from tui_trace.wire.network import (
    NOTHING_QUOTED,
    Answer,
    Egress,
    OutgoingProbe,
    QuoteDetails,
    Received,
    ReceivedReply,
    SendError,
)

TARGET = "192.0.2.99"
SOURCE = "198.51.100.1"
GATEWAY = "198.51.100.254"
WALL_BASE = 1_700_000_000_000_000_000


@dataclass(eq=False)
class SimNet:
    """A chain: a router a TTL, then the target. Delays in ns."""

    length: int = 5
    delay: Callable[[OutgoingProbe, int], int | None] | None = None
    """Round-trip time of the nth probe, without it 1 ms a hop; its result None: no answer."""
    respond: Callable[["SimNet", OutgoingProbe], ReceivedReply | None] | None = None
    family: int = 4
    address: str = TARGET
    kernel_stamps: bool = True
    keeps_ports: bool = True
    fail: Callable[[OutgoingProbe], SendError | None] = lambda _probe: None
    now: int = 5_000_000_000
    wall_shift: int = 0
    source_address: str = SOURCE
    sent: list[tuple[int, OutgoingProbe]] = field(default_factory=list)
    at: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    """Things to do at a time of the clock: `at.append((ns, action))`."""
    quotes: Callable[[OutgoingProbe, ReceivedReply], QuoteDetails] = lambda _probe, _answer: (
        NOTHING_QUOTED
    )
    """What answers say of their probes."""
    foreign: int = 0
    """Replies to nobody's probe that the next `receive` tells."""
    closed: bool = False
    receives: int = 0

    def __post_init__(self) -> None:
        self._heap: list[tuple[int, int, OutgoingProbe, ReceivedReply]] = []
        self._latest: dict[tuple[Protocol, int], OutgoingProbe] = {}
        """The last probe from each port."""
        self._order = itertools.count()
        self._ports = itertools.count(40_000)
        self._woken = False
        if self.delay is None:
            self.delay = lambda probe, _n: min(probe.ttl, self.length) * NS_PER_MS

    def open(self) -> None:
        self.closed = False

    def monotonic(self) -> int:
        return self.now

    def wall(self) -> int:
        return self.now + WALL_BASE + self.wall_shift

    def egress(self, settings: ProbeSettings) -> Egress:
        return Egress(settings.source or self.source_address, "sim0", GATEWAY, 1500, 2)

    def reserve_port(
        self,
        _protocol: Protocol,
        port: int | None = None,
        *,
        is_spare: bool = False,  # noqa: ARG002
    ) -> int:
        return port if port is not None else next(self._ports)

    def send(self, probe: OutgoingProbe) -> None:
        error = self.fail(probe)
        if error is not None:
            raise error
        probe.target = self.address
        self.sent.append((self.now, probe))
        self._latest[probe.settings.protocol, probe.flow[0]] = probe
        if self.kernel_stamps:
            probe.wall, probe.stamp = self.wall(), Stamp.KERNEL
        delay = self.delay(probe, len(self.sent))
        answer = (self.respond or answer_of)(self, probe)
        if delay is not None and answer is not None:
            self.inject(self.now + delay, probe, answer)

    def inject(self, when: int, probe: OutgoingProbe, reply: ReceivedReply) -> None:
        """Let a reply to a probe arrive at a time; without a key, to the last one of its port."""
        heapq.heappush(self._heap, (when, next(self._order), probe, reply))

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[OutgoingProbe]:
        self.receives += 1
        deadline = self.now + timeout
        if self._woken:
            deadline, self._woken = self.now, False
        if self._heap and wake_on_reply:
            deadline = min(deadline, max(self.now, self._heap[0][0]))
        if self.at:
            self.at.sort(key=lambda entry: entry[0])
            if self.at[0][0] <= deadline:
                when, action = self.at.pop(0)
                self.now = max(self.now, when)
                action()
                return Received([])
        self.now = max(self.now + 1, deadline)
        foreign, self.foreign = self.foreign, 0
        return Received(list(self._arrived()), foreign)

    def _arrived(self) -> Iterator[Answer[OutgoingProbe]]:
        while self._heap and self._heap[0][0] <= self.now:
            when, _, probe, reply = heapq.heappop(self._heap)
            if reply.key is None:
                probe = self._latest[reply.protocol, reply.flow[0]]
            reply = reply._replace(wall=when + WALL_BASE + self.wall_shift)
            yield Answer(probe, reply, self.quotes(probe, reply))

    def wake(self) -> None:
        self._woken = True

    def close(self) -> None:
        self.closed = True


def answer_of(net: SimNet, probe: OutgoingProbe) -> ReceivedReply:
    """What a plain chain says to a probe."""
    if probe.ttl < net.length:
        return make_answer(probe, router(probe.ttl), ReplyKind.TIME_EXCEEDED)
    kind = {
        Protocol.ICMP: ReplyKind.ECHO,
        Protocol.UDP: ReplyKind.UNREACHABLE,
        Protocol.TCP: ReplyKind.SYN_ACK,
    }[probe.settings.protocol]
    return make_answer(probe, net.address, kind, distance=net.length)


def router(ttl: int) -> str:
    """The address of the router at a TTL."""
    return f"203.0.113.{ttl}"


def make_answer(
    probe: OutgoingProbe, address: str, kind: ReplyKind, distance: int | None = None
) -> ReceivedReply:
    """An answer that quotes a probe truly, or acknowledges it; its time is set on arrival.

    It is from the TTL `distance`; None: from where the probe's TTL ends.
    """
    distance = distance or probe.ttl
    direct = kind in (ReplyKind.ECHO, ReplyKind.SYN_ACK, ReplyKind.RST)
    return ReceivedReply(
        address=address,
        kind=kind,
        protocol=probe.settings.protocol,
        flow=probe.flow,
        key=probe.key,
        ip_id=None if direct else probe.ip_id,
        destination=TARGET,
        wall=0,
        stamp=Stamp.KERNEL,
        icmp_type=None if direct else 11,
        code=None if direct else 0,
        reply_ttl=65 - distance,
        mtu=None,
        ecn=False,
        quoted_tos=None if direct else probe.settings.tos,
        quoted_ttl=None if direct else probe.ttl - distance + 1,
    )
