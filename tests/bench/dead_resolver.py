"""The live view with a resolver that never answers, beside one that asks nobody."""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.terminals import Terminal

SILENT = "127.0.0.1:5300"
_LISTEN = (
    "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
    "s.bind(('127.0.0.1', 5300)); print(flush=True); sys.stdin.read()"
)
WARM_UP = 3.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(chain: Chain, options: list[str], seconds: float) -> tuple[float, float]:
    """Repaints a second, and per cent of a core, once the view has started."""
    program = tui_trace_process.command("-i", "0.2", *options, chain.target_address())
    with Terminal(chain.client, program, env=tui_trace_process.environment()) as terminal:
        began = time.monotonic()
        paints, before = 0, 0.0
        while (now := time.monotonic()) < began + WARM_UP + seconds:
            read = terminal.read(0.2)
            if now < began + WARM_UP:
                before = cpu_seconds(terminal.process.pid)
            elif read is not None:
                paints += 1
        cpu = cpu_seconds(terminal.process.pid) - before
        terminal.write(b"q")
        terminal.wait()
    return paints / seconds, 100 * cpu / seconds


def run(seconds: float, times: int) -> None:
    """Watch each so many times in turn, and print."""
    kinds = {"nobody is asked (-n)": ["-n"], "a dead resolver": ["--dns-server", SILENT]}
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    with Chain(29) as chain:
        listener = chain.client.popen([sys.executable, "-c", _LISTEN], stdin=-1, stdout=-1)
        assert listener.stdout is not None
        listener.stdout.readline()
        for _ in range(times):
            for kind, options in kinds.items():
                found[kind].append(watch(chain, options, seconds))
        listener.kill()
        listener.wait()
    rows: list[list[object]] = [
        [kind, *(statistics.median(column) for column in zip(*each, strict=True))]
        for kind, each in found.items()
    ]
    table(
        f"30 hops, a round every 0.2 s, {seconds:g} s each, median of {times}",
        ["names", "repaints a second", "% of a core"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    run(arguments.seconds, arguments.times)
