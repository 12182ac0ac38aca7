"""How often a trace wakes the processor while little happens: one round a second over 8 hops.

A voluntary context switch is a thread that waited and was woken; those of all threads of a program
and of its children (mtr-packet, say) are counted.
"""

import argparse
import re
import time
from pathlib import Path

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.terminals import Terminal

HOPS = 8
START = 5.0
"""Seconds until a program has started, and knows its path."""


def threads(pid: int) -> list[Path]:
    """Where /proc tells of each thread of a program and of its children."""
    own = list(Path(f"/proc/{pid}/task").iterdir())
    children = [int(child) for task in own for child in (task / "children").read_text().split()]
    return own + [thread for child in children for thread in threads(child)]


def switches(pid: int) -> tuple[int, int]:
    """Context switches up to now: voluntary, and those in which the kernel took the processor."""
    total = {"voluntary": 0, "nonvoluntary": 0}
    for thread in threads(pid):
        status = (thread / "status").read_text()
        for kind, count in re.findall(r"^(\w+)_ctxt_switches:\s+(\d+)", status, re.MULTILINE):
            total[kind] += int(count)
    return total["voluntary"], total["nonvoluntary"]


def processor_ms(pid: int) -> float:
    """CPU that its threads used up to now."""
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads(pid)) / 1e6


def _read_on(terminal: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.take(left)


def run(seconds: float) -> None:
    """Watch each program for so long, and print."""
    with Chain(HOPS - 1) as chain:
        target = chain.target_address()
        programs = {
            "tui-trace --jsonl": tui_trace_process.command("--jsonl", "-n", "-c", "1000", target),
            "tui-trace": tui_trace_process.command("-n", "--no-record", target),
            "mtr -l": ["mtr", "-l", "-n", "-c", "1000", target],
            "mtr": ["mtr", "-n", target],
        }
        rows: list[list[object]] = []
        for name, args in programs.items():
            with Terminal(chain.client, args, env=tui_trace_process.environment()) as terminal:
                _read_on(terminal, START)
                # what runs beneath setsid has its number: it forks only as leader of a group
                pid = terminal.process.pid
                before, cpu = switches(pid), processor_ms(pid)
                _read_on(terminal, seconds)
                after, cpu_after = switches(pid), processor_ms(pid)
            rates = [(b - a) / seconds for a, b in zip(before, after, strict=True)]
            rows.append([name, *rates, (cpu_after - cpu) / seconds])
    table(
        f"Idle: a round a second over {HOPS} hops, watched for {seconds:g} s; a second",
        ["program", "voluntary switches", "involuntary", "ms CPU"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    run(parser.parse_args().seconds)
