"""What is said of a search for ways, and how ways are drawn: sentences, tables, graphs."""

import pytest
from msgspec.structs import replace

from tests.helpers.dealt_ways import TARGET, UDP, searched
from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import ProbeSettings
from tui_trace.report.way_report import way_graph, way_lines, way_object
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot, Ways
from tui_trace.session.way_text import describe_ways, diamonds, percent
from tui_trace.session.ways import WaySearch


def snapshot(ways: int) -> Snapshot:
    session = Session()
    for event in searched(ways):
        session.apply(event)
    return session.snapshot()


def search(ways: int) -> WaySearch:
    latest = snapshot(ways).ways.latest
    assert latest is not None
    return latest


def test_what_is_sure_is_said_with_its_flows() -> None:
    assert describe_ways(Ways((search(4),))) == ["4 ways at hop 2 (95 % sure: 12 flows)"]
    assert describe_ways(Ways((replace(search(4), confidence=0.999),))) == [
        "4 ways at hop 2 (99.9 % sure: 12 flows)"
    ]
    assert describe_ways(Ways((search(1),))) == ["one way by UDP (95 % sure: 3 flows)"]
    assert describe_ways(Ways()) == []


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, ["at least 4 ways at hop 2 (12 flows)"]),
        (
            WaysEnd.BUDGET,
            [
                "at least 4 ways at hop 2 (12 flows)",
                "broken off after 48 probes: there may be more ways",
            ],
        ),
        (
            WaysEnd.STOPPED,
            [
                "at least 4 ways at hop 2 (12 flows)",
                "stopped after 48 probes: there may be more ways",
            ],
        ),
    ],
)
def test_what_is_not_sure_is_said(end: WaysEnd | None, said: list[str]) -> None:
    assert describe_ways(Ways((replace(search(4), end=end),))) == said


def test_icmp_that_could_not_tell_is_named() -> None:
    icmp = replace(search(1), settings=ProbeSettings())
    assert describe_ways(Ways((icmp, search(4)))) == [
        "ICMP cannot tell: routers hash it by addresses; by UDP 4 ways at hop 2"
        " (95 % sure: 12 flows)"
    ]
    assert describe_ways(Ways((icmp, search(1)))) == [
        "one way by UDP (95 % sure: 3 flows); by ICMP neither"
    ]


def test_a_way_that_has_gone_is_told_and_one_that_is_new() -> None:
    before, now = search(4), search(3)
    gone = "the way by 198.51.100.4 at hop 2 has gone (95 % sure)"
    assert gone in describe_ways(Ways((before, now)))
    assert "the way by 198.51.100.4 at hop 2 is new (95 % sure)" in describe_ways(
        Ways((now, before))
    )
    broken_off = replace(now, end=WaysEnd.BUDGET)
    assert gone not in describe_ways(Ways((before, broken_off))), "it may not have been met"
    other = replace(now, settings=replace(UDP, port=53))
    assert len(describe_ways(Ways((before, other)))) == 1, "another port may go other ways"


def test_a_diamond_stands_between_where_ways_part_and_join() -> None:
    (diamond,) = diamonds(search(4))
    assert diamond.ttls == (2,)
    assert diamond.begin is not None
    assert diamond.end is not None
    assert (diamond.begin.address, diamond.end.address) == ("192.0.2.1", "192.0.2.3")
    assert [branch.cells for branch in diamond.branches] == [
        (f"198.51.100.{number}",) for number in range(1, 5)
    ]
    assert diamonds(search(1)) == ()


def test_reports_have_nodes_links_flows_and_a_graph() -> None:
    now = snapshot(3)
    lines = list(way_lines(now))
    assert lines[0].endswith("36 probes in 9 flows")
    assert "  40001  198.51.100.2" in lines
    told = way_object(now.ways)
    assert told is not None
    assert {"hop": 2, "address": "198.51.100.3"} in told["nodes"]
    assert len(told["nodes"]) == 6
    assert len(told["links"]) == 7
    assert told["flows"][1] == {
        "flow": 1,
        "source_port": 40_001,
        "path": ["192.0.2.1", "198.51.100.2", "192.0.2.3", TARGET],
    }
    graph = way_graph(now)
    assert graph.count(" -> ") == 8
    assert way_object(Ways()) is None


def test_text_from_the_network_is_no_graph_of_its_own() -> None:
    now = snapshot(2)
    hostile = 'x"]; evil [label="\\\x1b[2J'
    graph = way_graph(replace(now, target=hostile))
    assert "\x1b" not in graph
    (label,) = [line for line in graph.splitlines() if line.startswith("  label=")]
    assert '"]; evil' not in label.replace('\\"', "")


def test_percentages_have_no_needless_digits() -> None:
    assert [percent(share) for share in (0.95, 0.999, 0.9999, 0.5)] == ["95", "99.9", "99.99", "50"]
