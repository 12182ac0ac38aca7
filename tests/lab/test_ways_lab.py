"""Ways through the lab: all are found, and what cannot be known is said."""

import pytest

from tests.helpers.lab.lab_trace import trace
from tui_trace.core.events import WaysEnd
from tui_trace.report.collector import Collector
from tui_trace.session.snapshot import Ways
from tui_trace.session.way_text import describe_ways
from tui_trace.session.ways import WaySearch

pytestmark = pytest.mark.usefixtures("inside")

SURE = ("--confidence", "99.99")
"""Else one search in twenty may miss a way, as it says."""


def found(name: str, *options: str, is_well: bool = True) -> tuple[Ways, WaySearch, list[str]]:
    """What is known of ways after a search in the lab, and what is said of it."""
    traced = trace(name, "--ways", "-c", "2", "-i", "0.2", *options)
    collector = Collector()
    for event in traced.stream:
        collector.event(event)
    snapshot = collector.snapshot()
    search = snapshot.ways.latest
    assert search is not None
    assert len(snapshot.paths) == 1, "a search is no change of the path"
    assert not is_well or not [one for one in snapshot.episodes if one.finding.harm]
    return snapshot.ways, search, describe_ways(snapshot.ways)


def widths(search: WaySearch) -> list[int]:
    """How many routers answer at each TTL."""
    return [
        sum(bool(node.address) for node in search.nodes_at(ttl))
        for ttl in range(1, search.last_ttl + 1)
    ]


@pytest.mark.parametrize("options", [("-u",), ("-T",), ("-u", "-6"), ("-T", "-P", "443", "-6")])
def test_nested_ways(options: tuple[str, ...]) -> None:
    _, search, said = found("ways-nested", *options, *SURE)
    assert search.end is WaysEnd.COMPLETE
    assert widths(search) == [1, 1, 3, 9, 1, 1]
    assert len(search.cover) == 9
    assert [text.partition(" (")[0] for text in said] == ["3 ways at hop 3", "9 ways at hop 4"]
    ports = {flow.source_port for flow in search.flows}
    assert len(ports) == len(search.flows)


def test_ways_of_unequal_length() -> None:
    _, search, _ = found("ways-unequal", "-u", *SURE)
    assert [len(flow.path) for flow in search.cover] in ([6, 5, 7], [5, 6, 7], [7, 6, 5], [
        5, 7, 6], [6, 7, 5], [7, 5, 6])  # fmt: skip
    assert widths(search)[2] == 3


def test_a_mesh_has_all_its_links() -> None:
    _, search, _ = found("ways-mesh", "-u", *SURE)
    assert len([link for link in search.links if link.begin.ttl == 3]) == 6
    assert len(search.cover) == 6


def test_a_dead_way_is_told_with_a_port_that_takes_it() -> None:
    # the flow of the rounds takes it, too, in one of eight sessions
    _, search, said = found("ways-dead", "-u", *SURE, is_well=False)
    assert widths(search) == [1, 1, 7, 1, 1]
    (dead,) = [text for text in said if "no answer" in text]
    port = int(dead.rpartition(" ")[2])
    (flow,) = [flow for flow in search.flows if flow.source_port == port]
    assert not any(flow.path[2:])


def test_packets_that_overtake_each_other_have_no_way() -> None:
    _, search, said = found("ways-reorder", "-u")
    assert said == ["hop 3 is balanced per packet over 2 routers: ways cannot be told apart"]
    assert not [link for link in search.links if 3 in (link.begin.ttl, link.end.ttl)]


def test_one_way_is_said_with_how_sure_that_is() -> None:
    ways, search, said = found("plain")
    assert [one.settings.protocol for one in ways.searches] == ["icmp", "udp"]
    assert said == ["one way by UDP (95 % sure: 8 flows); by ICMP neither"]
    assert len(search.cover) == 1
