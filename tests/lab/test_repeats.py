"""A host of the lab whose SYN/ACK nobody answers, beside a real one: the engine sees the same."""

import shlex
import sys

import pytest

from tests.helpers.lab.lab_commands import Inside
from tests.helpers.network import netns, tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import filter_resets, listen
from tui_trace.core.events import Event, Foreign, ProbeLost, Reply
from tui_trace.lab import load_scenario

PORT = 80
OPTIONS = ("-T", "-P", str(PORT), "-i1.3", "-c4", "-Z1")
_NO_RESETS = """
add table inet resets
add chain inet resets c { type filter hook output priority 0 ; }
add rule inet resets c tcp flags & rst == rst drop
"""


def seen(stream: list[Event]) -> tuple[list[tuple[str, bool]], bool, bool]:
    """What became of each probe: its answer, and whether that came again; what went wrong."""
    found = [
        (one.replies[0].kind.value if one.replies else "", len(one.replies) > 1)
        for one in tui_trace_process.outcomes(stream)
        if not one.void
    ]
    assert all(
        reply.duplicate for one in tui_trace_process.outcomes(stream) for reply in one.replies[1:]
    )
    assert not any(reply.late for reply in tui_trace_process.only(Reply, stream))
    return (
        found,
        bool(tui_trace_process.only(ProbeLost, stream)),
        bool(tui_trace_process.only(Foreign, stream)),
    )


@pytest.mark.skipif(netns.missing_right() is not None, reason=str(netns.missing_right()))
def test_repeated_syn_acks_are_duplicates_as_of_a_real_host(inside: Inside) -> None:
    plain = load_scenario("plain")
    last = str(len(plain.hops))
    words = [sys.executable, "-m", "tui_trace", "--jsonl", "-n", *OPTIONS, "-f", last, "-m", last]
    script = f"printf %s {shlex.quote(_NO_RESETS)} | nft -f - && exec {shlex.join(words)} "
    lab = tui_trace_process.decode(inside("plain", "sh", "-c", script + str(plain.hops[-1].v4)))
    with Chain(1) as chain:
        listen(chain.target, PORT)
        filter_resets(chain.client)
        real = tui_trace_process.trace(chain.client, *OPTIONS, "-f2", "-m2", chain.target_address())
    assert seen(lab) == seen(real)
    probes, is_lost, is_foreign = seen(real)
    assert probes == [("syn-ack", True)] * 3 + [("syn-ack", False)]
    assert not is_lost
    assert not is_foreign
