"""RTT against the wire: what each program says, less what tcpdump saw at the client.

`--busy` repeats it with four busy loops beside it; `--probes N` a hop (200).
"""

import argparse
import statistics
from collections.abc import Callable

from tests.bench.common import busy, errors_us, spread, table
from tests.helpers.network import peers, tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.netns import Netns

Told = dict[int, list[int | None]]
"""RTTs in ns by TTL, in the order the probes were sent."""
INTERVAL = "0.1"


def _ours(space: Netns, target: str, probes: int, last: int) -> Told:
    stream = tui_trace_process.trace(
        space, "-i", INTERVAL, "-c", str(probes), "-m", str(last), target
    )
    told: Told = {}
    for one in tui_trace_process.outcomes(stream):
        told.setdefault(one.sent.ttl, []).append(one.answer.rtt if one.answer else None)
    return told


def _mtr(space: Netns, target: str, probes: int, last: int) -> Told:
    options = ("-i", INTERVAL, "-c", str(probes), "-m", str(last), "-G", "1")
    return _nanoseconds(peers.parse_mtr_raw(peers.mtr_raw(space, target, *options)))


def _traceroute(space: Netns, target: str, probes: int, last: int) -> Told:
    told: dict[int, list[float | None]] = {}
    for _ in range(-(-probes // 10)):
        for hop in peers.traceroute(space, target, "-q", "10", "-m", str(last)):
            told.setdefault(hop.ttl, []).extend(hop.rtts_ms)
    return _nanoseconds(told)


def _nanoseconds(told: dict[int, list[float | None]]) -> Told:
    return {
        ttl: [None if rtt is None else round(rtt * 1e6) for rtt in rtts]
        for ttl, rtts in told.items()
    }


PROGRAMS: dict[str, Callable[[Netns, str, int, int], Told]] = {
    "tui-trace": _ours,
    "mtr": _mtr,
    "traceroute": _traceroute,
}


def measure(chain: Chain, program: str, probes: int) -> dict[int, list[float]]:
    """Errors in µs by TTL."""
    source, target = chain.source_address(), chain.target_address()
    with Capture(chain.client, DOWN, light=True) as capture:
        told = PROGRAMS[program](chain.client, target, probes, chain.length)
        seen = by_ttl(exchanges(capture.stop(), source, target))
    return {ttl: errors_us(told[ttl], seen[ttl]) for ttl in range(1, chain.length + 1)}


def run(probes: int, loops: int) -> None:
    """Measure all programs one after another and print."""
    with Chain(8) as chain, busy(loops):
        found = {program: measure(chain, program, probes) for program in PROGRAMS}
    head = ["hop", "probes", *(f"{program} µs" for program in PROGRAMS), "mtr / tui-trace"]
    rows: list[list[object]] = []
    for ttl in found["tui-trace"]:
        means = {program: statistics.fmean(errors[ttl]) for program, errors in found.items()}
        ratio = abs(means["mtr"]) / max(abs(means["tui-trace"]), 0.001)
        rows.append([ttl, len(found["tui-trace"][ttl]), *means.values(), ratio])
    load = f", {loops} busy loops beside it" if loops else ""
    table(f"Mean error of the RTT against the wire{load}", head, rows)
    rows = []
    for program, errors in found.items():
        everything = [error for ttl in errors.values() for error in ttl]
        rows.append([program, len(everything), *spread(everything)])
    table(
        f"Magnitude of the error over all hops, µs{load}",
        ["program", "probes", "mean", "p99", "worst"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=200)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    run(options.probes, 4 if options.busy else 0)
