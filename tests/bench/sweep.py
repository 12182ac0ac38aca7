"""One sweep as a report over 30 hops, 3 of them silent: wall time of each program."""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.netns import Netns
from tests.helpers.network.peers import PROGRAMS

IMPORTS = """
import gc
gc.disable()
import tui_trace.cli.main
from tui_trace.cli import preload
preload.import_modules((*preload.ENGINE, *preload.REPORT))
preload.scapy_layers()
"""
"""What every run of ours does before it looks at its target."""


def _seconds(space: Netns, args: Sequence[str], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        space.run(args, env=tui_trace_process.environment())
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def run(times: int) -> None:
    """Run each program so many times and print the medians."""
    with Chain(29, silent=(5, 13, 22)) as chain:
        listen(chain.target, 80)
        target = chain.target_address()
        sweep = tui_trace_process.command("-r", "-c", "1", "-n", target)
        commands = {
            "tui-trace -r -c 1 -n": sweep,
            "interpreter and the same imports": [
                sys.executable,
                "-c",
                IMPORTS,
            ],
            "traceroute -q 1 -n": [PROGRAMS["traceroute"], "-q", "1", "-n", target],
            "mtr -r -c 1 -n": ["mtr", "-r", "-c", "1", "-n", target],
            "mtr -r -c 1 -n -i 0.1 -G 1": [
                *("mtr", "-r", "-c", "1", "-n", "-i", "0.1", "-G", "1", target)
            ],
            "tcptraceroute -q 1 -w 1 -n": [
                *(PROGRAMS["tcptraceroute"], "-q", "1", "-w", "1", "-n", target)
            ],
        }
        found = {name: _seconds(chain.client, args, times) for name, args in commands.items()}
        nothing = _seconds(chain.client, ["true"], times)
    mine, start, traceroute = list(found.values())[:3]
    rows = [[name, f"{took:.3f}", f"{took / mine:.2f}"] for name, took in found.items()]
    rows.append(["(entering the namespace, in all of these)", f"{nothing:.3f}", ""])
    table(f"One sweep of 30 hops, median of {times}", ["program", "s", "× tui-trace"], rows)
    print(
        f"\nbeyond traceroute, interpreter and imports: {mine - start - traceroute + nothing:.3f} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    run(parser.parse_args().times)
