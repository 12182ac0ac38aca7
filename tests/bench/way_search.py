"""What a search for ways says of simulated networks whose truth is known: how often it is wrong.

No packets: the search asks a random graph of routers, and a session folds what it meets.
"""

import argparse
import random
from collections.abc import Callable
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.way_graphs import Graph, World, discover, random_graph, searched
from tui_trace.session.fold import Session
from tui_trace.session.way_text import describe_ways

Case = tuple[str, Callable[[random.Random], World]]


class Outcome(NamedTuple):
    """Of two searches of one network: what is true or false of what was said."""

    found: int
    """Searches that found every node and link."""
    changes: bool
    """A way was said to have gone, or to be new."""
    dead: bool
    """A way was said to be dead."""
    per_packet: bool
    """A hop was said to be balanced per packet."""
    sent: int
    seconds: float


def world(loss: float = 0.0, **fields: bool) -> Callable[[random.Random], World]:
    """Return a maker of random networks in which all is lost with this share."""

    def make(rng: random.Random) -> World:
        graph = random_graph(rng)
        limited = routers_of(graph) if fields.get("limited") else ()
        per_packet = {router for router in graph if len(graph[router]) > 1}
        return World(
            graph,
            rng,
            loss=loss,
            limited=limited,
            per_packet=per_packet if fields.get("per_packet") else (),
        )

    return make


def routers_of(graph: Graph) -> set[str]:
    """Return all nodes but the ends."""
    return {router for following in graph.values() for router in following} & graph.keys()


CASES: list[Case] = [
    ("no loss", world()),
    ("1 % loss", world(0.01)),
    ("5 % loss", world(0.05)),
    ("20 % loss", world(0.2)),
    ("every router limits its answers", world(limited=True)),
    ("balanced per packet", world(per_packet=True)),
]


def look(graph: World) -> Outcome:
    """Search a network twice, by other flows, in one session."""
    session, complete, sent, seconds = Session(), 0, 0, 0.0
    nodes, links = graph.truth()
    for number in (1, 2):
        found = discover(graph)
        graph.change_ports()
        complete += found.nodes == nodes and found.links == links
        sent += found.discovery.sent
        seconds += found.seconds
        for event in searched(found, number):
            session.apply(event)
    said = describe_ways(session.snapshot().ways)
    return Outcome(
        complete,
        any(" has gone " in text or " is new " in text for text in said),
        any("get no answer" in text for text in said),
        any("per packet" in text for text in said),
        sent,
        seconds,
    )


def measure(case: Case, networks: int, seed: int) -> list[str]:
    """Return one line of the table."""
    name, make = case
    outcomes = [look(make(random.Random(f"{seed} {number}"))) for number in range(networks)]
    counts = [
        sum(one.found for one in outcomes) / 2,
        sum(one.changes for one in outcomes),
        sum(one.dead for one in outcomes),
        sum(one.per_packet for one in outcomes),
    ]
    return [
        name,
        *(f"{100 * count / networks:.1f} %" for count in counts),
        f"{sum(one.sent for one in outcomes) / networks / 2:.0f}",
        f"{sum(one.seconds for one in outcomes) / networks / 2:.1f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    args = parser.parse_args()
    rows = [measure(case, args.networks, args.seed) for case in CASES if args.only in case[0]]
    header = ["network", "found whole", "gone or new", "dead way", "per packet", "probes", "s"]
    table("Random networks of at most 16 ways, each searched twice", header, rows)


if __name__ == "__main__":
    main()
