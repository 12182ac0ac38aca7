"""A UDP service that answers: each answer is its own probe's, also when some are dropped."""

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import DroppingAnswers, listen
from tests.helpers.network.params import FAMILIES
from tests.helpers.network.rows import folded, report
from tests.helpers.network.tui_trace_process import Live, only, probe_of
from tui_trace.core.events import Event, Foreign, PathEnd, ProbeLost, ProbeSent, RoundBegan
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol

PORT = 5000
VIP = {4: "203.0.113.80", 6: "2001:db8:ff::80"}
TRUTH_MS = 50
"""Far above what a veth takes on a busy machine, far below an interval that slips in."""


@FAMILIES
@pytest.mark.parametrize(
    ("percent", "flow"), [(0, ()), (10, ()), (10, ("--flow", "vary")), (10, ("-q", "3"))]
)
def test_what_the_service_does_not_answer_is_lost(
    family: int, percent: int, flow: tuple[str, ...]
) -> None:
    with Chain(2) as chain:
        target = chain.target_address(family)
        listen(chain.target, PORT, udp=True)
        dropping = DroppingAnswers(chain.target, f"udp sport {PORT}", percent)
        rounds = "40" if "-q" in flow else "100"
        options = ("-u", "-P", str(PORT), "-i", "0.06", "-c", rounds, *flow)
        seen = report(chain.client, *options, target)
        answers, dropped = dropping.counts()
    assert seen.addresses == chain.hops(family)
    assert answers >= 90
    last = seen.hubs[chain.length]
    assert abs(last["Loss%"] - 100 * dropped / answers) <= (4 if percent else 0)
    assert last["Wrst"] < TRUTH_MS
    assert (seen.reached, seen.foreign, last["late"], last["duplicates"]) == (True, 0, 0, 0)
    assert {ttl: seen.hubs[ttl]["Loss%"] for ttl in (1, 2)} == {1: 0, 2: 0}


def ends(stream: list[Event]) -> list[tuple[int, bool]]:
    return [(end.ttl, end.reached) for end in only(PathEnd, stream)]


@FAMILIES
def test_a_path_that_shrinks_is_followed(family: int) -> None:
    """The address moves from the target, twelve hops away, to the fifth router."""
    width = 32 if family == 4 else 128
    with Chain(11) as chain:
        near = chain.router(5)
        for node in (near, chain.target):
            node.ip(f"address add {VIP[family]}/{width} dev lo")
            listen(node, PORT, udp=True, address=VIP[family])
        near.ip(f"address delete {VIP[family]}/{width} dev lo")
        settings = probe_of(Protocol.UDP, port=PORT)
        with Live(chain.client, VIP[family], settings, Pace(interval=200 * NS_PER_MS)) as live:
            live.run_until(lambda stream: ends(stream)[-1:] == [(12, True)])
            live.run_on(RoundBegan, 10)
            near.ip(f"address add {VIP[family]}/{width} dev lo")
            live.run_until(lambda stream: ends(stream)[-1] == (5, True), 15)
            live.run_on(RoundBegan, 3)
            settled = live.stream[-1].at
            live.run_on(RoundBegan, 20)
            stream = live.stop()
    after = [event for event in stream if event.at > settled]
    assert max(probe.ttl for probe in only(ProbeSent, after)) == 5
    assert not only(ProbeLost, after)
    assert not only(Foreign, after)
    assert list(folded(stream)) == [1, 2, 3, 4, 5]
    assert folded(stream)[5].figures.max < TRUTH_MS * NS_PER_MS
