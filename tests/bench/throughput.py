"""5,000 probes a second for 10 s over the chain: false loss, and errors against the wire."""

import argparse
import statistics

from tests.bench.common import errors_us, spread, table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain
from tui_trace.core.events import Foreign


def run(rate: int, seconds: int) -> None:
    """Print what was sent, called lost, and how far the RTTs are off."""
    with Chain(8) as chain:
        source, target = chain.source_address(), chain.target_address()
        interval = f"{chain.length / rate:.6f}"
        rounds = str(rate * seconds // chain.length)
        # the first round and the target's own are probed up to here, so all rounds are alike
        last = ("-m", str(chain.length))
        with Capture(chain.client, DOWN, light=True) as capture:
            stream = tui_trace_process.trace(
                chain.client, "-i", interval, "-c", rounds, *last, target, timeout=120
            )
            found = exchanges(capture.stop(), source, target)
    probes = tui_trace_process.outcomes(stream)
    lost = sum(one.lost for one in probes)
    unanswered = sum(one.answer is None for one in found)
    took = (found[-1].sent.wall - found[0].sent.wall) / 1e9
    seen = by_ttl(found)
    told: dict[int, list[int | None]] = {}
    for one in probes:
        told.setdefault(one.sent.ttl, []).append(one.answer.rtt if one.answer else None)
    errors = {ttl: errors_us(told[ttl], seen[ttl]) for ttl in sorted(told)}
    everything = [error for ttl in errors.values() for error in ttl]
    table(
        f"{rate} probes a second for {seconds} s",
        ["sent", "a second", "called lost", "unanswered on the wire", "foreign"],
        [
            [
                len(probes),
                len(found) / took,
                lost,
                unanswered,
                sum(one.count for one in tui_trace_process.only(Foreign, stream)),
            ]
        ],
    )
    table(
        "Magnitude of the error of the RTT against the wire, µs",
        ["hop", "probes", "mean", "p99", "worst"],
        [[ttl, len(values), *spread(values)] for ttl, values in errors.items()]
        + [["all", len(everything), *spread(everything)]],
    )
    print(f"\nmean signed error {statistics.fmean(everything):.2f} µs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    run(options.rate, options.seconds)
