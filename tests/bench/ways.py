"""Every way through real Linux routers: found whole, by how many probes, how fast; beside scamper.

Each network is made of network namespaces whose routers hash flows with seeds of their own, drawn
anew for each run. scamper's `tracelb` (95 %) runs in the same network, some times only: it sends
four probes a second. It is left out where it is not installed.
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.common import table
from tests.helpers.network.way_network import SHAPES, WayNetwork

SCAMPER = "tracelb -P udp-sport -c 95 {}"


def ours(network: WayNetwork) -> dict[str, object]:
    """The object `ways` of a report."""
    command = [sys.executable, "-m", "tui_trace", "-n", "-u", "--ways", "-j", "-c", "1"]
    out = network.client.run([*command, network.target_address()], timeout=300).stdout
    return json.loads(out)["report"]["ways"]


def is_complete(network: WayNetwork, ways: dict[str, object]) -> bool:
    """Whether all nodes and links were found, and none that there is not."""
    nodes = {(node["hop"], node["address"]) for node in ways["nodes"]}
    links = {
        (link["from"]["hop"], link["from"]["address"], link["to"]["address"])
        for link in ways["links"]
    }
    return nodes == network.nodes() and links == network.links()


def scamper(network: WayNetwork) -> tuple[int, float, bool]:
    """Probes, seconds, and whether all addresses were found (its links are those of whole hops)."""
    started = time.monotonic()
    command = ["scamper", "-O", "json", "-I", SCAMPER.format(network.target_address())]
    out = network.client.run(command, timeout=600).stdout
    seconds = time.monotonic() - started
    (found,) = [json.loads(line) for line in out.splitlines() if '"tracelb"' in line]
    met = {node["addr"] for node in found["nodes"]}
    met |= {
        hop["addr"]
        for node in found["nodes"]
        for link in node.get("links", ())
        for hops in [link]
        for hop in hops
        if "addr" in hop
    }
    return found["probec"], seconds, {address for _, address in network.nodes()} <= met


@contextmanager
def wrong(network: WayNetwork, what: str) -> Iterator[None]:
    """Have something be wrong in it: `loss`, `limit`, or nothing."""
    if what == "loss":
        network.lose("in", 5, everything=True)
    elif what == "limit":
        network.limit(["in"])
    try:
        yield
    finally:
        if what == "loss":
            network.heal("in")


def measure(shape: str, runs: int, peer_runs: int, what: str, *, one_address: bool) -> list[object]:
    """A row of the table."""
    complete, probes, seconds, peers = 0, [], [], []
    with WayNetwork(SHAPES[shape], one_address=one_address) as network, wrong(network, what):
        for number in range(runs):
            network.reseed()
            if number < peer_runs and shutil.which("scamper"):
                peers.append(scamper(network))
            started = time.monotonic()
            ways = ours(network)
            seconds.append(time.monotonic() - started)
            probes.append(ways["probes"])
            complete += is_complete(network, ways)
    mine = statistics.fmean(probes)
    row: list[object] = [shape, what or "–", f"{complete}/{runs}", mine, max(probes)]
    row += [statistics.fmean(seconds), max(seconds)]
    if not peers:
        return [*row, None, None, None, None, None]
    theirs = statistics.fmean(count for count, _, _ in peers)
    took = statistics.fmean(spent for _, spent, _ in peers)
    found = f"{sum(found for _, _, found in peers)}/{len(peers)}"
    return [*row, found, theirs, took, mine / theirs, statistics.fmean(seconds) / took]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--peer-runs", type=int, default=2)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    parser.add_argument("--one-address", action="store_true", help="each router answers with one")
    parser.add_argument("--plain", action="store_true", help="without loss and limits")
    given = parser.parse_args()
    rows = []
    for shape in given.shape or SHAPES:
        for what in ("",) if given.plain else ("", "loss", "limit"):
            peer_runs = given.peer_runs if not what else 0
            row = measure(shape, given.runs, peer_runs, what, one_address=given.one_address)
            rows.append(row)
            print(*row, file=sys.stderr, flush=True)
    head = ["ways", "wrong", "complete", "probes", "most", "s", "most s"]
    head += ["scamper", "probes", "s", "probes ratio", "time ratio"]
    table("Ways: nodes and links complete; process start included in the time", head, rows)


if __name__ == "__main__":
    main()
