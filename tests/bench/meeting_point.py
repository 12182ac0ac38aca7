"""Where the suffering paths meet: how often the node that is named is the right one.

No packets: a session is dealt for each target of a random tree in which one link loses; or none
does, or each target loses by chance of its own.
"""

import argparse
import random
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.generated_sessions import Node, World, bernoulli, between, deal
from tui_trace.session.fold import Session
from tui_trace.session.meeting_point import find_meeting_point, is_suffering
from tui_trace.session.snapshot import Snapshot

ROUNDS = 120
OUTAGE = 60
"""Seconds after which all is lost: what never answered has no name."""


class Tree(NamedTuple):
    """The routers on the way to each target; the first of them is nearest."""

    paths: list[tuple[str, ...]]


def random_tree(rng: random.Random, targets: int) -> Tree:
    """Return a tree of two to four layers; each router has one to four routers behind it."""
    layers = [["10.0.0.1"]]
    above: dict[str, str] = {}
    for depth in range(1, rng.randint(3, 5)):
        layer = []
        for router in layers[-1]:
            for _ in range(rng.randint(1, 4)):
                name = f"10.{depth}.0.{len(layer) + 1}"
                above[name] = router
                layer.append(name)
        layers.append(layer[:16])
    leaves = layers[-1]
    paths = []
    for _ in range(targets):
        router = rng.choice(leaves)
        path = [router]
        while path[-1] in above:
            path.append(above[path[-1]])
        paths.append(tuple(reversed(path)))
    return Tree(paths)


def session_of(path: tuple[str, ...], drops: dict[str, float], number: int, seed: int) -> Snapshot:
    """Return what is known of a target after some rounds; `drops` is the loss at a router."""
    target = f"192.0.2.{number + 1}"
    nodes = [Node(address) for address in (*path, target)]
    for node in nodes:
        if drops.get(node.address):
            begin = OUTAGE if drops[node.address] == 1 else 0
            node.drops = between(begin, ROUNDS, bernoulli(drops[node.address]))
    session = Session()
    for event in deal(World.of(nodes), ROUNDS, seed):
        session.apply(event)
    return session.snapshot()


def same(tree: Tree, one: str, other: str) -> bool:
    """Return whether the same targets are behind both: they cannot be told apart."""
    return all((one in path) == (other in path) for path in tree.paths)


def measure(name: str, share: float, networks: int, seed: int, *, each: bool = False) -> list[str]:
    """Return one line of the table; `each`: targets lose by themselves, by a chance of a third."""
    said = right = possible = 0
    for number in range(networks):
        rng = random.Random(f"{seed} {number}")
        tree = random_tree(rng, 20)
        routers = sorted({router for path in tree.paths for router in path[1:]})
        bad = rng.choice(routers)
        behind = sum(bad in path for path in tree.paths)
        drops = {} if each else {bad: share}
        snapshots = []
        for place, path in enumerate(tree.paths):
            own = {f"192.0.2.{place + 1}": share} if each and rng.random() < 1 / 3 else {}
            snapshots.append(session_of(path, drops | own, place, seed + 100 * number + place))
        found = find_meeting_point(snapshots)
        is_possible = 2 <= behind < 20 and any(map(is_suffering, snapshots)) and not each
        possible += is_possible
        said += found is not None
        right += found is not None and not each and same(tree, found.address, bad)
    return [name, str(possible), str(said), str(right)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rows = [
        measure("a link loses 20 %", 0.2, args.networks, args.seed),
        measure("a link loses 50 %", 0.5, args.networks, args.seed),
        measure("a link loses all, after a minute", 1.0, args.networks, args.seed),
        measure("nothing", 0.0, args.networks, args.seed),
        measure("a third of the targets lose 20 %", 0.2, args.networks, args.seed, each=True),
    ]
    header = ["truth", "could be told", "told", "right"]
    table("20 targets behind a random tree: which node the suffering have in common", header, rows)


if __name__ == "__main__":
    main()
