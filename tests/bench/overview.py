"""The overview of many targets: when it is whole after the start, and what it costs.

Its cost is the process's CPU time while the overview is shown, less that while the table of one
target is, in turns; the probing goes on all the while.
"""

import argparse
import os
import re
import statistics
import time
from contextlib import closing

from tests.bench.common import table
from tests.bench.many_targets import addresses, network
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.terminals import Terminal

_FIRST = 30.0
"""Seconds in which the overview must be whole."""
_SETTLE = 5.0
"""Seconds: at first the overview is drawn more often."""
_ESCAPE, _OVERVIEW = b"\x1b", b"T"


def _command(targets: int) -> list[str]:
    return tui_trace_process.command("-n", "--no-record", *addresses(targets))


def _open(chain: Chain, targets: int) -> Terminal:
    environment = tui_trace_process.environment()
    return Terminal(chain.client, _command(targets), rows=targets + 12, env=environment)


def _whole(terminal: Terminal, targets: int) -> float:
    """Seconds from the start of the process until each target has a loss and an RTT."""
    taken: list[tuple[int, bytes]] = []
    end = time.monotonic() + _FIRST
    drawn = 0
    while time.monotonic() < end:
        if (some := terminal.take(0.5)) is not None:
            taken.append(some)
            if time.time_ns() - some[0] < 5_000_000 and len(taken) % 8:
                continue
        for stamp, data in taken[drawn:]:
            terminal.draw(data)
            drawn += 1
            if _known_rows(terminal.lines) >= targets:
                return (stamp - terminal.started) / 1e9
    raise AssertionError("\n".join(terminal.lines))


def _known_rows(lines: list[str]) -> int:
    return sum(bool(re.search(r"198\.51\.100\.\d+ +\d+\.\d % +\d", line)) for line in lines)


def _cpu(pid: int, *, view: bool = False) -> float:
    """User and system seconds of a process so far; `view`: of its main thread, which draws."""
    with open(f"/proc/{pid}/task/{pid}/stat" if view else f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _share(terminal: Terminal, key: bytes, seconds: float) -> tuple[float, float]:
    """CPU in percent of a core, with what this key shows: of all threads, and of the view's."""
    pid = terminal.process.pid
    terminal.write(key)
    _read_for(terminal, _SETTLE)
    began, before, drawing = time.monotonic(), _cpu(pid), _cpu(pid, view=True)
    _read_for(terminal, seconds)
    percent = 100 / (time.monotonic() - began)
    return percent * (_cpu(pid) - before), percent * (_cpu(pid, view=True) - drawing)


def _read_for(terminal: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.take(left)


def run(targets: int, hops: int, starts: int, turns: int, seconds: float) -> None:
    """Measure and print."""
    whole, cpu, shares = [], [], []
    with network(hops, targets) as chain:
        for number in range(starts):
            with closing(_open(chain, targets)) as terminal:
                whole.append(_whole(terminal, targets))
                cpu.append(_cpu(terminal.process.pid))
                if number == starts - 1:
                    shares = [
                        (_share(terminal, _ESCAPE, seconds), _share(terminal, _OVERVIEW, seconds))
                        for _ in range(turns)
                    ]
    table(
        f"First overview of {targets} targets at hop {hops}: from the start of the process",
        ["starts", "s, median", "s, least", "CPU s until then"],
        [[starts, f"{statistics.median(whole):.2f}", f"{min(whole):.2f}", f"{min(cpu):.2f}"]],
    )
    rows = {
        "table of one target": [alone for alone, _ in shares],
        "overview": [overview for _, overview in shares],
        "the overview more": [
            (overview[0] - alone[0], overview[1] - alone[1]) for alone, overview in shares
        ],
    }
    table(
        f"CPU of the live view, % of a core, medians of {turns} turns",
        ["shown", "all threads, with the probing", "the thread that draws"],
        [[shown, *map(statistics.median, zip(*of, strict=True))] for shown, of in rows.items()],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--hops", type=int, default=30)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    run(options.targets, options.hops, options.starts, options.turns, options.seconds)
