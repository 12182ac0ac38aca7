"""A network with a clock of its own, for the engine: no sockets, no waiting, no chance.

It stands in for the wire only; the real sockets have tests of their own on real routers.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol
from tui_trace.wire.network import (
    Egress,
    ProbeSpec,
    QuoteDetails,
    ReceivedReply,
    SendError,
    SendStamp,
)

TARGET = "192.0.2.99"
SOURCE = "198.51.100.1"
GATEWAY = "198.51.100.254"
WALL_BASE = 1_700_000_000_000_000_000
NOT_TRANSLATED = QuoteDetails(is_translated=False)


@dataclass
class SimNet:
    """A chain: a router a TTL, then the target. Delays in ns."""

    length: int = 5
    delay: Callable[[ProbeSpec, int], int | None] = lambda probe, _n: probe.ttl * NS_PER_MS
    """Round-trip time of the nth probe; None: no answer."""
    respond: Callable[["SimNet", ProbeSpec], ReceivedReply | None] | None = None
    family: int = 4
    address: str = TARGET
    kernel_stamps: bool = True
    fail: Callable[[ProbeSpec], SendError | None] = lambda _probe: None
    now: int = 5_000_000_000
    wall_shift: int = 0
    source_address: str = SOURCE
    sent: list[tuple[int, ProbeSpec]] = field(default_factory=list)
    at: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    """Things to do at a time of the clock: `at.append((ns, action))`."""
    quotes: Callable[[ProbeSpec, ReceivedReply], QuoteDetails] = lambda _probe, _answer: (
        NOT_TRANSLATED
    )
    """What answers with a message say of their probes."""
    closed: bool = False
    receives: int = 0

    def __post_init__(self) -> None:
        self._heap: list[tuple[int, int, SendStamp | ReceivedReply]] = []
        self._order = itertools.count()
        self._ports = itertools.count(40_000)
        self._woken = False

    def open(self) -> None:
        self.closed = False

    def monotonic(self) -> int:
        return self.now

    def wall(self) -> int:
        return self.now + WALL_BASE + self.wall_shift

    def egress(self, settings: ProbeSettings) -> Egress:
        return Egress(settings.source or self.source_address, "sim0", GATEWAY, 1500, 2)

    def reserve_port(self, _protocol: Protocol, port: int | None = None) -> int:
        return port if port is not None else next(self._ports)

    def data_length(self, settings: ProbeSettings) -> int:
        return max(0, settings.size - 60) if settings.protocol is Protocol.TCP else 0

    def send(self, probe: ProbeSpec) -> None:
        error = self.fail(probe)
        if error is not None:
            raise error
        self.sent.append((self.now, probe))
        if self.kernel_stamps:
            self.inject(
                self.now,
                SendStamp(
                    probe.settings.protocol,
                    probe.flow,
                    probe.key,
                    Stamp.KERNEL,
                    self.wall(),
                ),
            )
        delay = self.delay(probe, len(self.sent))
        answer = (self.respond or answer_of)(self, probe)
        if delay is not None and answer is not None:
            self.inject(self.now + delay, answer)

    def inject(self, when: int, what: SendStamp | ReceivedReply) -> None:
        """Let something arrive at a time."""
        heapq.heappush(self._heap, (when, next(self._order), what))

    def receive(self, timeout: int) -> tuple[list[SendStamp], list[ReceivedReply]]:
        self.receives += 1
        deadline = self.now + timeout
        if self._woken:
            deadline, self._woken = self.now, False
        if self._heap:
            deadline = min(deadline, max(self.now, self._heap[0][0]))
        if self.at:
            self.at.sort(key=lambda entry: entry[0])
            if self.at[0][0] <= deadline:
                when, action = self.at.pop(0)
                self.now = max(self.now, when)
                action()
                return [], []
        self.now = max(self.now + 1, deadline)
        sent: list[SendStamp] = []
        answers: list[ReceivedReply] = []
        while self._heap and self._heap[0][0] <= self.now:
            when, _, what = heapq.heappop(self._heap)
            if isinstance(what, SendStamp):
                sent.append(what)
            else:
                answers.append(what._replace(wall=when + WALL_BASE + self.wall_shift))
        return sent, answers

    def quoted(self, probe: ProbeSpec, answer: ReceivedReply) -> QuoteDetails:
        return self.quotes(probe, answer)

    def wake(self) -> None:
        self._woken = True

    def close(self) -> None:
        self.closed = True


def answer_of(net: SimNet, probe: ProbeSpec) -> ReceivedReply:
    """What a plain chain says to a probe."""
    if probe.ttl < net.length:
        return make_answer(probe, router(probe.ttl), ReplyKind.TIME_EXCEEDED)
    kind = {
        Protocol.ICMP: ReplyKind.ECHO,
        Protocol.UDP: ReplyKind.UNREACHABLE,
        Protocol.TCP: ReplyKind.SYN_ACK,
    }[probe.settings.protocol]
    return make_answer(probe, net.address, kind)


def router(ttl: int) -> str:
    """The address of the router at a TTL."""
    return f"203.0.113.{ttl}"


def make_answer(probe: ProbeSpec, address: str, kind: ReplyKind) -> ReceivedReply:
    """An answer that quotes a probe truly, or acknowledges it; its time is set on arrival."""
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
        reply_ttl=64,
        mtu=None,
        ecn=False,
        quoted_tos=None if direct else probe.settings.tos,
        quoted_ttl=None if direct else 1,
    )
