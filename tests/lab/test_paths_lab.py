"""Paths told and runs compared on packets of the lab."""

import pytest
from msgspec.structs import replace

from tests.helpers.lab.lab_trace import Traced
from tests.helpers.lab.simulated_session import probe, simulated_trace
from tui_trace.core.settings import NS_PER_MS, FlowMode, ProbeSettings, Protocol
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Balance, Path, Run

UDP, TCP = Protocol.UDP, Protocol.TCP


def traced(scenario: str, settings: ProbeSettings) -> Traced:
    return simulated_trace(scenario, settings, 25, interval=200 * NS_PER_MS)


def paths(scenario: str, settings: ProbeSettings) -> tuple[Path, ...]:
    session = Session()
    for event in traced(scenario, settings).stream:
        session.apply(event)
    return session.snapshot().paths


@pytest.mark.parametrize(
    ("scenario", "settings", "balance"),
    [
        ("per-packet", probe(), Balance.PACKET),
        ("per-flow", probe(), None),
        ("per-flow", probe(flow=FlowMode.VARY), Balance.FLOW),
        ("per-flow", probe(UDP, flow=FlowMode.CLASSIC), Balance.FLOW),
        ("rate-limit", probe(), None),
    ],
)
def test_balancing_is_told_from_a_change_and_silence_from_both(
    scenario: str, settings: ProbeSettings, balance: Balance | None
) -> None:
    (path,) = paths(scenario, settings)
    told = {hop.balanced for hop in path.hops}
    assert told == ({None} if balance is None else {None, balance})


def run_of(scenario: str, settings: ProbeSettings) -> Run:
    return traced(scenario, settings).run


def test_the_protocol_that_the_firewall_lets_through_is_named() -> None:
    icmp, tcp = run_of("firewall", probe()), run_of("firewall", probe(TCP, port=443))
    said = describe_comparison(compare_runs([icmp, tcp]))
    last = [hop.ttl for hop in icmp.hops if hop.responders][-1]
    assert said in (
        f"TCP 443 reaches the target, ICMP stops at hop {last}",
        f"ICMP: !A at hop {last}; TCP 443 reaches the target",
    )


def test_the_router_with_the_small_mtu_is_named() -> None:
    runs = [run_of("mtu", probe(size=1500, df=df)) for df in (False, True)]
    said = describe_comparison(compare_runs(runs))
    assert said.startswith("DF on with 1500 bytes: !F at hop ")
    assert ", MTU 1" in said
    assert said.endswith("; DF off reaches the target")


def test_the_same_twice_is_no_difference() -> None:
    one, other = (simulated_trace("plain", probe(), 60, seed=seed).run for seed in (1, 2))
    told = compare_runs([one, replace(other, number=2)])
    assert told.names == ("ICMP (run 1)", "ICMP (run 2)")
    assert not any(row.differences[0].real for row in told.rows)
    assert describe_comparison(told).startswith("No difference at the target between ")
