"""The way there and the way back, link by link."""

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.vantage_sessions import session_from
from tui_trace.session.snapshot import Snapshot
from tui_trace.session.there_and_back import align_ways, describe_there_and_back


def both_ways(links: list[int], *, v6: bool = False) -> tuple[Snapshot, Snapshot]:
    """Both ways over these links: a router answers from where the probe came in."""

    def end(link: int, side: int) -> str:
        return f"2001:db8:0:{link:x}::{side}" if v6 else f"198.18.{link}.{side}"

    there = [end(link, 2) for link in links]
    back = [end(link, 1) for link in reversed(links)]
    return (
        session_from("", there[:-1], target=there[-1], rounds=2),
        session_from("edge1", back[:-1], target=back[-1], rounds=2),
    )


def test_a_symmetric_way_is_one_way() -> None:
    for v6 in (False, True):
        found = align_ways(*both_ways([1, 2, 3, 4], v6=v6))
        assert all(pair.is_same for pair in found.pairs)
        assert describe_there_and_back(found) == (
            "4 hops there, 4 back; 4 of 4 links are the same, by the subnets of their addresses"
        )


def test_what_differs_stands_side_by_side() -> None:
    there, _ = both_ways([1, 2, 3, 4])
    _, back = both_ways([1, 7, 8, 3, 4])
    found = align_ways(there, back)
    assert [pair.is_same for pair in found.pairs] == [True, False, False, True, True]
    assert [pair.there.ttl if pair.there else None for pair in found.pairs] == [1, 2, None, 3, 4]
    assert [pair.back.ttl if pair.back else None for pair in found.pairs] == [5, 4, 3, 2, 1]
    assert describe_there_and_back(found) == (
        "4 hops there, 5 back: not the same way, unless a tunnel hides hops; 3 of 5 links are the"
        " same"
    )


def test_nothing_is_said_of_ways_that_are_not_known_to_their_ends() -> None:
    there, back = both_ways([1, 2, 3])
    cut = replace(back, run=replace(back.run, reached=False, hops=back.run.hops[:1]))
    said = describe_there_and_back(align_ways(there, cut))
    assert said == "3 hops there, 1 back, as far as they are known; 1 of 3 links are the same"
    nothing = replace(back, run=replace(back.run, reached=False, hops=()))
    assert describe_there_and_back(align_ways(there, nothing)).endswith("0 of 3 links are the same")


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9))
def test_every_hop_of_both_ways_stands_once_in_its_order(seed: int, one: int, other: int) -> None:
    rng = random.Random(seed)
    there, _ = both_ways(rng.sample(range(1, 12), one))
    _, back = both_ways(rng.sample(range(1, 12), other))
    pairs = align_ways(there, back).pairs
    assert [p.there for p in pairs if p.there] == list(there.run.hops)
    assert [p.back for p in pairs if p.back] == list(back.run.hops)[::-1]
