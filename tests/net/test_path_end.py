"""The end of the path on real routers: found anew when it moves, and left where it is when not."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import limit_errors, listen, track_connections
from tests.helpers.network.netns import Netns
from tests.helpers.network.params import OPEN_PORT, TURNS
from tests.helpers.network.tui_trace_process import Live, only, probe_of
from tui_trace.core.events import Event, PathEnd, ProbeLost, ProbeSent, ProbeVoid
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, Protocol

VIP = {4: "203.0.113.80", 6: "2001:db8:ff::80"}
SOON = 15
"""Seconds in which a change has to be found."""


def settings_of(protocol: Protocol) -> ProbeSettings:
    """Whose target answers on its own: TCP at the open port, UDP at a closed one."""
    return probe_of(protocol, **({"port": OPEN_PORT} if protocol is Protocol.TCP else {}))


def ends(stream: list[Event]) -> list[tuple[int, bool]]:
    return [(end.ttl, end.reached) for end in only(PathEnd, stream)]


def scouts(stream: list[Event], last: int) -> int:
    """Probes past this TTL that left after the first round."""
    sent = only(ProbeSent, stream)
    first_round = next(one.at for one in sent if one.ttl == 1) + NS_PER_S // 5
    return sum(one.ttl > last and one.at > first_round for one in sent)


@contextmanager
def rules(node: Netns, hook: str, *lines: str) -> Iterator[None]:
    text = "\n".join((f"type filter hook {hook} priority 0", *lines))
    node.nft(f"table inet fault {{\nchain c {{\n{text}\n}}\n}}\n")
    yield
    node.nft("delete table inet fault\n")


def refusing_router(chain: Chain, ttl: int):
    """Every probe past this router is answered by it: net unreachable."""
    return rules(
        chain.router(ttl),
        "forward",
        'oifname "down0" meta nfproto ipv4 reject with icmp type net-unreachable',
        'oifname "down0" meta nfproto ipv6 reject with icmpv6 type no-route',
    )


def mute_target(chain: Chain):
    return rules(
        chain.target,
        "input",
        "meta l4proto {icmp, tcp, udp} drop",
        "icmpv6 type echo-request drop",
    )


@TURNS
def test_a_refusal_that_is_over_is_forgotten(protocol: Protocol, family: int) -> None:
    with Chain(5, silent=(5,)) as chain:
        listen(chain.target, OPEN_PORT)
        target = chain.target_address(family)
        with Live(chain.client, target, settings_of(protocol), Pace()) as live:
            live.run_until(lambda stream: ends(stream)[-1:] == [(6, True)])
            with refusing_router(chain, 4):
                live.run_until(lambda stream: ends(stream)[-1] == (5, False))
            live.run_until(lambda stream: ends(stream)[-1] == (6, True), SOON)
            live.stop()


@TURNS
def test_a_path_that_grows_behind_a_silent_hop_is_found(protocol: Protocol, family: int) -> None:
    """The address moves from the fifth router to the target, twelve hops away."""
    with Chain(11, silent=(7,)) as chain:
        near, width = chain.router(5), 32 if family == 4 else 128
        for node in (near, chain.target):
            listen(node, OPEN_PORT)
            node.ip(f"address add {VIP[family]}/{width} dev lo")
        with Live(chain.client, VIP[family], settings_of(protocol), Pace()) as live:
            live.run_until(lambda stream: ends(stream)[-1:] == [(5, True)])
            near.ip(f"address delete {VIP[family]}/{width} dev lo")
            live.run_until(lambda stream: ends(stream)[-1] == (12, True), SOON)
            live.stop()


@TURNS
def test_a_target_behind_eight_silent_routers_is_seen_once_it_is_up(
    protocol: Protocol, family: int
) -> None:
    with Chain(9, silent=range(2, 10)) as chain:
        listen(chain.target, OPEN_PORT)
        with mute_target(chain):
            target = chain.target_address(family)
            live = Live(chain.client, target, settings_of(protocol), Pace())
            live.run_for(4)
        with live:
            live.run_until(lambda stream: ends(stream)[-1:] == [(10, True)], SOON)
            live.stop()


@TURNS
def test_a_target_that_goes_away_behind_a_firewall_of_ours_leaves_no_rows(
    protocol: Protocol, family: int
) -> None:
    with Chain(4) as chain:
        listen(chain.target, OPEN_PORT)
        track_connections(chain.client)
        target = chain.target_address(family)
        pace = Pace(interval=NS_PER_S // 2)
        with Live(chain.client, target, settings_of(protocol), pace) as live:
            live.run_until(lambda stream: ends(stream)[-1:] == [(5, True)])
            found = len(ends(live.stream))
            with mute_target(chain):
                live.run_for(6)
            live.run_for(3)
            stream = live.stop()
    assert ends(stream)[found:] == []
    assert 5 in {lost.ttl for lost in only(ProbeLost, stream) if lost.at > NS_PER_S}
    assert {lost.ttl for lost in only(ProbeLost, stream)} <= {5}
    assert 1 <= scouts(stream, 5) <= 8
    assert {void.ttl for void in only(ProbeVoid, stream)} <= set(range(6, 31))


@pytest.mark.parametrize("family", [4])
def test_scouts_cost_a_router_at_its_limit_no_answer(family: int) -> None:
    """One error a second to each host, as Linux has it: what the row of TTL 3 gets stays its own.

    Its refusals of TTL 4 find nothing left, so the end falls silent and is asked past.
    """
    with Chain(5) as chain:
        limit_errors(chain.router(3), 1)
        with refusing_router(chain, 3):
            target = chain.target_address(family)
            with Live(chain.client, target, settings_of(Protocol.ICMP), Pace()) as live:
                live.run_for(20)
                stream = live.stop()
    assert ends(stream)[-1] == (4, False)
    assert 10 <= scouts(stream, 4) <= 20
    assert not [lost for lost in only(ProbeLost, stream) if lost.ttl == 3]


@pytest.mark.parametrize(("family", "interval"), [(4, 0.25), (6, 1.0)])
def test_a_target_at_the_limit_of_its_errors_stays_where_it_is(
    family: int, interval: float
) -> None:
    """UDP to a closed port; a Linux target sends one port unreachable a second."""
    with Chain(4) as chain:
        limit_errors(chain.target, 1)
        target = chain.target_address(family)
        pace = Pace(interval=round(interval * NS_PER_S))
        with Live(chain.client, target, settings_of(Protocol.UDP), pace) as live:
            live.run_for(20)
            stream = live.stop()
    settled = [end for end in only(PathEnd, stream) if end.at > 3 * NS_PER_S]
    assert {(end.ttl, end.reached) for end in settled} <= {(5, True)}
    assert ends(stream)[-1] == (5, True)
    assert scouts(stream, 5) <= 20
    if interval == 1.0:
        assert len([lost for lost in only(ProbeLost, stream) if lost.at > 8 * NS_PER_S]) <= 2
