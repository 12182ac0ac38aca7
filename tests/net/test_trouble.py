"""The network is taken away and given back: the engine says so, goes on by itself, and the
stamps after failed sends still belong to their probes."""

import errno
import itertools
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.net import ours
from tests.net.capture import Capture
from tests.net.chain import DOWN, Chain, address
from tests.net.faults import refusing
from tests.net.wire import Exchange, by_ttl, exchanges
from tui_trace.events import Event, Reply, SendFailed, SourceChanged
from tui_trace.settings import NS_PER_MS, Pace, ProbeSettings, Protocol

Fault = Callable[[Chain], AbstractContextManager[None]]


def _routes(chain: Chain) -> list[str]:
    return [
        f"route replace {everywhere} via {chain.hop(1, family)}"
        for family, everywhere in ((4, "0.0.0.0/0"), (6, "::/0"))
    ]


def _addresses(side: int = 1) -> list[str]:
    return [
        f"address add {address(1, side, 4)}/24 dev {DOWN}",
        f"address add {address(1, side, 6)}/64 dev {DOWN} nodad",
    ]


@contextmanager
def link_down(chain: Chain) -> Iterator[None]:
    chain.client.sysctl(ipv6__conf__all__keep_addr_on_down=1)
    chain.client.ip(f"link set {DOWN} down")
    yield
    chain.client.ip(f"link set {DOWN} up", *_routes(chain))


@contextmanager
def no_route(chain: Chain) -> Iterator[None]:
    chain.client.ip("route delete 0.0.0.0/0", "route delete ::/0")
    yield
    chain.client.ip(*_routes(chain))


@contextmanager
def firewall(chain: Chain) -> Iterator[None]:
    with refusing(chain.client):
        yield


@contextmanager
def small_mtu(chain: Chain) -> Iterator[None]:
    chain.client.ip(f"link set {DOWN} mtu 1280")
    yield
    chain.client.ip(f"link set {DOWN} mtu 1500")


@contextmanager
def interface_made_anew(chain: Chain) -> Iterator[None]:
    chain.client.ip(f"link delete {DOWN}")
    yield
    router = chain.router(1)
    chain.client.ip(f"link add {DOWN} type veth peer name up0 netns {router.name}")
    chain.client.ip(*_addresses(), f"link set {DOWN} up")
    router.ip(
        f"address add {address(1, 2, 4)}/24 dev up0",
        f"address add {address(1, 2, 6)}/64 dev up0 nodad",
        "link set up0 up",
    )
    chain.client.ip(*_routes(chain))


REFUSALS: dict[str, tuple[Fault, set[int]]] = {
    "link-down": (link_down, {errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH}),
    "no-route": (no_route, {errno.ENETUNREACH, errno.EHOSTUNREACH}),
    "firewall": (firewall, {errno.EPERM}),
    "too-big": (small_mtu, {errno.EMSGSIZE}),
    "interface-anew": (
        interface_made_anew,
        {errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.ENODEV, errno.ENXIO},
    ),
}


def _each_in_one_family(ways: Iterable[str]) -> list[tuple[str, Protocol, int]]:
    """Each way with each protocol, the families taking turns."""
    pairs = itertools.product(ways, Protocol)
    return [(*pair, family) for pair, family in zip(pairs, itertools.cycle((4, 6)), strict=False)]


PACE = Pace(interval=100 * NS_PER_MS)


def _settings(protocol: Protocol) -> ProbeSettings:
    return ours.probe_of(protocol, size=1400)


@pytest.mark.parametrize(("way", "protocol", "family"), _each_in_one_family(REFUSALS))
def test_network_taken_away_and_given_back(way: str, protocol: Protocol, family: int) -> None:
    fault, errnos = REFUSALS[way]
    with Chain(2) as chain:
        target, source = chain.target_address(family), chain.source_address(family)
        with ours.Live(chain.client, target, _settings(protocol), PACE) as live:
            live.run_on(Reply, 12)
            with fault(chain):
                live.run_on(SendFailed, 3)
            with Capture(chain.client, DOWN) as capture:
                live.run_on(Reply, 40)
                stream = live.stop()
                seen = by_ttl(exchanges(capture.stop(), source, target))
        failed = ours.only(SendFailed, stream)
        assert {one.errno for one in failed} <= errnos
        assert all(one.reason and one.reason.isprintable() for one in failed)
        _check_against_the_wire(stream, seen, at_least=30)


def _check_against_the_wire(
    stream: list[Event], seen: dict[int, list[Exchange]], at_least: int
) -> None:
    """The last replies of each hop have the RTTs that the wire saw."""
    told: dict[int, list[ours.Outcome]] = {}
    for one in ours.outcomes(stream):
        told.setdefault(one.sent.ttl, []).append(one)
    errors = []
    for ttl, on_the_wire in seen.items():
        # the capture began after the fault: compare from the end
        for one, wire in zip(reversed(told[ttl]), reversed(on_the_wire), strict=False):
            if one.answer is not None and wire.rtt is not None:
                errors.append(abs(one.answer.rtt - wire.rtt))
    assert len(errors) >= at_least
    assert statistics.median(errors) < 0.05 * NS_PER_MS
    # a stamp of another probe would be off by a whole gap between two probes
    assert max(errors) < 10 * NS_PER_MS


@pytest.mark.parametrize(("_", "protocol", "family"), _each_in_one_family(["moved"]))
def test_another_source_address(_: str, protocol: Protocol, family: int) -> None:
    with Chain(2) as chain:
        target = chain.target_address(family)
        with ours.Live(chain.client, target, _settings(protocol), PACE) as live:
            live.run_on(Reply, 12)
            chain.client.ip(
                f"address delete {address(1, 1, 4)}/24 dev {DOWN}",
                f"address delete {address(1, 1, 6)}/64 dev {DOWN}",
                *_addresses(side=9),
                *_routes(chain),
            )
            live.run_on(SourceChanged, 1)
            with Capture(chain.client, DOWN) as capture:
                live.run_on(Reply, 40)
                stream = live.stop()
                seen = by_ttl(exchanges(capture.stop(), address(1, 9, family), target))
        assert ours.only(SourceChanged, stream)[-1].source == address(1, 9, family)
        _check_against_the_wire(stream, seen, at_least=30)
