"""Sessions dealt by a generator: a network whose truth is known on every event, and no packets.

A `World` says which way each probe takes, what each link does to it and what each router answers;
`deal` gives the events that an engine would emit, in their order, for as many rounds as wanted. The
end of the path is found by the engine's own `PathEndDetector`.
"""

import dataclasses
import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings, Protocol
from tui_trace.engine.path_end import PathEndDetector

TARGET = "203.0.113.80"
Drops = Callable[[int, random.Random], bool]
"""Whether a packet is lost at this time (ns)."""
Delay = Callable[[int, random.Random], float]
"""Milliseconds that a packet needs at this time (ns), one way."""


def never(_at: int, _rng: random.Random) -> bool:
    """Lose nothing."""
    return False


def bernoulli(share: float) -> Drops:
    """Lose this share (0 to 1) at random."""
    return lambda _at, rng: rng.random() < share


class Bursts:
    """Gilbert–Elliott: lose everything in bursts of so many packets on average (geometric)."""

    def __init__(self, share: float, length: float) -> None:
        self.leave = 1 / length
        self.enter = share * self.leave / (1 - share)
        self.is_bad = False

    def __call__(self, _at: int, rng: random.Random) -> bool:
        self.is_bad = rng.random() < (1 - self.leave if self.is_bad else self.enter)
        return self.is_bad


class TokenBucket:
    """Answer at most `rate` packets a second, and `depth` at once; lose the others."""

    def __init__(self, rate: float, depth: float = 1) -> None:
        self.rate, self.depth, self.tokens, self.seen = rate, depth, depth, 0

    def __call__(self, at: int, _rng: random.Random) -> bool:
        self.tokens = min(self.depth, self.tokens + (at - self.seen) / NS_PER_S * self.rate)
        self.seen = at
        if self.tokens < 1:
            return True
        self.tokens -= 1
        return False


def between(begin: float, end: float, drops: Drops) -> Drops:
    """Lose what `drops` says from `begin` to `end` (seconds), and nothing else."""
    return lambda at, rng: begin * NS_PER_S <= at < end * NS_PER_S and drops(at, rng)


def constant(ms: float, noise: float = 0.02) -> Delay:
    """Take `ms`, and a noise of this share (exponential) on top."""
    return lambda _at, rng: ms * (1 + rng.expovariate(1) * noise)


def noisy(ms: float, share: float = 0.05, spikes: float = 0.001) -> Delay:
    """Take `ms`, noise (lognormal, its median this share of `ms`), and spikes of 20 ms."""

    def delay(_at: int, rng: random.Random) -> float:
        spike = rng.expovariate(1 / 20) if rng.random() < spikes else 0.0
        return ms * (1 + rng.lognormvariate(math.log(share), 0.8)) + spike

    return delay


def stepping(delay: Delay, at: float, ms: float) -> Delay:
    """Take as long as `delay`, and `ms` more (half of it each way) from `at` (seconds) on."""
    return lambda now, rng: delay(now, rng) + (ms / 2 if now >= at * NS_PER_S else 0.0)


def queueing(delay: Delay, ms: float, period: float) -> Delay:
    """Take as long as `delay`, and up to `ms` more for half of each period (seconds), as a sine."""

    def queued(now: int, rng: random.Random) -> float:
        angle = 2 * math.pi * (now / NS_PER_S % period) / period
        return delay(now, rng) + ms / 2 * max(0.0, math.sin(angle))

    return queued


@dataclass
class Node:
    """A router or the target, and the link that leads to it."""

    address: str
    drops: Drops = never
    """What the link to it loses on the way there."""
    drops_answers: Drops = never
    """What is lost of its own answers."""
    delay: Delay = field(default_factory=lambda: constant(1.0))
    """Of the link to it, one way."""
    answer_delay: Delay = field(default_factory=lambda: constant(0.05, 1.0))
    """Until it answers."""
    drops_back: Drops = never
    """What the link loses on the way back."""
    back_hops: int | None = None
    """Hops that its answers come back over; None: as many as there."""


Way = Callable[[int, int, random.Random], Sequence[Node]]
"""The nodes that a probe passes at a time (ns) with a flow; the last one is the target."""


def routers(count: int) -> list[Node]:
    """Return the nodes of a plain path: `count` routers, and the target."""
    return [*(Node(f"10.0.{hop}.1") for hop in range(1, count + 1)), Node(TARGET)]


@dataclass
class World:
    """A network."""

    way: Way
    settings: ProbeSettings = field(default_factory=ProbeSettings)
    pace: Pace = field(default_factory=Pace)
    wait: int = NS_PER_S
    """Nanoseconds after which a probe counts as lost."""
    wall: int = 1_772_600_000 * NS_PER_S

    @classmethod
    def of(cls, nodes: Sequence[Node], **settings: object) -> "World":
        """Return a network with one way."""
        return cls(lambda _at, _flow, _rng: nodes, **settings)  # type: ignore[arg-type]


def deal(world: World, rounds: int, seed: int) -> Iterator[ev.Event]:
    """Return the events of a session of one run with so many rounds."""
    yield ev.SessionBegan(
        at=0,
        wall=world.wall,
        target="target.example",
        address=TARGET,
        family=4,
        source="",
        version="",
    )
    yield ev.PaceSet(at=0, pace=world.pace)
    yield ev.RunOpened(at=0, run=1, settings=world.settings)
    yield from deal_run(world, rounds, random.Random(seed))
    yield ev.SessionEnded(at=(rounds + 5) * world.pace.interval)


def deal_turns(worlds: Sequence[World], rounds: int, seed: int) -> Iterator[ev.Event]:
    """Return the events of a session whose runs, one of each world, take turns from 1 s on.

    Run 1, of the last world, is what goes on before and after; the turns are temporary.
    """
    pace, home, turns = worlds[0].pace, worlds[-1], len(worlds)
    numbers = range(2, turns + 2)
    *begin, end = deal(home, 1, seed)
    yield from begin
    yield from (
        ev.RunOpened(
            at=pace.interval,
            run=number,
            settings=world.settings,
            turns_with=tuple(other for other in numbers if other != number),
            temporary=True,
        )
        for number, world in zip(numbers, worlds, strict=True)
    )
    runs = [
        deal_run(
            world,
            rounds,
            random.Random(f"{seed} {number}"),
            run=number,
            start=number * pace.interval,
            first_probe=number * 1_000_000,
            turns=turns,
        )
        for number, world in zip(numbers, worlds, strict=True)
    ]
    yield from heapq.merge(*runs, key=lambda event: event.at)
    over = (rounds * turns + 10) * pace.interval
    yield ev.RunOpened(at=over, run=1, settings=home.settings, reopened=True)
    yield ev.SessionEnded(at=max(over, end.at))


@dataclass
class Stretch:
    """What a session does for a while: it probes one run, or lets several take turns."""

    worlds: dict[int, World]
    """By run."""
    rounds: int
    """Of each run."""


def deal_stretches(stretches: Sequence[Stretch], seed: int) -> Iterator[ev.Event]:
    """Return the events of a session whose probe is switched; a run may come again."""
    rng = random.Random(seed)
    first = next(iter(stretches[0].worlds.values()))
    yield ev.SessionBegan(
        at=0,
        wall=first.wall,
        target="target.example",
        address=TARGET,
        family=4,
        source="",
        version="",
    )
    yield ev.PaceSet(at=0, pace=first.pace)
    known: set[int] = set()
    start, probe = 0, 1
    for stretch in stretches:
        turns = len(stretch.worlds)
        dealt: list[list[ev.Event]] = []
        for place, (run, world) in enumerate(stretch.worlds.items()):
            others = tuple(one for one in stretch.worlds if one != run)
            yield ev.RunOpened(
                at=start,
                run=run,
                settings=world.settings,
                reopened=run in known,
                turns_with=others,
            )
            known.add(run)
            pace = replace(world.pace, interval=world.pace.interval * turns)
            spaced = dataclasses.replace(world, pace=pace)
            begin = start + place * world.pace.interval
            dealt.append(
                list(deal_run(spaced, stretch.rounds, rng, run=run, start=begin, first_probe=probe))
            )
            probe += sum(isinstance(event, ev.ProbeSent) for event in dealt[-1])
        merged = heapq.merge(*dealt, key=lambda event: event.at)
        start += stretch.rounds * turns * first.pace.interval
        for event in merged:
            yield event
            start = max(start, event.at + 1)
    yield ev.SessionEnded(at=start)


def deal_run(
    world: World,
    rounds: int,
    rng: random.Random,
    *,
    run: int = 1,
    start: int = 0,
    first_probe: int = 1,
    turns: int = 1,
) -> Iterator[ev.Event]:
    """Return the events of one run from `start` (ns) on, without its opening.

    Of so many `turns`, one is this run's; the others pass without it.
    """
    order = itertools.count()
    waiting: list[tuple[int, int, ev.Event]] = []
    end = PathEndDetector()
    told: tuple[int, bool] | None = None
    number = first_probe
    pace, flows = world.pace, world.settings.flows
    final = {
        Protocol.ICMP: ev.ReplyKind.ECHO,
        Protocol.UDP: ev.ReplyKind.UNREACHABLE,
        Protocol.TCP: ev.ReplyKind.SYN_ACK,
    }[world.settings.protocol]

    def answer(probe: int, ttl: int, flow: int, at: int) -> ev.Event:
        rtt = 0.0
        lost = ev.ProbeLost(at=at + world.wait, run=run, probe=probe, ttl=ttl)
        nodes = world.way(at, flow, rng)
        passed = nodes[: min(ttl, len(nodes))]
        for node in passed:
            if node.drops(at, rng):
                return lost
            rtt += node.delay(at, rng)
        last = passed[-1]
        if last.drops_answers(at, rng):
            return lost
        for node in passed:
            if node.drops_back(at, rng):
                return lost
            rtt += node.delay(at, rng)
        ns = round((rtt + last.answer_delay(at, rng)) * NS_PER_MS)
        back = len(passed) if last.back_hops is None else last.back_hops
        reached = len(passed) == len(nodes)
        if ns >= world.wait:
            return lost
        return ev.Reply(
            at=at + ns,
            run=run,
            probe=probe,
            ttl=ttl,
            address=last.address,
            kind=final if reached else ev.ReplyKind.TIME_EXCEEDED,
            rtt=ns,
            flow=flow,
            sent_stamp=ev.Stamp.KERNEL,
            received_stamp=ev.Stamp.KERNEL,
            reached=reached,
            reply_ttl=max(65 - back, 1),
            past_target=reached and end.end_ttl is not None and ttl > end.end_ttl,
        )

    def due(until: int) -> Iterator[ev.Event]:
        nonlocal told
        while waiting and waiting[0][0] <= until:
            event = heapq.heappop(waiting)[2]
            if isinstance(event, ev.Reply):
                if event.reached:
                    end.on_final_reply(event.ttl, event.probe, by_target=True, is_scout=False)
                else:
                    end.on_time_exceeded(event.ttl, event.probe)
            elif isinstance(event, ev.ProbeLost):
                end.on_lost(event.ttl)
            yield event
            last = (end.last_ttl(pace.max_ttl, pace.max_unknown), end.reached)
            if told != last:
                told = last
                yield ev.PathEnd(at=event.at, run=run, ttl=last[0], reached=last[1])

    for round_number in range(1, rounds + 1):
        began = start + (round_number - 1) * turns * pace.interval
        yield from due(began)
        yield ev.RoundBegan(at=began, run=run, round=round_number)
        last = end.last_ttl(pace.max_ttl, pace.max_unknown) if round_number > 1 else pace.max_ttl
        if round_number == 1:
            last = min(last, len(world.way(began, 0, rng)) + 2)
        probes = [
            (query, flow, ttl)
            for query in range(pace.queries)
            for flow in range(flows)
            for ttl in range(1, last + 1)
        ]
        step = pace.interval // len(probes)
        for place, (_, flow, ttl) in enumerate(probes):
            at = began + place * step
            yield from due(at)
            yield ev.ProbeSent(at=at, run=run, probe=number, ttl=ttl, flow=flow)
            event = answer(number, ttl, flow, at)
            heapq.heappush(waiting, (event.at, next(order), event))
            number += 1
    yield from due(1 << 62)
