"""Which node the targets that suffer have in common."""

import random

from tests.bench.meeting_point import random_tree
from tests.helpers.generated_sessions import Node, World, bernoulli, deal
from tui_trace.session.fold import Session
from tui_trace.session.meeting_point import describe_meeting_point, find_meeting_point
from tui_trace.session.snapshot import Snapshot

PATHS = [(f"10.0.{core}.1", f"10.{core}.{access}.1") for core in (1, 2) for access in (1, 2, 3)]
"""Two cores, three routers behind each; three targets behind each of those."""


def seen(path: tuple[str, ...], number: int, lossy: str) -> Snapshot:
    nodes = [Node(address) for address in ("10.0.0.1", *path, f"192.0.2.{number}")]
    for node in nodes:
        if node.address == lossy:
            node.drops = bernoulli(0.5)
    session = Session()
    for event in deal(World.of(nodes), 60, number):
        session.apply(event)
    return session.snapshot()


def targets(lossy: str) -> list[Snapshot]:
    return [seen(PATHS[n // 3], n + 1, lossy) for n in range(18)]


def test_the_core_that_loses_is_named_and_not_what_is_before_or_behind_it() -> None:
    found = find_meeting_point(targets("10.0.2.1"))
    assert found is not None
    assert (found.address, found.hop) == ("10.0.2.1", 2)
    assert describe_meeting_point(found, "core2") == (
        "9 of 18 targets suffer; all, and none of the 9 others, go by core2 (hop 2)"
    )


def test_what_chance_could_do_says_so() -> None:
    found = find_meeting_point(targets("10.1.2.1"))
    assert found is not None
    assert found.address == "10.1.2.1"
    assert (found.meeting, found.passing) == (3, 0)
    assert ("chance would do that" in describe_meeting_point(found, "x")) == (found.chance >= 0.01)


def test_nothing_is_said_where_all_suffer_or_none_or_one() -> None:
    assert find_meeting_point([]) is None
    assert find_meeting_point(targets("")) is None
    assert find_meeting_point(targets("10.0.0.1")) is None
    assert find_meeting_point(targets("192.0.2.7")) is None


def test_targets_that_lose_by_themselves_have_nothing_in_common() -> None:
    rng = random.Random(5)
    for seed in range(5):
        tree = random_tree(random.Random(seed), 18)
        snapshots = [
            seen(path, n + 1, f"192.0.2.{n + 1}" if rng.random() < 0.3 else "")
            for n, path in enumerate(tree.paths)
        ]
        found = find_meeting_point(snapshots)
        assert found is None or found.chance > 0.01
