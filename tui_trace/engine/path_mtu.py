"""Path MTU discovery, hop by hop (`--mtu`): RFC 1191, RFC 8201, and black holes (RFC 4821).

A source around a source: it reads what its probes met and switches their size, DF set, until one
passes all hops. First small probes show which hops answer at all. Then large ones leave; each
refusal tells the next size, and where nobody refuses but nothing answers from some hop on, the
size is halved in until the largest that passes is known: a black hole, between two hops.
"""

import errno

import msgspec

from tui_trace.core import events
from tui_trace.core.events import Event, MtuSource, ReplyKind
from tui_trace.core.settings import MAX_PACKET, NS_PER_MS, Pace, ProbeSettings, minimum_size
from tui_trace.core.stream import Command, SetPace, Sink, Source, Switch

PLATEAUS = (65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68)
"""RFC 1191 §7.1: sizes that links have, for a router that refuses and does not say its own."""
LEAST = {4: 68, 6: 1280}
"""Every link carries so many bytes (RFC 791, RFC 8200 §5)."""
VANISHED = 3
"""Losses at a hop, and no answer from it or behind it, that make it the edge of a black hole."""
QUICK = 250 * NS_PER_MS


class PathMtuSource:
    """Finds the path MTU on the stream of a live source, which then goes on with that size."""

    def __init__(
        self, source: Source, settings: ProbeSettings, pace: Pace, family: int, largest: int
    ) -> None:
        """`source` must begin with `first_settings`; `largest` is the size to begin with."""
        self._source = source
        self._settings = settings
        self._pace = pace
        self._family = family
        self._low = first_settings(settings, family).size
        self._high: int | None = None
        self._size = self._low
        self._largest = largest
        self._base: frozenset[int] = frozenset()
        self._edge = 0
        self._run = 0
        self._rounds = 0
        self._done = False
        self._begin_size()

    def run(self, sink: Sink) -> None:
        """Pass the stream on, and add what is found."""
        self._sink = sink
        quick = min(QUICK, self._pace.interval)
        self._source.command(
            SetPace(msgspec.structs.replace(self._pace, interval=quick, rounds=None))
        )
        self._source.run(self)

    def command(self, command: Command) -> None:
        """Passed on."""
        self._source.command(command)

    def stop(self) -> None:
        """Passed on."""
        self._source.stop()

    # --- as the sink of the inner source

    def event(self, event: Event) -> None:
        """Pass it on and learn from it."""
        self._sink.event(event)
        if isinstance(event, events.RoundBegan):
            self._rounds += 1
        if not self._done:
            self._learn(event)

    def pulse(self, at: int) -> None:
        """Passed on."""
        self._sink.pulse(at)

    def _learn(self, event: Event) -> None:
        match event:
            case events.RunOpened():
                self._run = event.run
                self._begin_size()
            case events.RoundBegan() if event.run == self._run:
                self._sweeping = event.round == 1
                return
            case events.ProbeSent() if event.run == self._run:
                if self._sweeping:
                    self._pending.add(event.probe)
                return
            case events.ProbeVoid() if event.run == self._run:
                self._pending.discard(event.probe)
            case events.ProbeLost() if event.run == self._run:
                self._pending.discard(event.probe)
                self._lost[event.ttl] = self._lost.get(event.ttl, 0) + 1
            case events.Reply() if event.run == self._run and not event.duplicate:
                self._pending.discard(event.probe)
                if event.kind is ReplyKind.TOO_BIG:
                    self._refused.setdefault(event.ttl, event)
                elif not event.beyond:
                    self._answered.add(event.ttl)
            case events.SendFailed() if event.run == self._run and event.errno == errno.EMSGSIZE:
                self._refused_here(event)
                return
            case _:
                return
        if not self._pending and (self._answered or self._lost or self._refused):
            self._conclude(event.at)

    def _begin_size(self) -> None:
        self._sweeping = True
        self._pending: set[int] = set()
        """Of the first round; later ones overlap, and only count losses."""
        self._answered: set[int] = set()
        self._lost: dict[int, int] = {}
        self._refused: dict[int, events.Reply] = {}

    def _refused_here(self, event: events.SendFailed) -> None:
        size = event.mtu if event.mtu and event.mtu < self._size else self._plateau()
        self._found(event.at, 0, size, MtuSource.INTERFACE, "")
        self._shrink(event.at, size)

    def _conclude(self, at: int) -> None:
        if not self._base:
            self._base = frozenset(self._answered)
            if self._base:
                self._try(self._largest)
        elif self._refused:
            ttl = min(self._refused)
            reply = self._refused[ttl]
            said = reply.mtu if reply.mtu and LEAST[self._family] <= reply.mtu < self._size else 0
            size = said or self._plateau()
            how = MtuSource.REPORTED if said else MtuSource.GUESSED
            self._found(at, ttl, size, how, reply.address)
            self._shrink(at, size)
        elif self._base <= self._answered:
            self._low = self._size
            self._narrow(at)
        elif self._vanished():
            self._high = self._size
            self._edge = min(self._base - self._answered)
            self._narrow(at)

    def _shrink(self, at: int, size: int) -> None:
        """Somebody refuses more than this."""
        if size > self._low:
            self._try(size)
        else:
            self._finish(at)

    def _vanished(self) -> bool:
        edge = min(self._base - self._answered)
        return self._lost.get(edge, 0) >= VANISHED and edge > max(self._answered, default=0)

    def _narrow(self, at: int) -> None:
        """Between a size that passes and one that vanishes."""
        if self._high is not None and self._high - self._low > 1:
            self._try((self._low + self._high) // 2)
            return
        if self._high is not None:
            self._found(at, self._edge, self._low, MtuSource.BLACK_HOLE, "")
        self._finish(at)

    def _finish(self, at: int) -> None:
        self._done = True
        how = "a black hole swallows more" if self._high is not None else "larger ones are refused"
        text = f"path MTU {self._low} bytes: {how}"
        if self._low == self._largest:
            text = f"path MTU at least {self._low} bytes: nobody refuses them"
        self._sink.event(events.Notice(at=at, text=text))
        rounds = None if self._pace.rounds is None else self._rounds + self._pace.rounds
        self._source.command(SetPace(msgspec.structs.replace(self._pace, rounds=rounds)))
        if self._size != self._low:
            self._try(self._low)

    def _try(self, size: int) -> None:
        self._size = size
        settings = msgspec.structs.replace(self._settings, df=True, size=size)
        self._source.command(Switch(settings))
        self._run = -1

    def _plateau(self) -> int:
        return next((size for size in PLATEAUS if size < self._size), LEAST[self._family])

    def _found(self, at: int, ttl: int, mtu: int, how: MtuSource, address: str) -> None:
        self._sink.event(events.MtuFound(at=at, ttl=ttl, mtu=mtu, how=how, address=address))


def first_settings(settings: ProbeSettings, family: int) -> ProbeSettings:
    """Small probes that no link refuses, to see which hops answer at all."""
    size = max(LEAST[4], minimum_size(settings.protocol, family))
    return msgspec.structs.replace(settings, df=True, size=size)


def largest_size(given: int | None) -> int:
    """The size to begin with: the user's, or one that our own interface refuses and corrects."""
    return MAX_PACKET if given is None else given
