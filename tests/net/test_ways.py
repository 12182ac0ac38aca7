"""Every way through real Linux routers, which hash flows with seeds of their own."""

import json
from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.way_network import SHAPES, WayNetwork

STATEFUL = """table inet stateful {
 chain out { type filter hook output priority 0; ct state new,established,related accept; }
 chain in { type filter hook input priority 0; ct state invalid drop; }
 chain on { type filter hook forward priority 0; ct state invalid drop; }
}
"""


@pytest.fixture
def mesh() -> Iterator[WayNetwork]:
    with WayNetwork(SHAPES["mesh 2×3"]) as made:
        yield made


@pytest.fixture(scope="module", params=["8", "2×4", "mesh 2×3", "2 then 4"])
def network(request: pytest.FixtureRequest) -> Iterator[WayNetwork]:
    """Not to be changed, but for its seeds."""
    with WayNetwork(SHAPES[request.param]) as made:
        yield made


def search(network: WayNetwork, *options: str, family: int = 4) -> dict:
    """The object `ways` of a report."""
    ours = tui_trace_process.command("-n", "-j", "--ways", "-c", "1", *options)
    done = network.client.run(
        [*ours, network.target_address(family)],
        timeout=120,
        env=tui_trace_process.environment(),
    )
    return json.loads(done.stdout)["report"]["ways"]


def nodes(ways: dict) -> set[tuple[int, str]]:
    return {(node["hop"], node["address"]) for node in ways["nodes"]}


def links(ways: dict) -> set[tuple[int, str, str]]:
    return {
        (link["from"]["hop"], link["from"]["address"], link["to"]["address"])
        for link in ways["links"]
    }


# 99.9 % sure, so that a test fails for a reason only
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("options", [("-u",), ("-T", "-P", "443")], ids=["udp", "tcp"])
def test_nodes_and_links_are_those_that_there_are(
    network: WayNetwork, options: tuple[str, ...], family: int
) -> None:
    ways = search(network, *options, "--confidence", "99.9", family=family)
    assert nodes(ways) == network.nodes(family)
    assert links(ways) == network.links(family)
    assert ways["end"] == "complete"
    by_port = {flow["source_port"]: flow["path"] for flow in ways["flows"]}
    assert len(by_port) == len(ways["flows"])


def test_a_flow_takes_the_way_that_is_said(mesh: WayNetwork) -> None:
    """Pinned to the port of a flow, the table shows the path that was found for it."""
    ways = search(mesh, "-u", "--confidence", "99.9")
    for flow in ways["flows"][:3]:
        port = ("-L", str(flow["source_port"]))
        ours = tui_trace_process.command("-n", "-j", "-u", "-c", "2", "-i", "0.2", *port)
        done = mesh.client.run([*ours, mesh.target_address()], timeout=60)
        hubs = json.loads(done.stdout)["report"]["hubs"]
        for hub, address in zip(hubs, flow["path"], strict=True):
            assert address is None or hub["addresses"] == [address]


def test_icmp_cannot_tell_and_udp_can(mesh: WayNetwork) -> None:
    ways = search(mesh, "--confidence", "99.9")
    assert ways["probe"]["protocol"] == "udp"
    assert ways["text"][0].startswith("ICMP cannot tell: routers hash it by addresses; by UDP ")
    assert nodes(ways) == mesh.nodes()


def test_what_is_lost_or_limited_is_asked_again(mesh: WayNetwork) -> None:
    mesh.lose("in", 5)
    try:
        assert nodes(search(mesh, "-u", "--confidence", "99.9")) == mesh.nodes()
    finally:
        mesh.heal("in")
    mesh.limit(["in"])
    ways = search(mesh, "-u", "--confidence", "99.9")
    assert nodes(ways) == mesh.nodes()
    assert links(ways) == mesh.links()


def test_a_connection_tracker_that_drops_what_it_does_not_know_changes_nothing(
    mesh: WayNetwork,
) -> None:
    """A stateful firewall on this machine and one at the first router."""
    for name in ("client", "in"):
        mesh.spaces[name].nft(STATEFUL)
    for options in (("-u",), ("-T", "-P", "443")):
        ways = search(mesh, *options, "--confidence", "99.9")
        assert nodes(ways) == mesh.nodes()
        assert links(ways) == mesh.links()


def test_a_nat_that_draws_new_ports_hides_no_router(mesh: WayNetwork) -> None:
    """Each flow gets another port behind the first router; of TCP a new one after each RST."""
    client = mesh.address("client")
    mesh.spaces["in"].nft(
        "table ip nat {\n chain after {\n type nat hook postrouting priority 100;\n"
        f" ip saddr {client} ip protocol {{ tcp, udp }} snat to {client}:1024-65535 random\n"
        " }\n}\n"
    )
    assert nodes(search(mesh, "-T", "-P", "443", "--confidence", "99.9")) == mesh.nodes()
    ways = search(mesh, "-u", "--confidence", "99.9")
    assert nodes(ways) == mesh.nodes()
    assert links(ways) == mesh.links()
    assert not ways["per_packet"]


def test_the_graph_has_every_link(mesh: WayNetwork, tmp_path) -> None:
    file = tmp_path / "ways.dot"
    ways = search(mesh, "-u", "--dot", str(file))
    text = file.read_text()
    assert text.count(" -> ") == len(ways["links"]) + 1
    again = tui_trace_process.command("-n", "-r", "-u", "-c", "1", "--dot", str(file))
    done = mesh.client.run([*again, mesh.target_address()], check=False, timeout=60)
    assert done.returncode == 1
    assert "ways.dot" in done.stderr
    assert len(done.stderr.splitlines()) == 1
