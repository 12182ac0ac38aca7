"""Path MTU discovery, hop by hop (`--mtu`): RFC 1191, RFC 8201, and black holes (RFC 4821).

`PathMtuSource` wraps a live source. It reads what the probes met and switches their size, with DF
set, until one size passes all hops. First small probes show which hops answer at all. Then large
probes leave. Each refusal gives the next size. Where no hop refuses but nothing answers from some
hop on, bisection finds the largest size that passes: a black hole lies between two hops.
"""

import errno

import msgspec

from tui_trace.core import events
from tui_trace.core.events import Event, MtuSource, ReplyKind
from tui_trace.core.settings import MAX_PACKET, NS_PER_MS, Pace, ProbeSettings, minimum_size
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import SetPace, Sink, Source, Switch

PLATEAUS = (65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)
"""RFC 1191 §7.1: common link MTUs, for a router that refuses a packet and does not give its MTU."""
MIN_MTU = {4: 68, 6: 1280}
"""Every link carries so many bytes (RFC 791, RFC 8200 §5)."""
BLACK_HOLE_LOSSES = 3
"""A hop with so many losses, and no reply from it or beyond it, is the edge of a black hole."""
QUICK_INTERVAL = 250 * NS_PER_MS


class _SizeTest:
    """What the probes of one size met, in one run."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._in_first_round = True
        self._pending: set[int] = set()
        """Probes of the first round. Later rounds overlap with it, and only count losses."""
        self._lost: dict[int, int] = {}
        """Number of lost probes, by TTL."""
        self.answered: set[int] = set()
        """TTLs."""
        self.too_big: dict[int, events.Reply] = {}
        """The first refusal, by TTL."""

    def owns(self, event: events.SendFailed) -> bool:
        """Return whether a probe of this run could not leave."""
        return event.run == self._run

    def add(self, event: Event) -> bool:
        """Count the event. Return whether it decided the last pending probe of the first round, or
        came after that.
        """
        match event:
            case events.RoundBegan() if event.run == self._run:
                self._in_first_round = event.round == 1
                return False
            case events.ProbeSent() if event.run == self._run:
                if self._in_first_round:
                    self._pending.add(event.probe)
                return False
            case events.ProbeVoid() if event.run == self._run:
                self._pending.discard(event.probe)
            case events.ProbeLost() if event.run == self._run:
                self._pending.discard(event.probe)
                self._lost[event.ttl] = self._lost.get(event.ttl, 0) + 1
            case events.PathEnd() if event.run == self._run and event.reached:
                self.answered = {ttl for ttl in self.answered if ttl <= event.ttl}
                return False
            case events.Reply() if event.run == self._run and not event.duplicate:
                self._pending.discard(event.probe)
                if event.kind is ReplyKind.TOO_BIG:
                    self.too_big.setdefault(event.ttl, event)
                elif not event.past_target:
                    self.answered.add(event.ttl)
            case _:
                return False
        return not self._pending and bool(self.answered or self._lost or self.too_big)

    def vanished_at(self, ttl: int) -> bool:
        """Return whether probes are silently dropped from this hop on."""
        return self._lost.get(ttl, 0) >= BLACK_HOLE_LOSSES and ttl > max(self.answered, default=0)


class PathMtuSource(SourceFilter):
    """Finds the path MTU on the stream of a live source, which then goes on with that size."""

    def __init__(
        self, source: Source, settings: ProbeSettings, pace: Pace, family: int, largest: int
    ) -> None:
        """`source` must begin with `first_settings`; `largest` is the first size tested, bytes."""
        super().__init__(source)
        self._settings = settings
        self._pace = pace
        self._family = family
        self._low = first_settings(settings, family).size
        """The largest size known to pass, in bytes."""
        self._high: int | None = None
        """The smallest size known to vanish, in bytes; None: no size vanished."""
        self._size = self._low
        self._largest = largest
        self._base: frozenset[int] = frozenset()
        """TTLs of the hops that answered small probes."""
        self._edge = 0
        """TTL of the first hop beyond the black hole."""
        self._test: _SizeTest | None = None
        """None until the run with the present size opens."""
        self._rounds = 0
        self._done = False

    def run(self, sink: Sink) -> None:
        """Run the inner source at a quick pace, and add what is found; blocks."""
        quick = min(QUICK_INTERVAL, self._pace.interval)
        self.command(SetPace(msgspec.structs.replace(self._pace, interval=quick, rounds=None)))
        super().run(sink)

    def event(self, event: Event) -> None:
        """Pass the event on and learn from it."""
        self._sink.event(event)
        if isinstance(event, events.RoundBegan):
            self._rounds += 1
        if not self._done:
            self._learn(event)

    def _learn(self, event: Event) -> None:
        if isinstance(event, events.PathEnd) and event.reached:
            # until its own TTL was answered, the target seemed to be farther away
            self._base = frozenset(ttl for ttl in self._base if ttl <= event.ttl)
        if isinstance(event, events.RunOpened):
            self._test = _SizeTest(event.run)
        elif self._test is None:
            return
        elif isinstance(event, events.SendFailed):
            if event.errno == errno.EMSGSIZE and self._test.owns(event):
                self._refused_here(event)
        elif self._test.add(event):
            self._conclude(self._test, event.at)

    def _refused_here(self, event: events.SendFailed) -> None:
        size = event.mtu if event.mtu and event.mtu < self._size else self._plateau()
        self._found(event.at, 0, size, MtuSource.INTERFACE, "")
        self._shrink(event.at, size)

    def _conclude(self, test: _SizeTest, at: int) -> None:
        if not self._base:
            self._base = frozenset(test.answered)
            if self._base:
                self._try(self._largest)
        elif test.too_big:
            ttl = min(test.too_big)
            reply = test.too_big[ttl]
            said = reply.mtu if reply.mtu and MIN_MTU[self._family] <= reply.mtu < self._size else 0
            size = said or self._plateau()
            source = MtuSource.REPORTED if said else MtuSource.GUESSED
            self._found(at, ttl, size, source, reply.address)
            self._shrink(at, size)
        elif self._base <= test.answered:
            self._low = self._size
            self._narrow(at)
        elif test.vanished_at(silent := min(self._base - test.answered)):
            self._high = self._size
            self._edge = silent
            self._narrow(at)

    def _shrink(self, at: int, size: int) -> None:
        """Some hop refuses packets larger than `size`."""
        if size > self._low:
            self._try(size)
        else:
            self._finish(at)

    def _narrow(self, at: int) -> None:
        """Bisect between a size that passes and a size that vanishes."""
        if self._high is not None and self._high - self._low > 1:
            self._try((self._low + self._high) // 2)
            return
        if self._high is not None:
            self._found(at, self._edge, self._low, MtuSource.BLACK_HOLE, "")
        self._finish(at)

    def _finish(self, at: int) -> None:
        self._done = True
        larger = "silently dropped" if self._high is not None else "refused"
        text = f"path MTU {self._low} bytes: larger packets are {larger}"
        if self._low == self._largest:
            text = f"path MTU at least {self._low} bytes: no hop reported a smaller MTU"
        self._sink.event(events.Notice(at=at, text=text))
        rounds = None if self._pace.rounds is None else self._rounds + self._pace.rounds
        self.command(SetPace(msgspec.structs.replace(self._pace, rounds=rounds)))
        if self._size != self._low:
            self._try(self._low)

    def _try(self, size: int) -> None:
        self._size = size
        self._test = None
        self.command(Switch(msgspec.structs.replace(self._settings, df=True, size=size)))

    def _plateau(self) -> int:
        return next((size for size in PLATEAUS if size < self._size), MIN_MTU[self._family])

    def _found(self, at: int, ttl: int, mtu: int, source: MtuSource, address: str) -> None:
        self._sink.event(events.MtuFound(at=at, ttl=ttl, mtu=mtu, source=source, address=address))


def first_settings(settings: ProbeSettings, family: int) -> ProbeSettings:
    """Return settings of small probes that no link refuses, to see which hops answer at all."""
    size = max(MIN_MTU[4], minimum_size(settings.protocol, family))
    return msgspec.structs.replace(settings, df=True, size=size)


def largest_size(given: int | None) -> int:
    """Return the size to begin with, in bytes: the user's, or one that the interface refuses."""
    return MAX_PACKET if given is None else given
