"""The first sweep finds the whole path, and asks nobody more than a default Linux host answers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, UP, Chain
from tests.helpers.network.fault_injection import limit_errors, listen
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.peers import mtr
from tests.helpers.network.terminals import Tmux
from tests.helpers.network.tui_trace_process import Outcome, outcomes
from tui_trace.core.events import Event, ReplyKind
from tui_trace.core.settings import NS_PER_S

SERVICE = 4000
"""A UDP port that answers."""
AT_TARGET = 4
"""Probes that may reach the target before its distance is known."""
PROBES: dict[str, tuple[str, ...]] = {
    "icmp": ("--icmp",),
    "udp-closed": ("-u",),
    "udp-service": ("-u", "-P", str(SERVICE)),
    "tcp-open": ("-T", "-P", str(OPEN_PORT)),
    "tcp-closed": ("-T", "-P", "81"),
}
KINDS = pytest.mark.parametrize("kind", PROBES)


def limits_of_linux(chain: Chain) -> None:
    """Routers and target limit their errors as Linux does unless told otherwise.

    To each host six at once, then one a second; and a thousand a second to all.
    """
    for node in chain.nodes[1:]:
        node.sysctl(ipv4__icmp_msgs_per_sec=1000, ipv4__icmp_msgs_burst=50)
        limit_errors(node, 1)


def lost_by_ttl(stream: list[Event]) -> dict[int, str]:
    """The lost and the sent of each hop that lost any."""
    by_ttl: dict[int, list[Outcome]] = {}
    for one in outcomes(stream):
        if not one.void:
            by_ttl.setdefault(one.sent.ttl, []).append(one)
    return {
        ttl: f"{lost} of {len(found)}"
        for ttl, found in by_ttl.items()
        if (lost := sum(one.lost for one in found))
    }


@pytest.fixture(scope="module", params=[1, 5, 15])
def path(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """So many routers, and a wire in the middle that can delay."""
    routers: int = request.param
    with Chain(routers, relay=(routers + 1) // 2) as chain:
        listen(chain.target, OPEN_PORT)
        listen(chain.target, SERVICE, udp=True)
        yield chain


def arrivals(path: Chain, *args: str) -> int:
    """Probes that a trace of one round brings to the target in its first second."""
    source, target = path.source_address(), path.target_address()
    with Capture(path.client, DOWN) as left, Capture(path.target, UP) as arrived:
        stream = tui_trace_process.trace(path.client, *args, "-c", "1", target)
        began = probes(left.stop(), source, target)[0].wall
        seen = probes(arrived.stop(), source, target)
    assert tui_trace_process.hops(stream) == path.hops()
    return sum(one.wall < began + NS_PER_S for one in seen)


@pytest.mark.parametrize("delay", [0, 80])
@KINDS
def test_few_probes_reach_the_target_in_the_first_second(
    path: Chain, kind: str, delay: int
) -> None:
    assert path.relay is not None
    path.relay.delay(delay / 2, delay / 2)
    assert 1 <= arrivals(path, *PROBES[kind]) <= AT_TARGET


@KINDS
def test_told_where_the_path_ends_two_probes_reach_it(path: Chain, kind: str) -> None:
    assert path.relay is not None
    path.relay.delay(20, 20)
    # itself, and the one that tells how far the target is
    assert arrivals(path, *PROBES[kind], "-m", str(path.length)) <= 2


@pytest.mark.parametrize("routers", [5])
def test_default_limits_cost_no_answer(routers: int) -> None:
    """Each on a chain of its own: what one took from a limit another does not feel."""
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        chains = [stack.enter_context(Chain(routers, relay=2)) for _ in range(3)]
        for chain in chains:
            assert chain.relay is not None
            chain.relay.delay(20, 20)
            limits_of_linux(chain)
        target = chains[0].target_address()
        ours = [
            pool.submit(tui_trace_process.trace, chain.client, *PROBES[kind], "-c", "10", target)
            for chain, kind in zip(chains, ("icmp", "udp-closed"), strict=False)
        ]
        peer = pool.submit(mtr, chains[2].client, target, "-u", "-c", "10")
        theirs = {hop.ttl: hop.loss_percent for hop in peer.result() if hop.loss_percent}
        found = [lost_by_ttl(one.result()) for one in ours]
    assert theirs == {}
    assert found == [{}, {}]


@pytest.mark.parametrize("queries", [1, 3])
def test_syns_at_an_open_port_far_away_are_all_answered(queries: int) -> None:
    with Chain(4, relay=2) as chain:
        assert chain.relay is not None
        listen(chain.target, OPEN_PORT)
        chain.relay.delay(20, 20)
        options = (*PROBES["tcp-open"], "-q", str(queries), "-c", "3", "-i", "0.5")
        stream = tui_trace_process.trace(chain.client, *options, chain.target_address())
    assert lost_by_ttl(stream) == {}
    at_target = [one for one in outcomes(stream) if one.sent.ttl == chain.length and not one.void]
    kinds = [one.answer.kind for one in at_target if one.answer]
    # a second SYN of a half-open connection is reset, as if the port were closed
    assert kinds == [ReplyKind.SYN_ACK] * 3 * queries


@pytest.mark.parametrize("kind", ["icmp", "udp-closed"])
def test_the_queries_of_a_hop_are_spread_over_the_round(kind: str) -> None:
    """Ten in a round of ten seconds are one a second, as ten rounds of mtr are."""
    with Chain(4) as chain, Chain(4) as other, ThreadPoolExecutor(1) as pool:
        limits_of_linux(chain)
        limits_of_linux(other)
        target = chain.target_address()
        extra = ["-u"] if "udp" in kind else []
        peer = pool.submit(mtr, other.client, target, "-c", "10", *extra)
        options = (*PROBES[kind], "-q", "10", "-i", "10", "-c", "1", target)
        stream = tui_trace_process.trace(chain.client, *options)
        theirs = {hop.ttl: hop.loss_percent for hop in peer.result() if hop.loss_percent}
    assert theirs == {}
    assert lost_by_ttl(stream) == {}


def balance(chain: Chain, ttl: int) -> str:
    """Give a router a second wire to the next and both to choose from, by flow; its address."""
    here, there = chain.router(ttl), chain.router(ttl + 1)
    here.ip(f"link add second type veth peer name second netns {there.name}")
    here.ip("address add 198.18.200.1/24 dev second", "link set second up")
    there.ip("address add 198.18.200.2/24 dev second", "link set second up")
    first = chain.hop(ttl + 1)
    here.ip(f"route replace default nexthop via {first} nexthop via 198.18.200.2")
    here.run(["ping", "-n", "-c1", "-W2", "198.18.200.2"])
    return "198.18.200.2"


def test_ways_are_found_though_all_routers_limit_their_answers(tmp_path: Path) -> None:
    """As Linux does by default: the rounds leave most of the answers to the search."""
    file = tmp_path / "session.ttrec"
    with Chain(4) as chain:
        listen(chain.target, OPEN_PORT)
        second = balance(chain, 2)
        limits_of_linux(chain)
        with Tmux(chain.client) as tmux:
            # at the usual 95 % one search of 33 takes two ways for one
            args = ("-u", "-n", "--confidence", "99.9", "--record", str(file))
            command = tui_trace_process.command(*args, chain.target_address())
            tmux.start(command, tui_trace_process.environment())
            tmux.wait_for(r"\b5\b.*" + chain.target_address().replace(".", r"\."))
            tmux.press("x")
            tmux.wait_for("2 ways at hop 3", timeout=120)
            tmux.press("q")
            tmux.wait_for("prompt> *$")
        replayed = tui_trace_process.program(chain.client, "--replay", str(file), "-j")
    ways = json.loads(replayed.stdout)["report"]["ways"]
    found = {node["address"] for node in ways["nodes"] if node["hop"] == 3}
    assert found == {chain.hop(3), second}
    assert ways["end"] == "complete"
