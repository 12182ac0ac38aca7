"""From the start of a program until all hops stand in a terminal, and what it costs the target.

A long path of 30 hops (3 silent), and paths of 5 and 15 hops with the target near and far.
"""

import argparse
import re
import statistics
import time
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, Seen, probes
from tests.helpers.network.capture_rtt import exchanges
from tests.helpers.network.chain import DOWN, UP, Chain
from tests.helpers.network.terminals import Terminal

RELAY_MS = 50.0
SECONDS = 5.0
"""From the start of a program until its picture must be whole."""
HOPS = (5, 15)
DELAYS_MS = (0.0, 20.0, 80.0, 150.0, 250.0)
HEAD = "path|program|longest RTT|from process start|from first probe|less one RTT|at target".split(
    "|"
)


class Picture(NamedTuple):
    """What one start of a program showed; times in ms."""

    rtt: float
    """The longest of the probes that left before the picture was whole."""
    from_start: float
    """From the start of the process to the whole picture."""
    from_probe: float
    """From the first probe to the whole picture."""
    at_target: float
    """Probes that reached the target in the second after the first probe left."""


def picture(chain: Chain, program: list[str]) -> Picture:
    """Start it once."""
    source, target = chain.source_address(), chain.target_address()
    wanted = [hop for hop in chain.hops() if hop is not None]
    with (
        Capture(chain.client, DOWN) as capture,
        Capture(chain.target, UP) as arriving,
        Terminal(chain.client, program, rows=50, env=tui_trace_process.environment()) as terminal,
    ):
        whole = _whole(terminal, wanted)
        found = exchanges(capture.stop(), source, target)
        arrived = probes(arriving.stop(), source, target)
    first = found[0].sent.wall
    longest = max(one.rtt for one in found if one.rtt is not None and one.sent.wall <= whole)
    return Picture(
        longest / 1e6,
        (whole - terminal.started) / 1e6,
        (whole - first) / 1e6,
        _within_a_second(arrived, first),
    )


def _whole(terminal: Terminal, wanted: list[str]) -> int:
    """The stamp of the bytes that made the picture whole, ns since 1970."""
    taken = []
    end = time.monotonic() + SECONDS
    # drawing takes longer than reading, and must not hold the stamps up
    while (left := end - time.monotonic()) > 0:
        if (some := terminal.take(left)) is not None:
            taken.append(some)
    for read, data in taken:
        terminal.draw(data)
        if all(_shown(hop, terminal.lines) for hop in wanted):
            return read
    raise AssertionError("\n".join(terminal.lines))


def _within_a_second(arrived: list[Seen], first: int) -> int:
    return sum(one.wall < first + 1_000_000_000 for one in arrived)


def _shown(address: str, lines: list[str]) -> bool:
    # the target's own address stands in the head of the view too
    rows = [line for line in lines if re.match(r"\W*\d+\W", line)]
    return any(re.search(rf"\b{re.escape(address)}(?![\d.])", line) for line in rows)


def measure(chain: Chain, name: str, delay_ms: float, times: int) -> list[list[object]]:
    """A row for each program: medians of so many starts."""
    assert chain.relay is not None
    chain.relay.delay(delay_ms / 2, delay_ms / 2)
    target = chain.target_address()
    programs = {
        "tui-trace -n": tui_trace_process.command("-n", target),
        "mtr -n": ["mtr", "-n", target],
    }
    rows: list[list[object]] = []
    for program, args in programs.items():
        found = [picture(chain, args) for _ in range(times)]
        middle = Picture(*(statistics.median(column) for column in zip(*found, strict=True)))
        most = max(one.at_target for one in found)
        rows.append([name, program, *middle[:3], middle.from_probe - middle.rtt, most])
    return rows


def run(times: int) -> None:
    """Start each program so many times, and print."""
    rows: list[list[object]] = []
    with Chain(29, silent=(5, 13, 22), relay=1) as chain:
        for delay in (0.0, RELAY_MS):
            rows += measure(chain, f"30 hops, {delay:g} ms", delay, times)
    for hops in HOPS:
        with Chain(hops - 1, relay=hops // 2) as chain:
            for delay in DELAYS_MS:
                rows += measure(chain, f"{hops} hops, {delay:g} ms", delay, times)
    table(
        f"All hops in a terminal, ms, median of {times};"
        " and the most probes that reached the target in the first second",
        HEAD,
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    run(parser.parse_args().times)
