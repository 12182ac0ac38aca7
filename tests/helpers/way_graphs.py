"""Networks that balance load, simulated: which router a probe of a flow meets, and a discovery.

A graph maps a router to those behind it, from `ROOT` to `TARGET`. Each router hashes the flow with
a seed of its own. `inbound`: a router answers by the link that a probe came in by.
"""

import heapq
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tests.helpers.dealt_ways import UDP, reply
from tests.helpers.event_builders import began, opened
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.engine.way_discovery import WayDiscovery

ROOT, TARGET = "root", "T"
Graph = dict[str, list[str]]


def random_graph(rng: random.Random) -> Graph:
    """Return a graph of at most 16 ways, in 1 to 4 layers, with meshes and unequal lengths."""
    graph: Graph = {ROOT: ["p1"], "p1": ["p2"]}
    before = ["p2"]
    count = 0
    for depth in range(rng.randint(1, 4)):
        layer: list[str] = []
        if rng.random() < 0.5:
            for router in before:
                ways = rng.randint(1, max(1, min(4, 16 // len(before))))
                graph[router] = [f"n{count + way}" for way in range(ways)]
                layer += graph[router]
                count += ways
        else:
            width = rng.choice([1, 2, 2, 3, 4, 6, 8])
            if depth and len(before) * width > 16:
                width = max(1, 16 // len(before))
            layer = [f"n{count + way}" for way in range(width)]
            count += width
            for router in before:
                graph[router] = rng.sample(layer, rng.randint(1, width))
            for router in layer:
                if not any(router in graph[one] for one in before):
                    graph[rng.choice(before)].append(router)
        before = layer
    for router in before:
        graph[router] = ["join"]
    if rng.random() < 0.3:
        longer = rng.choice(before)
        graph[longer] = ["detour", *(["join"] if rng.random() < 0.3 else [])]
        graph["detour"] = ["join"]
    return graph | {"join": ["out"], "out": [TARGET]}


@dataclass
class World:
    """A graph, and what goes wrong in it."""

    graph: Graph
    rng: random.Random
    loss: float = 0.0
    limited: Collection[str] = ()
    """Routers that answer six probes at once, then one a second (icmp(7), icmp_ratelimit)."""
    dead: Collection[str] = ()
    """Routers that neither answer nor forward."""
    per_packet: Collection[str] = ()
    inbound: bool = False
    rtt: int = 10 * NS_PER_MS
    _first_flow: int = 0
    """Added to each flow before it is hashed."""
    _tokens: dict[str, tuple[float, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seed = self.rng.random()

    def change_ports(self) -> None:
        """Have the flows of another search hash anew, long after the one before."""
        self._first_flow += 1000
        self._tokens.clear()

    def name(self, before: str, router: str) -> str:
        """Return the address that answers a probe which comes from `before`."""
        return f"{before}>{router}" if self.inbound and router != TARGET else router

    def truth(self) -> tuple[set[tuple[int, str]], set[tuple[int, str, str]]]:
        """Return all nodes by TTL, and all links by the TTL of their beginning."""
        nodes: set[tuple[int, str]] = set()
        links: set[tuple[int, str, str]] = set()
        front = {(ROOT, router) for router in self.graph[ROOT]}
        ttl = 1
        while front:
            following = set()
            for before, router in front:
                nodes.add((ttl, self.name(before, router)))
                for behind in self.graph.get(router, ()):
                    links.add((ttl, self.name(before, router), self.name(router, behind)))
                    following.add((router, behind))
            front, ttl = following, ttl + 1
        return nodes, links

    def answer(self, flow: int, ttl: int, now: int) -> str | None:
        """Return who answers a probe; None: nobody."""
        before, router = "", ROOT
        for _ in range(ttl):
            if router == TARGET:
                break
            hashed = random.Random(f"{self._seed} {flow + self._first_flow} {router}")
            draw = self.rng if router in self.per_packet else hashed
            before, router = router, draw.choice(self.graph[router])
            if router in self.dead:
                return None
        if self.rng.random() < self.loss or (router in self.limited and self._spent(router, now)):
            return None
        return self.name(before, router)

    def _spent(self, router: str, now: int) -> bool:
        tokens, seen = self._tokens.get(router, (6.0, now))
        tokens = min(6.0, tokens + (now - seen) / NS_PER_S)
        self._tokens[router] = (tokens - 1 if tokens >= 1 else tokens), now
        return tokens < 1


@dataclass
class Found:
    """What a discovery has found, and what it took."""

    discovery: WayDiscovery
    nodes: set[tuple[int, str]]
    links: set[tuple[int, str, str]]
    seconds: float
    probes: list[tuple[int, int, str | None]]
    """Flow, TTL and who answered of each probe, in the order in which they ended."""


def discover(
    world: World, *, known_end: int = 0, budget: int = 3000, confidence: float = 0.95
) -> Found:
    """Run a discovery on a simulated network to its end."""
    discovery = WayDiscovery(
        first_ttl=1,
        max_ttl=30,
        max_unknown=5,
        confidence=confidence,
        budget=budget,
        max_flows=1000,
    )
    discovery.know_end(known_end)
    wait = 3 * world.rtt + 100 * NS_PER_MS
    now, number = 0, 0
    ended: list[tuple[int, int, str | None]] = []
    coming: list[tuple[int, int, tuple[int, int], str | None]] = []
    while discovery.end is None:
        while (probe := discovery.pop(now)) is not None:
            number += 1
            answer = world.answer(*probe, now)
            delay = wait if answer is None else round(world.rtt * world.rng.uniform(1, 1.1))
            heapq.heappush(coming, (now + delay, number, probe, answer))
        if discovery.end is not None:
            break
        times = [
            at
            for at in (discovery.next_due(now), coming[0][0] if coming else None)
            if at is not None
        ]
        assert times, "nothing to send and nothing to wait for, yet not over"
        now = max(now + 1, min(times))
        while coming and coming[0][0] <= now:
            _, _, (flow, ttl), answer = heapq.heappop(coming)
            ended.append((flow, ttl, answer))
            if answer is None:
                discovery.on_lost(flow, ttl, now)
            else:
                discovery.on_reply(flow, ttl, answer, is_end=answer == TARGET)
    ways = discovery.map
    return Found(
        discovery,
        {(node.ttl, node.address) for node in ways.nodes()},
        {
            (link.begin.ttl, link.begin.address, link.end.address)
            for link in ways.links()
            if link.begin.ttl
        },
        now / NS_PER_S,
        ended,
    )


def searched(found: Found, number: int) -> Iterator[ev.Event]:
    """The events of a session's first or second search, as the engine would post them."""
    run = number + 1
    if number == 1:
        yield began()
        yield opened(1, probe=UDP)
    yield opened(run, probe=UDP, beside=True)
    yield ev.WaysSought(at=1, run=run, confidence=0.95, budget=3000)
    for flow in {flow for flow, _, _ in found.probes}:
        yield ev.FlowOpened(at=1, run=run, flow=flow, source_port=40_000 + flow)
    for place, (flow, ttl, address) in enumerate(found.probes):
        probe = run * 100_000 + place
        yield ev.ProbeSent(at=2, run=run, probe=probe, ttl=ttl, flow=flow)
        if address is None:
            yield ev.ProbeLost(at=3, run=run, probe=probe, ttl=ttl)
        else:
            yield reply(run, probe, flow, ttl, address, 2, is_end=address == TARGET)
    assert found.discovery.end is not None
    yield ev.WaysEnded(at=NS_PER_S, run=run, reason=found.discovery.end)
