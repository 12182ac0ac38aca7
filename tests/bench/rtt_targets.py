"""RTT against the wire with many targets, beside the same with one: what is told, less what
tcpdump saw at the client.

The one target is probed as fast as is needed for as many probes.
"""

import argparse
import json
import statistics
from collections import defaultdict

from tests.bench.common import errors_us, spread, table
from tests.bench.many_targets import addresses, network
from tests.helpers.event_lines import read_events
from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, Seen
from tests.helpers.network.capture_rtt import by_ttl, exchanges
from tests.helpers.network.chain import DOWN, Chain
from tui_trace.core.events import Stamp


def measure(chain: Chain, targets: int, hops: int, rounds: int, interval: float) -> list[float]:
    """Errors in µs of all probes to so many targets."""
    hosts = addresses(targets)
    words = ("-n", "--jsonl", "-c", str(rounds), "-i", str(interval), "-m", str(hops), *hosts)
    with Capture(chain.client, DOWN, light=True) as capture:
        done = chain.client.run(
            tui_trace_process.command(*words),
            timeout=rounds * interval + 120,
            env=tui_trace_process.environment(),
        )
        seen = _by_target(capture.stop())
    errors: list[float] = []
    source = chain.source_address()
    for lines in _by_session(done.stdout.splitlines()).values():
        stream = read_events(lines)
        target = stream[0].address  # type: ignore[union-attr]
        told: dict[int, list[int | None]] = defaultdict(list)
        for one in tui_trace_process.outcomes(stream):
            answer = one.answer
            # a stamp of user space, which is shown as such, is no error of the kernel's
            is_stamped = answer is not None and answer.sent_stamp is not Stamp.USER
            told[one.sent.ttl].append(answer.rtt if answer and is_stamped else None)
        wire = by_ttl(exchanges(seen[target], source, target))
        for ttl, rtts in told.items():
            errors += errors_us(rtts, wire[ttl])
    return errors


def _by_session(lines: list[str]) -> dict[int, list[str]]:
    """The lines of each session; that of a single one has no number."""
    found: dict[int, list[str]] = defaultdict(list)
    for line in lines:
        found[json.loads(line).get("session", 0)].append(line)
    return found


def _by_target(seen: list[Seen]) -> dict[str, list[Seen]]:
    """What went to each target, and what came back for it."""
    found: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        packet = one.packet
        if packet.is_probe:
            found[packet.destination].append(one)
        else:
            quote = packet.quote
            found[packet.source if quote is None else quote.destination].append(one)
    return found


def run(targets: int, hops: int, rounds: int) -> None:
    """Measure and print."""
    rows = []
    with network(hops, targets) as chain:
        for count, interval in ((1, 1 / targets), (targets, 1.0)):
            errors = measure(chain, count, hops, rounds * targets // count, interval)
            rows.append([count, len(errors), statistics.fmean(errors), *spread(errors)])
    table(
        f"Error of the RTT against the wire at hop 1 to {hops}, µs",
        ["targets", "probes", "mean", "mean magnitude", "p99", "worst"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--hops", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    run(options.targets, options.hops, options.rounds)
