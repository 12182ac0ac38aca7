"""The network is taken away and given back: the engine says so, goes on by itself, and the
stamps after failed sends still belong to their probes."""

import errno
import itertools
import statistics
from collections.abc import Iterable

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import Exchange, by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain, address
from tests.helpers.network.fault_injection import refusing
from tests.helpers.network.outages import REFUSALS, move
from tests.helpers.network.params import THREE, TURNS
from tui_trace.core.events import Event, Reply, SendFailed, SourceChanged
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings, Protocol


def _each_in_one_family(ways: Iterable[str]) -> list[tuple[str, Protocol, int]]:
    """Each way with each protocol, the families taking turns."""
    pairs = itertools.product(ways, THREE)
    return [(*pair, family) for pair, family in zip(pairs, itertools.cycle((4, 6)), strict=False)]


PACE = Pace(interval=60 * NS_PER_MS)


def _settings(protocol: Protocol) -> ProbeSettings:
    return tui_trace_process.probe_of(protocol, size=1400)


@pytest.mark.parametrize(("way", "protocol", "family"), _each_in_one_family(REFUSALS))
def test_network_taken_away_and_given_back(way: str, protocol: Protocol, family: int) -> None:
    fault, errnos = REFUSALS[way]
    with Chain(2) as chain:
        target, source = chain.target_address(family), chain.source_address(family)
        with tui_trace_process.Live(chain.client, target, _settings(protocol), PACE) as live:
            live.run_on(Reply, 6)
            with fault(chain):
                live.run_on(SendFailed, 3)
            with Capture(chain.client, DOWN) as capture:
                live.run_on(Reply, 30)
                stream = live.stop()
                seen = by_ttl(exchanges(capture.stop(), source, target))
        failed = tui_trace_process.only(SendFailed, stream)
        assert {one.errno for one in failed} <= errnos
        assert all(one.reason and one.reason.isprintable() for one in failed)
        _check_against_the_wire(stream, seen, at_least=20)


def _check_against_the_wire(
    stream: list[Event], seen: dict[int, list[Exchange]], at_least: int
) -> None:
    """The last replies of each hop have the RTTs that the wire saw."""
    told: dict[int, list[tui_trace_process.Outcome]] = {}
    for one in tui_trace_process.outcomes(stream):
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
        with tui_trace_process.Live(chain.client, target, _settings(protocol), PACE) as live:
            live.run_on(Reply, 6)
            move(chain)
            live.run_until(lambda stream: bool(tui_trace_process.only(SourceChanged, stream)))
            with Capture(chain.client, DOWN) as capture:
                live.run_on(Reply, 30)
                stream = live.stop()
                seen = by_ttl(exchanges(capture.stop(), address(1, 9, family), target))
        assert tui_trace_process.only(SourceChanged, stream)[-1].source == address(1, 9, family)
        _check_against_the_wire(stream, seen, at_least=20)


@TURNS
def test_failed_sends_between_others_take_no_stamp(protocol: Protocol, family: int) -> None:
    with Chain(3) as chain:
        target, source = chain.target_address(family), chain.source_address(family)
        with (
            refusing(chain.client, "ip ttl 2" if family == 4 else "ip6 hoplimit 2"),
            Capture(chain.client, DOWN) as capture,
        ):
            with tui_trace_process.Live(
                chain.client, target, tui_trace_process.probe_of(protocol), PACE
            ) as live:
                live.run_on(SendFailed, 10)
                stream = live.stop()
            seen = by_ttl(exchanges(capture.stop(), source, target))
        assert {(one.ttl, one.errno) for one in tui_trace_process.only(SendFailed, stream)} == {
            (2, errno.EPERM)
        }
        assert 2 not in seen
        _check_against_the_wire(stream, seen, at_least=20)
