"""Paths from several vantages, merged from the target backwards."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.vantages import random_paths
from tests.helpers.generated_sessions import TARGET, bernoulli, between
from tests.helpers.vantage_sessions import session_from
from tui_trace.session.merged_paths import MergedHop, known_path, merge_paths
from tui_trace.session.snapshot import Snapshot

HERE = ("10.0.1.1", "10.0.2.1", "10.0.9.1")
EDGE = ("10.1.1.1", "10.0.2.1", "10.0.9.1")
FAR = ("10.2.1.1", "10.2.2.1", "10.0.9.1")


def names(rows: list[MergedHop]) -> list[tuple[str, str]]:
    """The address of each row, and the places of its vantages."""
    return [("/".join(r.addresses), "".join(map(str, sorted(r.vantages)))) for r in rows]


def test_common_hops_stand_once_behind_those_of_each_vantage() -> None:
    rows = merge_paths([session_from("", HERE), session_from("a", EDGE), session_from("b", FAR)])
    assert names(rows) == [
        ("10.0.1.1", "0"),
        ("10.1.1.1", "1"),
        ("10.0.2.1", "01"),
        ("10.2.1.1", "2"),
        ("10.2.2.1", "2"),
        ("10.0.9.1", "012"),
        (TARGET, "012"),
    ]
    assert [row.meeting for row in rows] == [False, False, True, False, False, True, False]


def test_a_hop_that_is_silent_from_one_vantage_may_be_any() -> None:
    one = session_from("", HERE)
    other = session_from("a", EDGE, silent=["10.0.9.1"])
    assert names(merge_paths([one, other]))[2:] == [
        ("10.0.2.1", "01"),
        ("10.0.9.1", "01"),
        (TARGET, "01"),
    ]
    hidden = session_from("a", EDGE, silent=["10.0.2.1", "10.0.9.1"])
    # nothing says that what is silent before the target is what answers there from elsewhere
    assert names(merge_paths([one, hidden]))[-1] == (TARGET, "01")
    assert sum("1" in who for _, who in names(merge_paths([one, hidden]))) == len(EDGE) + 1


def test_a_path_that_ends_early_is_recognised_in_one_that_goes_on() -> None:
    dead = session_from("", HERE, {"10.0.9.1": bernoulli(1)})
    rows = merge_paths([dead, session_from("a", EDGE)])
    assert names(rows) == [
        ("10.0.1.1", "0"),
        ("10.1.1.1", "1"),
        ("10.0.2.1", "01"),
        ("10.0.9.1", "1"),
        (TARGET, "1"),
    ]
    nowhere = session_from("", ("10.9.1.1", *HERE[1:]), {"10.0.2.1": bernoulli(1)})
    assert names(merge_paths([nowhere, session_from("a", EDGE)]))[-1] == ("10.9.1.1", "0")


def test_paths_that_were_together_do_not_meet_again_where_a_third_one_ends() -> None:
    dead = session_from("a", EDGE, {"10.0.9.1": bernoulli(1)})
    far = ("10.2.1.1", *HERE[1:])
    rows = merge_paths([session_from("", HERE), dead, session_from("b", far)])
    assert [(r.addresses[0], r.meeting) for r in rows if len(r.vantages) > 1] == [
        ("10.0.2.1", True),
        ("10.0.9.1", False),
        (TARGET, False),
    ]


def test_no_sessions_and_sessions_without_a_hop() -> None:
    assert merge_paths([]) == []
    empty = session_from("", HERE, {"10.0.1.1": bernoulli(1)})
    assert merge_paths([empty, empty]) == []
    assert len(merge_paths([empty, session_from("a", EDGE)])) == len(EDGE) + 1


def part(snapshot: Snapshot, rows: list[MergedHop], place: int) -> None:
    own = [row.hops[place] for row in rows if row.hops[place] is not None]
    assert own == known_path(snapshot)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_each_path_stands_in_the_rows_whole_and_in_its_order(seed: int, count: int) -> None:
    rng = random.Random(seed)
    snapshots = []
    for place, path in enumerate(random_paths(rng, count)):
        silent = [address for address in path if rng.random() < 0.2]
        broken = rng.choice(path) if rng.random() < 0.3 else ""
        drops = {broken: between(3, 1000, bernoulli(1))} if rng.random() < 0.5 else {}
        drops |= {broken: bernoulli(1)} if broken and not drops else {}
        snapshots.append(session_from(str(place), path, drops, rounds=4, silent=silent, seed=place))
    rows = merge_paths(snapshots)
    for place, snapshot in enumerate(snapshots):
        part(snapshot, rows, place)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5))
def test_each_node_stands_once_where_all_answer(seed: int, count: int) -> None:
    paths = random_paths(random.Random(seed), count)
    rows = merge_paths([session_from(str(n), path, rounds=2) for n, path in enumerate(paths)])
    nodes = [row.addresses for row in rows]
    assert sorted(nodes) == sorted({(address,) for path in [*paths, [TARGET]] for address in path})
