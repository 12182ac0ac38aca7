"""Discovery of all ways, in simulated networks whose truth is known."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.way_graphs import ROOT, TARGET, World, discover, random_graph
from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.way_map import SILENT
from tui_trace.engine.way_discovery import WayDiscovery
from tui_trace.engine.way_rule import flows_needed


def diamond(*layers: int) -> dict[str, list[str]]:
    """Return a graph with so many routers in each layer, each linked to all of the next."""
    names = [["p1"], *([f"l{n}.{i}" for i in range(w)] for n, w in enumerate(layers)), ["j"]]
    graph = {ROOT: ["p1"], "j": [TARGET]}
    for before, after in itertools.pairwise(names):
        graph |= {router: list(after) for router in before}
    return graph


def complete(graphs, runs, **wrong):
    """Return in which share of the runs all was found, and whether all said that they were."""
    found = 0
    for seed in range(runs):
        rng = random.Random(seed)
        world = World(graphs(rng), rng, inbound=bool(seed % 2), **wrong)
        result = discover(world)
        assert result.discovery.end is WaysEnd.COMPLETE
        found += (result.nodes, result.links) == world.truth()
    return found / runs


def test_the_stopping_rule_is_that_of_the_papers():
    # Veitch et al., table of n(k) at 95 %; the issue of the sentence "44 flows" for eight ways
    assert [flows_needed(k, 0.05) for k in (1, 2, 3, 8)] == [6, 11, 16, 44]


@pytest.mark.slow
def test_random_networks_are_found_as_often_as_is_said():
    assert complete(random_graph, 30) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "share"),
    [({"loss": 0.05}, 0.93), ({"limited": {"p1"}}, 0.93), ({"limited": {"j"}}, 0.93)],
    ids=["loss", "limited before", "limited behind"],
)
def test_what_is_lost_is_asked_again(wrong, share):
    assert complete(lambda _: diamond(8), 30, **wrong) >= share
    assert complete(lambda _: diamond(2, 3), 30, **wrong) >= share


def test_routers_that_all_limit_their_answers_are_waited_for():
    graph = diamond(2)
    world = World(graph, random.Random(3), limited=[*graph, "j"])
    result = discover(world)
    assert (result.nodes, result.links) == world.truth()
    assert result.seconds < 30


@pytest.mark.parametrize("loss", [0.1, 0.3])
def test_a_limit_and_loss_make_no_router_silent(loss):
    """The rounds take answers of a limited router, too: to the search they are lost."""
    graph = diamond(2)
    for seed in range(15):
        world = World(graph, random.Random(seed), limited=[*graph, "j"], loss=loss)
        assert discover(world, confidence=0.999).nodes == world.truth()[0], seed


def test_more_confidence_costs_more_and_misses_less():
    def missed(confidence):
        graph, count, sent = diamond(2), 0, 0
        for seed in range(200):
            world = World(graph, random.Random(seed))
            result = discover(world, confidence=confidence)
            count += result.nodes != world.truth()[0]
            sent += result.discovery.sent
        return count, sent

    (often, few), (seldom, many) = missed(0.6), missed(0.99)
    assert often > 10 * max(seldom, 1)
    assert many > 1.4 * few


@pytest.mark.parametrize("width", [2, 8])
def test_routers_that_change_packet_by_packet_are_called_so(width):
    said = sum(
        bool(
            discover(
                World(diamond(width), random.Random(seed), per_packet={"p1"})
            ).discovery.map.per_packet
        )
        for seed in range(60)
    )
    assert said >= 54
    fine = (discover(World(diamond(width), random.Random(seed))) for seed in range(50))
    assert not any(result.discovery.map.per_packet for result in fine)


def test_a_dead_way_is_a_silent_one():
    result = discover(World(diamond(8), random.Random(1), dead={"l0.3"}))
    ways = result.discovery.map
    (silent,) = [node for node in ways.nodes_at(2) if node.address == SILENT]
    lost = ways.flows_at(silent)
    assert lost
    assert all(ways.hops[ttl].get(flow, SILENT) == SILENT for ttl in (2, 3, 4) for flow in lost)
    assert len(ways.nodes_at(2)) == 8
    assert result.seconds < 60


def test_silent_routers_do_not_hide_what_is_behind():
    graph = {
        ROOT: ["p1"],
        "p1": ["mute"],
        "mute": ["a", "b"],
        "a": ["j"],
        "b": ["j"],
        "j": [TARGET],
    }

    class Mute(World):
        def answer(self, flow, ttl, now):
            return None if ttl == 2 else super().answer(flow, ttl, now)

    found = [discover(Mute(graph, random.Random(seed))) for seed in range(20)]
    both = [len(result.discovery.map.nodes_at(3)) == 2 for result in found]
    assert sum(both) >= 18


def test_it_ends_with_its_budget_or_when_stopped():
    result = discover(World(diamond(16), random.Random(1)), budget=50)
    assert (result.discovery.end, result.discovery.sent) == (WaysEnd.BUDGET, 50)
    discovery = result.discovery
    discovery.stop()
    assert discovery.end is WaysEnd.BUDGET
    assert discovery.next_due(0) is None
    assert discovery.pop(10**12) is None


def test_nobody_answers_at_all():
    class Nobody(World):
        def answer(self, *_probe):
            return None

    result = discover(Nobody(diamond(2), random.Random(1)))
    assert result.discovery.end is WaysEnd.COMPLETE
    assert not result.nodes
    assert result.discovery.sent < 150


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_comes_back_it_ends(data):
    """Replies of anybody, twice, late, to what was not asked: nothing is raised, and it ends."""
    discovery = WayDiscovery(
        first_ttl=data.draw(st.integers(1, 4)),
        max_ttl=data.draw(st.integers(4, 12)),
        max_unknown=3,
        confidence=data.draw(st.floats(0.5, 0.999)),
        budget=120,
        max_flows=40,
    )
    discovery.know_end(data.draw(st.integers(0, 9)))
    rng = random.Random(data.draw(st.integers(0, 9999)))
    asked, now = [], 0
    for _ in range(4000):
        if discovery.end is not None:
            break
        probe = discovery.pop(now)
        if probe is not None:
            asked.append(probe)
        elif asked:
            flow, ttl = asked.pop(rng.randrange(len(asked)))
            for _ in range(rng.choice([1, 1, 1, 2])):
                match rng.randrange(4):
                    case 0:
                        discovery.on_lost(flow, ttl, now)
                    case 1:
                        discovery.on_void(flow, ttl, now)
                    case _:
                        is_end = rng.random() < 0.1
                        discovery.on_reply(flow, ttl, f"{rng.randrange(5)}", is_end=is_end)
        else:
            now = max(now + 1, discovery.next_due(now) or now + NS_PER_S)
        now += NS_PER_S // 500
    assert discovery.end is not None
    assert discovery.sent <= 120
    for link in discovery.map.links():
        assert link.end.ttl == link.begin.ttl + 1
