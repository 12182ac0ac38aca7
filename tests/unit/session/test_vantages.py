"""What the vantages say together of a target: the sentences, and that they are true."""

import re

import pytest
from msgspec.structs import replace

from tests.helpers.generated_sessions import TARGET, bernoulli, between
from tests.helpers.hostile_text import EVIL
from tests.helpers.vantage_sessions import session_from
from tui_trace.session.joint_findings import find_joint, with_joint
from tui_trace.session.snapshot import Snapshot

HERE = ("10.0.1.1", "10.0.2.1", "10.0.9.1")
EDGE = ("10.1.1.1", "10.1.2.1", "10.0.9.1")
ALL = between(30, 1000, bernoulli(1))


def said(*snapshots: Snapshot) -> list[str]:
    return [re.sub(r"\d+ %", "N %", one.text) for one in find_joint(snapshots)]


def test_it_begins_on_the_part_that_only_one_vantage_has() -> None:
    lossy = session_from("edge1", EDGE, {"10.1.2.1": bernoulli(0.4)}, rounds=60)
    assert said(session_from("", HERE), lossy) == [
        "from edge1 N % lost, from here all is well: it begins between 10.1.1.1 (hop 1) and"
        " 10.1.2.1 (hop 2), before the paths meet; on the way there or back"
    ]
    last = session_from("edge1", EDGE, {"10.0.9.1": bernoulli(0.4)}, rounds=130)
    assert said(session_from("", HERE), last) == [
        "from edge1 N % lost, from here all is well: it begins between 10.1.2.1 (hop 2) and"
        " 10.0.9.1 (hop 3), where the paths meet; on the way there or back"
    ]


def test_an_outage_lies_between_the_last_answer_and_where_the_paths_meet() -> None:
    dead = session_from("edge1", EDGE, {"10.1.2.1": ALL})
    assert said(dead, session_from("", HERE)) == [
        "from edge1 silent after hop 1, from here all is well: it begins between 10.1.1.1 (hop 1)"
        " and 10.0.9.1 (hop 3), where the paths meet; on the way there or back"
    ]


def test_what_begins_where_the_path_is_fine_from_elsewhere_is_on_the_way_back() -> None:
    lossy = session_from("edge1", EDGE, {TARGET: bernoulli(0.4)}, rounds=130)
    (text,) = said(session_from("", HERE), lossy)
    assert text.endswith(
        "it is on the way back to edge1, or something on the path tells them apart"
    )


def test_what_all_vantages_suffer_from_begins_where_their_paths_meet() -> None:
    both = [
        session_from(name, path, {TARGET: bernoulli(0.4)}, rounds=130, seed=seed)
        for seed, (name, path) in enumerate((("", HERE), ("edge1", EDGE)))
    ]
    assert said(*both) == [
        "from here N % lost and from edge1 N % lost: it begins at 10.0.9.1 (hop 3), where the"
        " paths meet, or behind it"
    ]
    apart = [
        session_from(name, path, {path[0]: bernoulli(0.4)}, rounds=130, seed=seed)
        for seed, (name, path) in enumerate((("", HERE), ("edge1", EDGE)))
    ]
    assert said(*apart) == [], "each suffers from something of its own"


def test_nothing_is_said_where_all_is_well_or_too_little_is_known() -> None:
    fine = [session_from("", HERE), session_from("edge1", EDGE)]
    assert said(*fine) == []
    few = session_from("edge1", EDGE, {"10.1.2.1": bernoulli(0.4)}, rounds=4)
    assert said(fine[0], few) == []
    assert said(fine[0]) == []


def test_different_addresses_of_one_name_are_told() -> None:
    other = session_from("edge1", EDGE, target="203.0.113.99")
    assert said(session_from("", HERE), other) == []

    told = replace(other, address="203.0.113.99")
    assert said(session_from("", HERE), told) == [
        f"the vantages probe different addresses: {TARGET} from here, 203.0.113.99 from edge1"
    ]


@pytest.mark.parametrize("evil", EVIL)
def test_no_name_of_a_vantage_reaches_the_terminal_as_it_is(evil: str) -> None:
    lossy = session_from(evil, EDGE, {"10.1.2.1": bernoulli(0.4)}, rounds=60)
    (found,) = find_joint([session_from("", HERE), lossy])
    assert all(char.isprintable() for char in found.text)


def test_a_session_keeps_what_is_about_its_target() -> None:
    lossy = session_from("edge1", EDGE, {"10.1.2.1": bernoulli(0.4)}, rounds=60)
    here = session_from("", HERE)
    found = find_joint([here, lossy])
    assert with_joint(here, found).together == tuple(found)
