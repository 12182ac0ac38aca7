"""Streams of sessions whose routes are known: what an engine would tell of them."""

import random
from collections.abc import Callable, Sequence

from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, ProbeSettings
from tui_trace.session.fold import Session

TARGET = "203.0.113.80"
Route = Sequence[str | Sequence[str] | None]
"""Who is at TTL 1, 2, …, the target last: one address, several that take turns, or silence."""


def chain(length: int, prefix: str = "198.18.0") -> list[str]:
    """So many routers and the target."""
    return [*(f"{prefix}.{ttl}" for ttl in range(1, length)), TARGET]


class Walk:
    """Probes route after route, round by round, into a session."""

    def __init__(self, seed: int = 1, loss: float = 0.0) -> None:
        self.rng = random.Random(seed)
        self.loss = loss
        self.session = Session()
        self.events: list[ev.Event] = []
        self.at = 0
        self._probe = 0
        self._run = 0
        self._end: int | None = None
        self.tell(
            ev.SessionBegan(
                at=0, wall=0, target="t", address=TARGET, family=4, source="", version="0"
            )
        )

    def tell(self, event: ev.Event) -> None:
        self.events.append(event)
        self.session.apply(event)

    def open(self, run: int = 1, settings: ProbeSettings | None = None) -> None:
        self._run = run
        self._end = None
        self.tell(ev.RunOpened(at=self.at, run=run, settings=settings or ProbeSettings()))

    def rounds(self, count: int, route: Route, pick: Callable[[int], int] | None = None) -> None:
        """`pick` chooses among several addresses by the probe's number; chance, if None."""
        for _ in range(count):
            self._round(route, pick)
            self.at += NS_PER_S

    def _round(self, route: Route, pick: Callable[[int], int] | None) -> None:
        for ttl in range(1, max(len(route), self._end or 0) + 1):
            self._probe += 1
            at = self.at + ttl * NS_PER_MS
            self.tell(ev.ProbeSent(at=at, run=self._run, probe=self._probe, ttl=ttl))
            who = route[min(ttl, len(route)) - 1]
            if who is not None and not isinstance(who, str):
                who = who[pick(self._probe) % len(who)] if pick else self.rng.choice(who)
            if who is None or self.rng.random() < self.loss:
                self.tell(
                    ev.ProbeLost(at=at + NS_PER_S // 2, run=self._run, probe=self._probe, ttl=ttl)
                )
                continue
            reached = who == TARGET
            self.tell(
                ev.Reply(
                    at=at + NS_PER_MS,
                    run=self._run,
                    probe=self._probe,
                    ttl=ttl,
                    address=who,
                    kind=ev.ReplyKind.ECHO if reached else ev.ReplyKind.TIME_EXCEEDED,
                    rtt=NS_PER_MS,
                    sent_stamp=ev.Stamp.KERNEL,
                    received_stamp=ev.Stamp.KERNEL,
                    reached=reached,
                )
            )
        if self._end != len(route):
            self._end = len(route)
            self.tell(ev.PathEnd(at=self.at, run=self._run, ttl=self._end, reached=True))

    @property
    def letters(self) -> str:
        return "".join(path.letter for path in self.session.snapshot().paths)
