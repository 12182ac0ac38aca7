"""Paths told and runs compared on packets that crossed the lab."""

import pytest
from msgspec.structs import replace

from tests.helpers.lab.lab_trace import trace
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Balance, Path, Run

pytestmark = pytest.mark.usefixtures("inside")

ROUNDS = ("-c", "25", "-i", "0.2")


def paths(scenario: str, *options: str) -> tuple[Path, ...]:
    session = Session()
    for event in trace(scenario, *ROUNDS, *options).stream:
        session.apply(event)
    return session.snapshot().paths


@pytest.mark.parametrize(
    ("scenario", "options", "balance"),
    [
        ("per-packet", (), Balance.PACKET),
        ("per-flow", (), None),
        ("per-flow", ("--flow", "vary"), Balance.FLOW),
        ("per-flow", ("--udp", "--flow", "classic"), Balance.FLOW),
        ("rate-limit", (), None),
    ],
)
def test_balancing_is_told_from_a_change_and_silence_from_both(
    scenario: str, options: tuple[str, ...], balance: Balance | None
) -> None:
    (path,) = paths(scenario, *options)
    told = {hop.balanced for hop in path.hops}
    assert told == ({None} if balance is None else {None, balance})


def run_of(scenario: str, *options: str) -> Run:
    return trace(scenario, *ROUNDS, *options).run


def test_the_protocol_that_the_firewall_lets_through_is_named() -> None:
    icmp, tcp = run_of("firewall"), run_of("firewall", "-T", "-P", "443")
    said = describe_comparison(compare_runs([icmp, tcp]))
    last = [hop.ttl for hop in icmp.hops if hop.responders][-1]
    assert said in (
        f"TCP 443 reaches the target, ICMP stops at hop {last}",
        f"ICMP: !A at hop {last}; TCP 443 reaches the target",
    )


def test_the_router_with_the_small_mtu_is_named() -> None:
    size = ("-s", "1500")
    runs = [run_of("mtu", *size), run_of("mtu", *size, "--df")]
    said = describe_comparison(compare_runs(runs))
    assert said.startswith("DF on with 1500 bytes: !F at hop ")
    assert ", MTU 1" in said
    assert said.endswith("; DF off reaches the target")


def test_the_same_twice_is_no_difference() -> None:
    one, other = (trace("plain", "-c", "60", "-i", "0.1").run for _ in range(2))
    told = compare_runs([one, replace(other, number=2)])
    assert told.names == ("ICMP (run 1)", "ICMP (run 2)")
    assert not any(row.differences[0].real for row in told.rows)
    assert describe_comparison(told).startswith("No difference at the target between ")
