"""Traceroutes of another program, one after another, as the events of a session."""

import ipaddress
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.ranges import LARGEST
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings

MAX_TTL = 255
_LATEST = LARGEST - 1


class Answer(NamedTuple):
    """A reply to a probe."""

    address: str
    kind: ev.ReplyKind
    rtt: int
    """Nanoseconds."""
    reached: bool = False
    icmp_type: int | None = None
    code: int | None = None
    reply_ttl: int | None = None
    mtu: int | None = None
    quoted_ttl: int | None = None
    quoted_tos: int | None = None
    labels: tuple[ev.MplsLabel, ...] = ()
    duplicates: int = 0
    """Further replies to the same probe."""
    sent_stamp: ev.Stamp = ev.Stamp.USER
    received_stamp: ev.Stamp = ev.Stamp.USER


class Probe(NamedTuple):
    """A probe, and what became of it."""

    ttl: int
    answer: Answer | None = None
    """None: it was lost."""
    at: int | None = None
    """When it was sent, in ns since 1970; None: not told."""
    is_unknown: bool = False
    """Nothing tells whether it was answered."""


class Round(NamedTuple):
    """One traceroute."""

    wall: int
    """When it began, in ns since 1970."""
    settings: ProbeSettings
    probes: tuple[Probe, ...]
    """In the order they were sent."""
    failures: tuple[tuple[int, str], ...] = ()
    """By TTL: why the machine could not send."""
    notice: str = ""
    """What the reader of the numbers has to know; empty: nothing."""


class Traced(NamedTuple):
    """Who traced what."""

    target: str
    """The name; the address where there is none."""
    address: str
    source: str
    vantage: str
    """Name of the machine that probed."""
    family: int


def same_address(one: str, other: str) -> bool:
    """Return whether two texts are the same address, however it is written."""
    if one == other:
        return bool(one)
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def shortest_interval(times: Iterable[int]) -> int:
    """Return the shortest distance between two times that follow one another; 0 if there is none.

    Times that are equal do not count.
    """
    return min((after - before for before, after in pairwise(times) if after > before), default=0)


def play_rounds(
    traced: Traced, interval: int, rounds: Iterable[Round], version: str
) -> Iterator[ev.Event]:
    """Iterate over the events of the session; `rounds` by time, and `interval` in ns.

    `version` names the program that measured.
    """
    return _RoundPlayer(traced, version).events(interval, rounds)


class _RoundPlayer:
    def __init__(self, traced: Traced, version: str) -> None:
        self._traced = traced
        self._version = version
        self._at = 0
        self._probe = 0
        self._wall = 0
        self._runs: dict[ProbeSettings, int] = {}
        self._rounds: dict[int, int] = {}
        self._ends: dict[int, tuple[int, bool]] = {}
        """By run: the last TTL, and whether the target answers there."""
        self._run = 0
        self._notices: set[str] = set()

    def events(self, interval: int, rounds: Iterable[Round]) -> Iterator[ev.Event]:
        queries = 0
        for one in rounds:
            if not queries:
                queries = _queries(one)
                yield from self._beginning(one.wall, interval, queries)
            yield from self._round(one)
        yield ev.SessionEnded(at=self._at)

    def _beginning(self, wall: int, interval: int, queries: int) -> Iterator[ev.Event]:
        self._wall = wall
        yield ev.SessionBegan(
            at=0,
            wall=wall,
            target=self._traced.target,
            address=self._traced.address,
            family=self._traced.family,
            source=self._traced.source,
            version=self._version,
            vantage=self._traced.vantage,
        )
        pace = Pace(
            interval=interval or NS_PER_S, max_ttl=MAX_TTL, queries=queries, sequential=True
        )
        yield ev.PaceSet(at=0, pace=pace)

    def _round(self, one: Round) -> Iterator[ev.Event]:
        self._move_to(one.wall)
        yield from self._open_run(one.settings)
        run = self._run
        number = self._rounds[run] = self._rounds.get(run, 0) + 1
        yield ev.RoundBegan(at=self._at, run=run, round=number)
        # known before the first probe of the round is lost, so that a loss of the target counts
        end = _end_of(one)
        known = self._ends.get(run)
        if end is not None and (end[1] or known is None or not known[1]) and end != known:
            self._ends[run] = end
            yield ev.PathEnd(at=self._at, run=run, ttl=end[0], reached=end[1])
        for ttl, reason in one.failures:
            yield ev.SendFailed(at=self._at, run=run, ttl=ttl, errno=0, reason=reason)
        for probe in one.probes:
            yield from self._outcome(probe)
        if one.notice and one.notice not in self._notices:
            self._notices.add(one.notice)
            yield ev.Notice(at=self._at, text=one.notice)

    def _open_run(self, settings: ProbeSettings) -> Iterator[ev.Event]:
        run = self._runs.get(settings)
        if run is not None and run == self._run:
            return
        self._run = run or len(self._runs) + 1
        self._runs[settings] = self._run
        yield ev.RunOpened(
            at=self._at,
            run=self._run,
            settings=settings,
            reopened=run is not None,
            source_port=settings.source_port or 0,
        )

    def _outcome(self, probe: Probe) -> Iterator[ev.Event]:
        if probe.at is not None:
            self._move_to(probe.at)
        self._probe += 1
        run, number, ttl = self._run, self._probe, probe.ttl
        yield ev.ProbeSent(at=self._at, run=run, probe=number, ttl=ttl)
        answer = probe.answer
        if answer is None and probe.is_unknown:
            yield ev.ProbeVoid(
                at=self._at, run=run, probe=number, ttl=ttl, reason="its outcome is not told"
            )
        elif answer is None:
            yield ev.ProbeLost(at=self._at, run=run, probe=number, ttl=ttl)
        else:
            reply = self._reply(answer, number, ttl)
            yield reply
            for _ in range(answer.duplicates):
                yield replace(reply, duplicate=True)

    def _reply(self, answer: Answer, number: int, ttl: int) -> ev.Reply:
        return ev.Reply(
            at=self._at,
            run=self._run,
            probe=number,
            ttl=ttl,
            address=answer.address,
            kind=answer.kind,
            rtt=answer.rtt,
            sent_stamp=answer.sent_stamp,
            received_stamp=answer.received_stamp,
            reached=answer.reached,
            icmp_type=answer.icmp_type,
            code=answer.code,
            reply_ttl=answer.reply_ttl,
            mtu=answer.mtu,
            quoted_ttl=answer.quoted_ttl,
            quoted_tos=answer.quoted_tos,
            labels=answer.labels,
        )

    def _move_to(self, wall: int) -> None:
        """Let the events from now on happen then; a time before the last event is that event's."""
        self._at = min(max(self._at, wall - self._wall), _LATEST)


def _queries(one: Round) -> int:
    by_ttl: dict[int, int] = {}
    for probe in one.probes:
        by_ttl[probe.ttl] = by_ttl.get(probe.ttl, 0) + 1
    return max(by_ttl.values(), default=1)


def _end_of(one: Round) -> tuple[int, bool] | None:
    """Return where the target answered first, or else the last TTL; None without a probe."""
    reached = [p.ttl for p in one.probes if p.answer is not None and p.answer.reached]
    if reached:
        return min(reached), True
    last = max((probe.ttl for probe in one.probes), default=None)
    return None if last is None else (last, False)
