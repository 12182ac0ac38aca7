"""`M`: the path MTU of real Linux routers, found beside the rounds, which go on without loss."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.commanded import Commanded
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.netns import Netns
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.tui_trace_process import only, outcomes
from tui_trace.core.events import (
    MtuSearchEnd,
    MtuSource,
    PathMtuFound,
    Reply,
    RoundBegan,
    RunOpened,
)
from tui_trace.session.fold import Session
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.path_mtu_text import describe_path_mtu

MTU = 1400
NEAR = 2
"""The router before the link that is too small; behind it is `NEAR + 1`."""
LENGTH = 5
LIMITS = {
    "ipv4__icmp_ratelimit": 1000,
    "ipv4__icmp_msgs_per_sec": 1000,
    "ipv4__icmp_msgs_burst": 50,
    "ipv6__icmp__ratelimit": 1000,
}
"""As Linux begins: an error a second for each host, and a burst of six."""
ICMP, UDP = {"protocol": "icmp"}, {"protocol": "udp"}
TCP = {"protocol": "tcp", "port": OPEN_PORT}
PROBES = [ICMP, UDP, TCP]
BUSY = 180
"""Seconds that a search may take on a busy machine; routers that limit their errors take long."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Routers as a Linux is by default, whose link behind `NEAR` each test makes small."""
    with Chain(LENGTH - 1) as made:
        listen(made.target, OPEN_PORT)
        for node in made.nodes:
            node.sysctl(**LIMITS)
        yield made


@contextmanager
def small_link(chain: Chain, *, is_silent: bool) -> Iterator[None]:
    """A link of `MTU` bytes, of which its router tells, or says nothing."""
    router: Netns = chain.router(NEAR)
    router.ip(f"link set {DOWN} mtu {MTU}")
    if is_silent:
        router.nft(
            "table inet hole {\nchain c {\ntype filter hook output priority 0\n"
            "icmp type destination-unreachable icmp code frag-needed drop\n"
            "icmpv6 type packet-too-big drop\n}\n}\n"
        )
    try:
        yield
    finally:
        if is_silent:
            router.nft("delete table inet hole\n")
        router.ip(f"link set {DOWN} mtu 1500")


def searched(
    chain: Chain, family: int, probe: dict, *options: str, first: dict | None = None
) -> tuple[Session, PathMtuFound]:
    """What `find-path-mtu` finds after some rounds, and the session, a round later.

    `first` is a command that is given just before.
    """
    command = {"command": "find-path-mtu", "settings": probe}
    with Commanded(chain.client, "-i", "1", *options, chain.target_address(family)) as traced:
        traced.run_until(lambda stream: any(answer.reached for answer in only(Reply, stream)))
        if first is not None:
            traced.send(json.dumps(first))
        traced.send(json.dumps(command))
        traced.run_until(lambda stream: only(PathMtuFound, stream), BUSY)
        rounds = len(only(RoundBegan, traced.stream))
        traced.run_until(lambda stream: len(only(RoundBegan, stream)) > rounds + 1)
        traced.close_input()
        assert traced.wait() == 0
    (found,) = only(PathMtuFound, traced.stream)
    (run,) = [opened.run for opened in only(RunOpened, traced.stream) if opened.seeks_mtu]
    assert found.run == run
    session = Session()
    for event in traced.stream:
        session.apply(event)
    beside = [one for one in outcomes(traced.stream) if one.sent.run != run]
    assert len(beside) >= 2 * LENGTH, "the rounds stood still"
    assert session.snapshot().run.number == 1
    return session, found


def assert_nothing_lost(session: Session) -> None:
    assert [hop.lost for hop in session.snapshot().run.hops] == [0] * LENGTH


def verdict(found: PathMtuFound) -> tuple[MtuSearchEnd, int, MtuSource | None]:
    return found.reason, found.mtu, found.limit


def said(session: Session) -> str:
    snapshot = session.snapshot()
    assert snapshot.path_mtu is not None
    return describe_path_mtu(snapshot.path_mtu, HostLabels(snapshot.who))


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe["protocol"])
def test_a_router_tells_its_mtu(chain: Chain, family: int, probe: dict) -> None:
    with small_link(chain, is_silent=False):
        session, found = searched(chain, family, probe)
    assert_nothing_lost(session)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, MTU, MtuSource.REPORTED)
    assert (found.near_ttl, found.far_ttl, found.last_ttl) == (NEAR, NEAR + 1, LENGTH)
    assert found.reached
    assert found.refused_by == chain.hop(NEAR, family)
    assert said(session) == (
        f"path MTU {MTU} bytes; larger packets are refused by {chain.hop(NEAR, family)}"
        f" before hop {NEAR + 1} {chain.hop(NEAR + 1, family)}"
    )


@pytest.mark.timeout(BUSY + 60)
@pytest.mark.parametrize("case", [(4, ICMP), (6, TCP)], ids=str)
def test_a_black_hole_lies_between_two_routers(chain: Chain, case: tuple[int, dict]) -> None:
    """One that asks a target which limits its answers, too, takes a minute or two."""
    family, probe = case
    with small_link(chain, is_silent=True):
        session, found = searched(chain, family, probe)
    assert_nothing_lost(session)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, MTU, MtuSource.BLACK_HOLE)
    assert said(session) == (
        f"path MTU {MTU} bytes; larger packets vanish between hop {NEAR}"
        f" {chain.hop(NEAR, family)} and hop {NEAR + 1} {chain.hop(NEAR + 1, family)}"
    )


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe["protocol"])
def test_a_path_that_takes_what_the_interface_does(chain: Chain, family: int, probe: dict) -> None:
    session, found = searched(chain, family, probe)
    assert_nothing_lost(session)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, 1500, MtuSource.INTERFACE)
    assert said(session) == (
        "path MTU 1500 bytes, that of the interface here: nothing on the path takes less"
    )


CROOKED = {
    "no raw socket": ("--unprivileged",),
    "five rounds a second": ("-i", "0.2"),
    "several flows": ("--flows", "4"),
}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("options", CROOKED.values(), ids=CROOKED.keys())
def test_an_mtu_is_found_however_the_rounds_are_probed(
    chain: Chain, family: int, options: tuple[str, ...]
) -> None:
    probe = UDP if "--unprivileged" in options else ICMP
    with small_link(chain, is_silent=False):
        _, found = searched(chain, family, probe, *options)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, MTU, MtuSource.REPORTED)
    assert found.refused_by == chain.hop(NEAR, family)


@pytest.mark.parametrize("family", [4, 6])
def test_an_mtu_is_found_though_ways_were_being_looked_for(chain: Chain, family: int) -> None:
    first = {"command": "find-ways", "settings": UDP}
    with small_link(chain, is_silent=False):
        _, found = searched(chain, family, UDP, first=first)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, MTU, MtuSource.REPORTED)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe["protocol"])
def test_an_mtu_is_found_behind_a_nat(family: int, probe: dict) -> None:
    with Chain(LENGTH - 1) as chain:
        listen(chain.target, OPEN_PORT)
        for node in chain.nodes:
            node.sysctl(**LIMITS)
        chain.masquerade()
        with small_link(chain, is_silent=False):
            _, found = searched(chain, family, probe)
    assert verdict(found) == (MtuSearchEnd.COMPLETE, MTU, MtuSource.REPORTED)
    assert (found.near_ttl, found.far_ttl, found.last_ttl) == (NEAR, NEAR + 1, LENGTH)
