"""From the start of the process to all 30 hops of a chain (3 silent) in a terminal."""

import argparse
import re
import statistics
import time

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture
from tests.helpers.network.capture_rtt import exchanges
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.terminals import Terminal

RELAY_MS = 50.0
SECONDS = 5.0
"""From the start of a program until its picture must be whole."""


def picture(chain: Chain, program: list[str]) -> tuple[float, float, float]:
    """ms from process start, from the first probe, and the longest RTT of the first sweep."""
    source, target = chain.source_address(), chain.target_address()
    wanted = [hop for hop in chain.hops() if hop is not None]
    with (
        Capture(chain.client, DOWN) as capture,
        Terminal(chain.client, program, rows=50, env=tui_trace_process.environment()) as terminal,
    ):
        # drawing takes longer than reading, and must not hold the stamps up
        end = time.monotonic() + SECONDS
        taken = []
        while (left := end - time.monotonic()) > 0:
            if (some := terminal.take(left)) is not None:
                taken.append(some)
        for read, data in taken:
            terminal.draw(data)
            if all(_shown(hop, terminal.lines) for hop in wanted):
                stamp = read
                break
        else:
            raise AssertionError("\n".join(terminal.lines))
        found = exchanges(capture.stop(), source, target)
    first = found[0].sent.wall
    longest = max(one.rtt for one in found if one.rtt is not None and one.sent.wall <= stamp)
    return (stamp - terminal.started) / 1e6, (stamp - first) / 1e6, longest / 1e6


def _shown(address: str, lines: list[str]) -> bool:
    # the target's own address stands in the head of the view too
    rows = [line for line in lines if re.match(r"\W*\d+\W", line)]
    return any(re.search(rf"\b{re.escape(address)}(?![\d.])", line) for line in rows)


def run(times: int) -> None:
    """Start each program so many times, and print."""
    rows: list[list[object]] = []
    for delay in (0.0, RELAY_MS):
        with Chain(29, silent=(5, 13, 22), relay=1) as chain:
            assert chain.relay is not None
            target = chain.target_address()
            programs = {
                "tui-trace -n": tui_trace_process.command("-n", target),
                "mtr -n": ["mtr", "-n", target],
            }
            chain.relay.delay(delay / 2, delay / 2)
            for name, program in programs.items():
                found = [picture(chain, program) for _ in range(times)]
                medians = [statistics.median(column) for column in zip(*found, strict=True)]
                start, probe, rtt = medians
                rows.append([name, rtt, start, probe, probe - rtt])
    table(
        f"All 30 hops in a terminal, ms, median of {times}",
        ["program", "longest RTT", "from process start", "from first probe", "less one RTT"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    run(parser.parse_args().times)
