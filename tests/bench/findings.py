"""What is said of networks whose truth is known: how often it is right, and how soon.

No packets: sessions are dealt by a generator, and each is watched to its end.
"""

import argparse
import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.common import table
from tests.helpers.generated_sessions import (
    TARGET,
    Bursts,
    Node,
    TokenBucket,
    World,
    bernoulli,
    between,
    deal,
    noisy,
    queueing,
    routers,
    stepping,
)
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.finding import FindingKind as Kind
from tui_trace.session.finding_text import is_event
from tui_trace.session.fold import Session

HOPS = 6


@dataclass
class Case:
    """A truth, how it is dealt, and what may and must be said of it."""

    name: str
    world: Callable[[random.Random], World]
    expected: frozenset[Kind] = frozenset()
    """Kinds of which one must be said in the end."""
    hop: int | None = None
    """Where it begins, if it does."""
    rounds: int = 300
    also: frozenset[Kind] = frozenset()
    """Kinds that are true, too."""
    begin: float = 0
    """Seconds until it begins."""
    end: float | None = None
    """Seconds until it is over."""


@dataclass
class Said:
    """What was said in one session."""

    kinds: set[Kind] = field(default_factory=set)
    first: dict[Kind, float] = field(default_factory=dict)
    """Seconds until a kind was told first."""
    over: dict[Kind, float] = field(default_factory=dict)
    ends: list[tuple[Kind, float]] = field(default_factory=list)
    """Each end that was told, and when it was (s)."""
    hops: dict[Kind, int | None] = field(default_factory=dict)
    harmful: set[Kind] = field(default_factory=set)


def watch(world: World, rounds: int, seed: int) -> Said:
    """Return what was said in a session, at any time of it."""
    said, session = Said(), Session()
    for event in deal(world, rounds, seed):
        before = session.looks
        session.apply(event)
        if session.looks == before:
            continue
        for finding in session.findings():
            if finding.kind not in said.first:
                said.first[finding.kind] = event.at / NS_PER_S
            said.kinds.add(finding.kind)
            said.hops[finding.kind] = finding.hop
            if finding.harm:
                said.harmful.add(finding.kind)
    for episode in session.snapshot().episodes:
        if episode.until is not None and is_event(episode.finding):
            said.over[episode.finding.kind] = episode.until / NS_PER_S
            said.ends.append((episode.finding.kind, episode.until / NS_PER_S))
    return said


def at_hop(hop: int, **fields: Callable[[], object]) -> Callable[[random.Random], World]:
    """Return a maker of a plain path on which one node has these fields, made anew each time."""

    def make(_rng: random.Random) -> World:
        nodes = routers(HOPS)
        for name, value in fields.items():
            setattr(nodes[hop - 1], name, value())
        return World.of(nodes)

    return make


def one_way_silent(_rng: random.Random) -> World:
    """Two ways by chance; on one of them hop 3 never answers."""
    first, second = routers(HOPS), routers(HOPS)
    second[1] = Node("10.9.2.1")
    second[2] = Node("10.9.3.1", drops_answers=bernoulli(1))
    return World(lambda _at, _flow, rng: rng.choice((first, second)))


def healed_and_longer(_rng: random.Random) -> World:
    """20 % loss for 100 s; at 150 s the path gets two hops longer."""
    short = routers(HOPS)
    short[2].drops = between(0, 100, bernoulli(0.2))
    long = [*short[:-1], Node("10.8.1.1"), Node("10.8.2.1"), Node(TARGET)]
    return World(lambda at, _flow, _rng: short if at < 150 * NS_PER_S else long)


LOSS = frozenset({Kind.LOSS})
DOWN = frozenset({Kind.DOWN})
OWN = frozenset({Kind.ANSWERS_LOST, Kind.RATE_LIMITED})


def loss(share: float, rounds: int) -> Case:
    """So many percent of everything lost at hop 3, by chance."""
    world = at_hop(3, drops=lambda: bernoulli(share / 100))
    return Case(f"{share} % loss, {rounds} rounds", world, LOSS, 3, rounds, DOWN)


def in_bursts(length: float) -> Case:
    """19 % of everything lost at hop 4, in bursts."""
    world = at_hop(4, drops=lambda: Bursts(0.19, length))
    return Case(f"19 % loss in bursts of {length}", world, LOSS, 4, 300, DOWN)


def outage(seconds: float) -> Case:
    """Everything lost at hop 5 for some seconds."""
    begin, end = 100.5, 100.5 + seconds
    world = at_hop(5, drops=lambda: between(begin, end, bernoulli(1)))
    return Case(f"outage of {seconds} s", world, DOWN, 4, begin=begin, end=end)


def own_loss(share: float, rounds: int) -> Case:
    """Hop 3 loses so many percent of its answers, by chance."""
    world = at_hop(3, drops_answers=lambda: bernoulli(share / 100))
    return Case(f"answers of hop 3 lost: {share} %, {rounds} rounds", world, OWN, 3, rounds)


def bucket(rate: float, rounds: int) -> Case:
    """Hop 3 answers so many probes a second."""
    world = at_hop(3, drops_answers=lambda: TokenBucket(rate))
    limited = frozenset({Kind.RATE_LIMITED})
    return Case(f"token bucket of {rate}/s, {rounds} rounds", world, limited, 3, rounds, OWN)


SLOWER = frozenset({Kind.SLOWER})
QUEUE = frozenset({Kind.QUEUE})


def noisy_path() -> list[Node]:
    """A path whose links have noise and spikes."""
    nodes = routers(HOPS)
    for node in nodes:
        node.delay = noisy(3)
    return nodes


def step(ms: float, hop: int) -> Case:
    """The link to a hop takes longer from 100.5 s on."""

    def make(_rng: random.Random) -> World:
        nodes = noisy_path()
        nodes[hop - 1].delay = stepping(noisy(3), 100.5, ms)
        return World.of(nodes)

    return Case(f"{ms} ms more at hop {hop}", make, SLOWER, hop, begin=100.5)


def queue(ms: float, period: float) -> Case:
    """A queue at the link to hop 3 that grows and drains."""

    def make(_rng: random.Random) -> World:
        nodes = noisy_path()
        nodes[2].delay = queueing(noisy(3), ms, period)
        return World.of(nodes)

    return Case(f"queue of {ms} ms every {period} s", make, QUEUE, 3, also=SLOWER)


def slow_hop(_rng: random.Random) -> World:
    """Hop 3 takes up to 60 ms to answer."""
    nodes = noisy_path()
    nodes[2].answer_delay = lambda _at, rng: rng.uniform(2, 60)
    return World.of(nodes)


def long_way_back(_rng: random.Random) -> World:
    """From hop 4 on, answers come back over three hops more."""
    nodes = noisy_path()
    for ttl, node in enumerate(nodes, 1):
        node.back_hops = ttl + 3 if ttl >= 4 else ttl
    return World.of(nodes)


def two_ways(_rng: random.Random) -> World:
    """Each packet takes one of two ways, of which one is 5 ms longer."""
    quick, slow = noisy_path(), noisy_path()
    slow[2] = Node("10.9.3.1", delay=noisy(8))
    return World(lambda _at, _flow, rng: rng.choice((quick, slow)))


def balanced(hops: int, ways: int) -> Case:
    """So many hops in a row, at each of which every packet takes one of some ways."""

    def make(_rng: random.Random) -> World:
        first = routers(hops + 2)

        def way(_at: int, _flow: int, rng: random.Random) -> list[Node]:
            middle = [Node(f"10.{rng.randrange(ways)}.{hop}.1") for hop in range(2, hops + 2)]
            return [first[0], *middle, *first[-2:]]

        return World(way)

    name = f"{hops} hops balanced per packet over {ways} ways, 1,000 rounds"
    return Case(name, make, frozenset({Kind.BALANCED_PACKET}), rounds=1000)


def flapping(stay: int) -> Case:
    """Hop 3 is another one every so many seconds, to and fro."""
    one, other = routers(HOPS), routers(HOPS)
    other[2] = Node("10.9.3.1")
    world = World(lambda at, _flow, _rng: (one, other)[at // NS_PER_S // stay % 2])
    also = frozenset({Kind.PATH_CHANGE})
    return Case(
        f"to and fro every {stay} s", lambda _r: world, frozenset({Kind.FLAP}), 3, also=also
    )


def stray(share: float) -> Case:
    """Some answers at hop 3 come from another address."""
    one, other = routers(HOPS), routers(HOPS)
    other[2] = Node("10.9.3.1")
    world = World(lambda _at, _flow, rng: other if rng.random() < share else one)
    return Case(f"{100 * share:.0f} % stray answers at hop 3", lambda _r: world)


def moved(hops: int) -> Case:
    """At 100 s the path moves: so many hops are other ones from then on."""
    one, other = routers(10), routers(10)
    for place in range(2, 2 + hops):
        other[place] = Node(f"10.9.{place}.1")
    world = World(lambda at, _flow, _rng: one if at < 100 * NS_PER_S else other)
    moves = frozenset({Kind.PATH_CHANGE})
    return Case(f"{hops} of 10 hops are others", lambda _r: world, moves, 3, begin=100)


CASES = [
    Case("an hour without loss", lambda _r: World.of(routers(2)), rounds=3600),
    Case("an hour with 0.1 % loss", at_hop(2, drops=lambda: bernoulli(0.001)), rounds=3600),
    Case("an hour with 0.2 % loss", at_hop(2, drops=lambda: bernoulli(0.002)), rounds=3600),
    *(loss(share, 300) for share in (1, 2, 3, 5)),
    loss(5, 64),
    *(loss(share, 32) for share in (10, 15, 20, 50)),
    loss(10, 64),
    *(loss(share, 600) for share in (5, 20, 50)),
    *(in_bursts(length) for length in (2, 5, 20)),
    Case(
        "20 % loss for 100 s",
        at_hop(3, drops=lambda: between(50, 150, bernoulli(0.2))),
        LOSS,
        3,
        also=DOWN,
        begin=50,
        end=150,
    ),
    *(outage(seconds) for seconds in (4, 10, 60)),
    Case("an hour with noise and spikes", lambda _r: World.of(noisy_path()[-2:]), rounds=3600),
    *(step(ms, 4) for ms in (0.5, 1, 3, 10, 30)),
    step(5, 1),
    step(5, HOPS + 1),
    *(queue(ms, 40) for ms in (5, 20, 80)),
    queue(80, 120),
    Case("hop 3 answers slowly", slow_hop, frozenset({Kind.SLOW_ANSWERS}), 3),
    Case("longer way back from hop 4 on", long_way_back, frozenset({Kind.ASYMMETRIC}), 4),
    *(balanced(hops, ways) for hops in (1, 4, 8, 10) for ways in (2, 4)),
    *(flapping(stay) for stay in (1, 3, 5, 10, 20, 60)),
    stray(0.02),
    *(moved(hops) for hops in (1, 8)),
    Case("two ways, 10 ms apart, by chance", two_ways, also=frozenset({Kind.BALANCED_PACKET})),
    own_loss(5, 300),
    own_loss(10, 100),
    own_loss(10, 300),
    own_loss(20, 100),
    bucket(0.5, 100),
    bucket(0.3, 100),
    bucket(0.9, 300),
    Case(
        "hop 3 silent on one of two ways",
        one_way_silent,
        frozenset({Kind.ANSWERS_LOST}),
        3,
        also=frozenset({Kind.BALANCED_PACKET}),
    ),
    Case(
        "20 % loss that healed, then longer",
        healed_and_longer,
        LOSS,
        3,
        also=frozenset({Kind.DOWN, Kind.PATH_CHANGE, Kind.SLOWER}),
    ),
]


def measure(case: Case, sessions: int, seed: int) -> list[str]:
    """Return one line of the table."""
    rng = random.Random(seed)
    told = right_hop = hops = false_harm = wrong = early = 0
    delays: list[float] = []
    ends: list[float] = []
    for number in range(sessions):
        said = watch(case.world(rng), case.rounds, seed + number)
        found = said.kinds & case.expected
        told += bool(found)
        false_harm += bool(said.harmful - case.expected - case.also)
        quiet = said.kinds - said.harmful - case.expected - case.also - {Kind.OK}
        wrong += bool(quiet)
        lasts = math.inf if case.end is None else case.end - 2
        early += any(kind in case.expected and end < lasts for kind, end in said.ends)
        for kind in found:
            delays.append(said.first[kind] - case.begin)
            if case.end is not None and kind in said.over:
                ends.append(said.over[kind] - case.end)
            if said.hops[kind] is not None:
                hops += 1
                right_hop += said.hops[kind] == case.hop
    share = f"{100 * told / sessions:.1f} %" if case.expected else ""
    place = f"{100 * right_hop / hops:.1f} % of {hops}" if hops else ""
    return [
        case.name, share, place, f"{100 * false_harm / sessions:.2f} %",
        f"{100 * wrong / sessions:.2f} %", _median(delays), _median(ends),
        f"{100 * early / sessions:.1f} %" if case.expected else "",
    ]  # fmt: skip


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} s" if values else ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    args = parser.parse_args()
    rows = [measure(case, args.sessions, args.seed) for case in CASES if args.only in case.name]
    header = ["truth", "said", "hop right", "false harm", "other false", "told after", "end off by",
              "ended early"]  # fmt: skip
    table("What is said of networks whose truth is known", header, rows)


if __name__ == "__main__":
    main()
