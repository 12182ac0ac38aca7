"""Switching to and fro all the time: each run's rounds go on where they were, to the last hop."""

from collections import Counter

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.tui_trace_process import Live, only, outcomes
from tui_trace.core.events import RunOpened
from tui_trace.core.settings import Protocol

ICMP = tui_trace_process.probe_of(Protocol.ICMP)
UDP = tui_trace_process.probe_of(Protocol.UDP)
SECONDS = 20.0
LEVEL = 1.5
"""How many times the probes of one hop those of another may be."""


def sent_by_hop(live: Live, length: int) -> dict[int, Counter[int]]:
    """How many probes left for each TTL of each run."""
    counts: dict[int, Counter[int]] = {}
    for one in outcomes(live.stop()):
        if one.sent.ttl <= length and not one.void:
            counts.setdefault(one.sent.run, Counter())[one.sent.ttl] += 1
    return counts


@pytest.mark.parametrize(("family", "pause"), [(4, 0.3), (6, 0.7)])
def test_every_hop_of_both_runs_is_probed_alike(family: int, pause: float) -> None:
    with Chain(5) as chain, Live(chain.client, chain.target_address(family), ICMP) as live:
        for turn in range(round(SECONDS / pause)):
            live.run_for(pause)
            settings = ICMP if turn % 2 else UDP
            live.switch(protocol=settings.protocol, port=settings.port, size=settings.size)
        counts = sent_by_hop(live, chain.length)
        runs = [(e.run, e.reopened) for e in only(RunOpened, live.stream)]
    assert runs[:3] == [(1, False), (2, False), (1, True)]
    for run, by_ttl in counts.items():
        assert set(by_ttl) == set(range(1, chain.length + 1)), (run, by_ttl)
        assert max(by_ttl.values()) <= LEVEL * min(by_ttl.values()), (run, by_ttl)


def test_without_a_switch_every_hop_is_probed_alike() -> None:
    with Chain(5) as chain, Live(chain.client, chain.target_address(), ICMP) as live:
        live.run_for(SECONDS / 3)
        counts = sent_by_hop(live, chain.length)
    assert max(counts[1].values()) <= LEVEL * min(counts[1].values())
