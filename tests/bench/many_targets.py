"""Many targets in one process, beside as many mtr: losses that are none, and the CPU they take."""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain, address


class Cost(NamedTuple):
    """What one way of probing took."""

    seconds: float
    cpu: float
    """User and system time of the processes, in seconds."""
    sent: int
    lost: int


def network(hops: int, targets: int) -> Chain:
    """Return a chain whose last node has so many addresses, 198.51.100.1 and the following."""
    chain = Chain(hops - 1)
    for link, node in enumerate(chain.nodes[:-1], 1):
        node.ip(f"route add 198.51.100.0/24 via {address(link, 2, 4)}")
    chain.target.ip(*(f"address add {each}/32 dev lo" for each in addresses(targets)))
    return chain


def addresses(targets: int) -> list[str]:
    """Return the addresses of the targets."""
    return [f"198.51.100.{number}" for number in range(1, targets + 1)]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(chain: Chain, targets: int, rounds: int, interval: float) -> Cost:
    """Probe all targets by one process."""
    words = ("-n", "-j", "-c", str(rounds), "-i", str(interval), *addresses(targets))
    before, began = _children(), time.monotonic()
    done = chain.client.run(
        tui_trace_process.command(*words),
        timeout=rounds * interval + 60,
        env=tui_trace_process.environment(),
    )
    cost = _children() - before
    hubs = [hub for each in json.loads(done.stdout) for hub in each["report"]["hubs"]]
    sent = sum(hub["Snt"] for hub in hubs)
    lost = round(sum(hub["Snt"] * hub["Loss%"] / 100 for hub in hubs))
    return Cost(time.monotonic() - began, cost, sent, lost)


def theirs(chain: Chain, targets: int, rounds: int, interval: float) -> Cost:
    """Probe each target by an mtr of its own."""
    before, began = _children(), time.monotonic()
    running = [
        chain.client.popen(
            ["mtr", "-n", "-j", "-c", str(rounds), "-i", str(interval), "-m", "40", each],
            stderr=subprocess.DEVNULL,
        )
        for each in addresses(targets)
    ]
    hubs = []
    for process in running:
        out, _ = process.communicate(timeout=rounds * interval + 120)
        hubs += json.loads(out)["report"]["hubs"]
    cost = _children() - before
    sent = sum(hub["Snt"] for hub in hubs)
    lost = round(sum(hub["Snt"] * hub["Loss%"] / 100 for hub in hubs))
    return Cost(time.monotonic() - began, cost, sent, lost)


def kernels_share(chain: Chain, hops: int, probes: int, rate: float) -> float:
    """Return µs of the kernel a probe for a program that only sends, `rate` a second.

    The routers of the network forward and answer within its system call.
    """
    words = ("send-only", str(probes), str(round(1e9 / rate)), addresses(1)[0], str(hops))
    done = chain.client.run(
        [sys.executable, "-m", "tests.bench.engine_child", *words],
        timeout=probes / rate + 120,
        env=tui_trace_process.environment(),
    )
    return float(done.stdout) / probes


def _row(name: str, cost: Cost) -> list[object]:
    micro = 1e6 * cost.cpu / cost.sent
    return [name, cost.sent, cost.lost, cost.seconds, cost.cpu, f"{micro:.0f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--hops", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds")
    parser.add_argument("--no-peer", action="store_true")
    args = parser.parse_args()
    with network(args.hops, args.targets) as chain:
        shape = args.targets, args.rounds, args.interval
        rows = [_row("tui-trace", ours(chain, *shape))]
        if not args.no_peer:
            rows.append(_row(f"{args.targets} mtr", theirs(chain, *shape)))
        rate = args.targets * args.hops / args.interval
        share = kernels_share(chain, args.hops, round(5 * rate), rate)
    title = f"{args.targets} targets at hop {args.hops}, every {args.interval:g} s"
    table(title, ["who", "probes", "lost", "s", "CPU s", "CPU µs a probe"], rows)
    print(f"\n{share:.0f} µs a probe are the kernel's for any program that sends it here")
    if not args.no_peer:
        print(f"tui-trace / mtr {float(str(rows[0][-1])) / float(str(rows[1][-1])):.2f}")


if __name__ == "__main__":
    main()
