"""Behind a box that rewrites quotes, a flood of forged ones is still credited to no probe."""

import sys

import pytest

from tests.helpers.network.chain import UP, Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import OPEN_PORT
from tests.helpers.network.tui_trace_process import (
    command,
    decode,
    environment,
    hops,
    only,
    outcomes,
)
from tests.helpers.places import ROOT
from tui_trace.core.events import Foreign, Reply

FORGER = {4: "203.0.113.66", 6: "2001:db8:66::1"}
COUNT = 30_000
TCP = ("-T", "-P", str(OPEN_PORT))


@pytest.mark.parametrize(
    ("rewrite", "options", "family"),
    [
        ("as-is", (), 4),
        ("as-is", TCP, 6),
        ("quoted-sum-shifted", ("-u",), 4),
        ("quoted-sum-zero", ("-u",), 4),
        ("quoted-sum-shifted", ("-u",), 6),
        ("sequence-random", TCP, 4),
        ("ip-id", ("-u",), 4),
    ],
)
def test_no_forged_quote_is_credited(rewrite: str, options: tuple[str, ...], family: int) -> None:
    with Chain(4, relay=2, rewrites=(rewrite,)) as chain:
        listen(chain.target, OPEN_PORT)
        words = ("--jsonl", "-n", "-i0.1", "-c50", "-Z1", *options, chain.target_address(family))
        prober = chain.client.popen(command(*words), env=environment())
        forger = (sys.executable, "-m", "tests.helpers.network.forger")
        flood = chain.router(1).popen(
            ["env", f"PYTHONPATH={ROOT}", *forger, UP, FORGER[family], str(COUNT)]
        )
        stream = decode(prober.communicate(timeout=60)[0].decode())
        assert int(flood.communicate(timeout=60)[0]) == COUNT
    replies = only(Reply, stream)
    assert {reply.address for reply in replies} == set(chain.hops(family))
    assert not [reply for reply in replies if reply.duplicate]
    assert sum(one.count for one in only(Foreign, stream)) > COUNT / 2
    assert hops(stream) == chain.hops(family)
    assert not [one for one in outcomes(stream) if one.lost]
