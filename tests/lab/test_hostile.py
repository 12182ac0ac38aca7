"""Mutated, cut, forged and random answers: none raises, none is credited to another's probe.

Every right answer in between is credited, to the probe that it is for.
"""

from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.lab.forging_wire import Enemy, Wire
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    NS_PER_MS,
    DnatMode,
    FlowMode,
    Pace,
    ProbeSettings,
    Protocol,
)
from tui_trace.engine.engine import Engine
from tui_trace.lab import load_scenario

SCENARIO = load_scenario("ports")
ROUNDS, HOSTILE_EACH, EXAMPLES = 20, 16, 8
LEAST = 100_000
PACE = Pace(interval=100 * NS_PER_MS, max_ttl=len(SCENARIO.hops), rounds=ROUNDS)

KINDS = [
    (Protocol.ICMP, 4), (Protocol.UDP, 4), (Protocol.TCP, 4),
    (Protocol.ICMP, 6), (Protocol.UDP, 6), (Protocol.TCP, 6),
]  # fmt: skip


def fought(protocol: Protocol, family: int, flow: FlowMode, dnat: DnatMode, seed: int) -> Wire:
    """A session under fire, judged packet by packet."""
    rng = Random(seed)
    probe = ProbeSettings(
        protocol=protocol,
        port=DEFAULT_PORT[protocol],
        size=DEFAULT_SIZE[protocol],
        flow=flow,
        dnat=dnat,
    )
    if family == 6:
        probe = msgspec.structs.replace(probe, size=probe.size + 20)
    wire = Wire(SCENARIO, family, Enemy(rng), HOSTILE_EACH, rng)
    wire.may_be_translated = dnat is not DnatMode.OFF
    engine = Engine(wire, target=wire.address, settings=probe, pace=PACE, version="0")
    engine.run(wire)
    wire.judge()
    return wire


@pytest.mark.parametrize(("protocol", "family"), KINDS)
def test_hostile_answers(protocol: Protocol, family: int) -> None:
    fed = []

    @given(
        seed=st.integers(0, 2**64), flow=st.sampled_from(FlowMode), dnat=st.sampled_from(DnatMode)
    )
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def under_fire(seed: int, flow: FlowMode, dnat: DnatMode) -> None:
        fed.append(fought(protocol, family, flow, dnat, seed).hostile)

    under_fire()
    assert sum(fed) >= LEAST / len(KINDS)
