"""Behind connection trackers: a firewall on this host, one on the way, a NAT at home."""

from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import (
    listen,
    track_connections,
    track_forwarded,
)
from tests.helpers.network.params import OPEN_PORT
from tui_trace.core.events import PathEnd

CLOSED_PORT = 81
TRACES = 3
TRACKERS = {
    "host": lambda chain: track_connections(chain.client),
    "firewall": lambda chain: track_forwarded(chain.router(2)),
    "nat": lambda chain: chain.masquerade(),
    "all": lambda chain: [
        track_connections(chain.client),
        track_forwarded(chain.router(2)),
        chain.masquerade(),
    ],
}


@pytest.fixture(scope="module", params=TRACKERS)
def tracked(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """Five routers and a target, with one of these on the way."""
    with Chain(5, relay=4) as chain:
        listen(chain.target, OPEN_PORT)
        TRACKERS[request.param](chain)
        assert chain.relay is not None
        chain.relay.delay(10, 10)
        yield chain


@pytest.mark.parametrize(
    ("family", "port", "rights"),
    [
        (4, OPEN_PORT, ()),
        (6, OPEN_PORT, ()),
        (4, CLOSED_PORT, ()),
        # the kernel, not the program, chooses the sequence numbers
        (6, OPEN_PORT, ("--unprivileged",)),
    ],
    ids=["4", "6", "closed", "unprivileged"],
)
def test_every_sweep_finds_the_whole_path(
    tracked: Chain, family: int, port: int, rights: tuple[str, ...]
) -> None:
    for _ in range(TRACES):
        stream = tui_trace_process.decode(
            tui_trace_process.program(
                tracked.client,
                *("--jsonl", "-n", "-T", "-P", str(port), "-c", "1", *rights),
                tracked.target_address(family),
            ).stdout
        )
        assert tui_trace_process.hops(stream) == tracked.hops(family)
        end = tui_trace_process.only(PathEnd, stream)[-1]
        assert (end.ttl, end.reached) == (tracked.length, True)


@pytest.mark.parametrize(
    ("options", "family"),
    [
        (("-s", "60"), 4),
        (("-s", "1500"), 6),
        (("--flow", "vary"), 4),
        (("--flows", "4"), 6),
        (("-q", "3"), 4),
        (("-q", "3"), 6),
    ],
)
def test_no_round_loses_a_probe(tracked: Chain, options: tuple[str, ...], family: int) -> None:
    stream = tui_trace_process.trace(
        tracked.client,
        *("-T", "-P", str(OPEN_PORT), "-c", "10", "-i", "0.3", *options),
        tracked.target_address(family),
    )
    assert not [one for one in tui_trace_process.outcomes(stream) if one.lost]
