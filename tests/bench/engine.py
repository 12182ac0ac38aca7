"""CPU of the engine for each probe, sent and answered, without its start."""

import argparse
import resource
import sys

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.netns import Netns

RATES = (1000, 3000)
"""Probes a second."""


def _cpu_s(space: Netns, args: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    space.run(args, env=tui_trace_process.environment(), timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(rate: int, seconds: int) -> None:
    """Print µs of CPU a probe: the engine alone, the whole of `--jsonl`, and mtr."""
    with Chain(8) as chain:
        listen(chain.target, 443)
        target, hops = chain.target_address(), chain.length
        interval_ns = 1_000_000_000 * hops // rate
        rounds = rate * seconds // hops
        rows: list[list[object]] = []
        for name, protocol, port in (
            ("ICMP", "icmp", 0),
            ("UDP", "udp", 33434),
            ("TCP, closed port", "tcp", 80),
            ("TCP, open port", "tcp", 443),
        ):
            child = [sys.executable, "-m", "tests.bench.engine_child", protocol, str(port)]
            done = chain.client.run(
                [*child, str(rounds), str(interval_ns), target],
                env=tui_trace_process.environment(),
                timeout=120,
            )
            probes, answers, lost, user, kernel = (float(word) for word in done.stdout.split())
            counts = (int(probes), int(answers), int(lost))
            costs = (user / probes, kernel / probes, (user + kernel) / probes)
            rows.append([name, *counts, *costs])
        sends = [sys.executable, "-m", "tests.bench.engine_child", "send-only"]
        done = chain.client.run(
            [*sends, str(rate * seconds), str(1_000_000_000 // rate), target],
            env=tui_trace_process.environment(),
            timeout=120,
        )
        table(
            f"Engine alone, {rate} probes a second for {seconds} s; CPU a probe in µs",
            ["probes", "sent", "answered", "lost", "user", "kernel", "both"],
            rows,
        )
        bare = float(done.stdout) / (rate * seconds)
        print(
            f"\nof the kernel's, {bare:.1f} µs are any sender's here: the routers of the chain"
            " forward and answer within its sendto(2)"
        )
        pace = ["-i", f"{interval_ns / 1e9:.6f}", "-m", str(hops), "-n"]
        programs = {
            "tui-trace --jsonl": tui_trace_process.command("--jsonl", *pace, target),
            "mtr -l": ["mtr", "-l", "-G", "1", *pace, target],
        }
        rows = []
        for name, args in programs.items():
            few = _cpu_s(chain.client, [*args, "-c", "1"])
            many = _cpu_s(chain.client, [*args, "-c", str(rounds)])
            rows.append([name, (many - few) * 1e6 / ((rounds - 1) * hops)])
        table(
            "Whole programs that print every probe, their start taken off",
            ["program", "µs CPU a probe"],
            rows,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, action="append", help="again for more; 1000 and 3000")
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    for rate in options.rate or RATES:
        run(rate, options.seconds)
