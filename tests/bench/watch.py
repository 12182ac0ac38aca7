"""What `--watch` tells of outages whose truth is known, what it costs, and what kill -9 loses.

The night: the engine on a simulated network and its clock, 12 hours with 50 outages. The cable and
the kills: the program itself on real routers in network namespaces (as root).
"""

import argparse
import os
import random
import re
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE, Popen

from tests.bench.common import table
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.watched_network import Outage, Told, network_with, watch_network
from tui_trace.recording import Recording, list_sessions

HOPS = 15
SHORTEST = 5.0
"""Seconds that a cut lasts at least."""
CUT = 5
"""The router of the chain that forwards nothing for a while."""


def deal_outages(rng: random.Random, count: int, seconds: float) -> list[Outage]:
    """Return outages of 4 s to 10 min, at least 20 s apart, from the second minute on."""
    places = sorted(rng.uniform(120, seconds - 660) for _ in range(count))
    dealt: list[Outage] = []
    for place, following in zip(places, [*places[1:], seconds], strict=True):
        begin = max(place, dealt[-1].end + 20) if dealt else place
        length = min(
            rng.choice((4, 5, 8, 15, 40, 120, 600)) * rng.uniform(1, 1.3), following - begin - 20
        )
        dealt.append(Outage(begin, begin + max(length, 4), rng.randint(2, HOPS)))
    return dealt


def judge(outages: Sequence[Outage], told: Sequence[Told]) -> list[str]:
    """Return a row: how often the log was right."""
    begins = [line for line in told if line.word == "DOWN"]
    ends = [line for line in told if line.word == "OVER DOWN"]
    others = [line for line in told if line.word not in ("WATCH", "SUMMARY", "DOWN", "OVER DOWN")]
    once = twice = 0
    off_begin: list[float] = []
    off_end: list[float] = []
    after: list[float] = []
    used: set[int] = set()
    for outage in outages:
        here = [k for k, line in enumerate(begins) if outage.begin - 2 <= line.at <= outage.end]
        used.update(here)
        once += len(here) == 1
        twice += len(here) > 1
        for k in here[:1]:
            off_begin.append(begins[k].at + 0.5 - outage.begin)
            after.append(begins[k].written - outage.begin)
            over = [line for line in ends if abs(line.at - outage.end) < 3]
            off_end += [line.at + 0.5 - outage.end for line in over[:1]]
    missed = len(outages) - once - twice
    return [
        str(len(outages)), str(once), str(twice), str(missed),
        str(len(begins) - len(used) + len(others)),
        _worst(off_begin), f"{_worst(off_end)} of {len(off_end)}",
        f"{statistics.median(after):.1f}, {max(after):.1f} s" if after else "",
    ]  # fmt: skip


def _worst(values: Sequence[float]) -> str:
    return f"{max(map(abs, values)):.1f} s" if values else ""


def night(seed: int, hours: float, count: int) -> list[str]:
    """Watch a simulated night."""
    rng = random.Random(seed)
    outages = deal_outages(rng, count, hours * 3600)
    began = time.process_time()
    told = watch_network(network_with(outages, HOPS), hours * 3600)
    took = time.process_time() - began
    return [f"{hours:g} h, seed {seed}", *judge(outages, told), f"{took:.0f} s"]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=12)
    parser.add_argument("--outages", type=int, default=50)
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60, help="of the measurement of the cost")
    args = parser.parse_args()
    nights = [night(seed, args.hours, args.outages) for seed in range(1, args.nights + 1)]
    header = ["simulated time", "outages", "told once", "twice", "missed", "false", "begin off",
              "end off", "told after (median, worst)", "CPU"]  # fmt: skip
    table(f"Outages of 4 s to 13 min on a path of {HOPS} hops, a line a second", header, nights)
    if os.geteuid() == 0 and (args.cuts or args.kills or args.seconds):
        real(args)


def real(args: argparse.Namespace) -> None:
    """Measure the program itself on a chain of real routers."""
    with Chain(HOPS - 1) as chain, tempfile.TemporaryDirectory() as state:
        env = {**tui_trace_process.environment(), "XDG_STATE_HOME": state}
        if args.cuts:
            delays = cut_cable(chain, env, args.cuts)
            rows = [[str(len(delays)), f"{statistics.median(delays):.2f}", f"{max(delays):.2f}"]]
            table("A cable is cut: told after", ["cuts", "median s", "worst s"], rows)
        if args.seconds:
            share, memory = cost(chain, env, args.seconds)
            rows = [[f"{share:.2f} %", f"{memory:.0f} MB"]]
            table(f"{HOPS} hops at 1 Hz, recorded", ["of a core", "resident"], rows)
        if args.kills:
            lost, gaps = kill(chain, env, Path(state), args.kills)
            rows = [
                [str(len(lost)), f"{statistics.median(lost):.2f}", f"{max(lost):.2f}", str(gaps)]
            ]
            table("kill -9, started again", ["kills", "median s lost", "worst", "gaps told"], rows)


def _start(chain: Chain, env: dict[str, str]) -> "Popen[bytes]":
    command = tui_trace_process.command("--watch", "-n", chain.target_address())
    return chain.client.popen(command, stdout=PIPE, env=env)


def _wait_for(process: "Popen[bytes]", word: bytes, seconds: float = 30) -> float:
    """Read lines until one has this word; return when that was (s since 1970)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        line = _line(process)
        if re.match(rb"\S+ \S+ " + word + rb"\b", line):
            return time.time()
        if not line:
            break
    raise AssertionError(f"no {word!r}")


def _line(process: "Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def cut_cable(chain: Chain, env: dict[str, str], times: int) -> list[float]:
    """Let a router forward nothing, again and again; return after how many seconds it was told."""
    rng = random.Random(1)
    process = _start(chain, env)
    delays: list[float] = []
    try:
        _wait_for(process, b"WATCH")
        time.sleep(25)
        for _ in range(times):
            time.sleep(rng.uniform(15, 16))
            chain.router(CUT).sysctl(ipv4__ip_forward=0)
            cut = time.time()
            delays.append(_wait_for(process, b"DOWN") - cut)
            time.sleep(max(0.0, cut + SHORTEST - time.time()))
            chain.router(CUT).sysctl(ipv4__ip_forward=1)
            _wait_for(process, b"OVER DOWN")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    return delays


def cost(chain: Chain, env: dict[str, str], seconds: float) -> tuple[float, float]:
    """Return the share of a core (%) and the resident memory (MB) of a watch."""
    process = _start(chain, env)
    try:
        _wait_for(process, b"WATCH")
        time.sleep(5)
        before = _cpu(process.pid)
        time.sleep(seconds)
        share = 100 * (_cpu(process.pid) - before) / seconds
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return share, int(found[1]) / 1024 if found else 0.0
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill(chain: Chain, env: dict[str, str], state: Path, times: int) -> tuple[list[float], int]:
    """Kill it and start it again; return the seconds that no recording has, and gaps told."""
    rng = random.Random(2)
    lost: list[float] = []
    gaps = 0
    folder = state / "tui-trace" / "sessions"
    known = {session.path for session in list_sessions(folder)}
    for number in range(times):
        process = _start(chain, env)
        _wait_for(process, b"WATCH")
        if number:
            gaps += b"not watched since" in _line(process)
        time.sleep(rng.uniform(1.5, 3))
        killed = time.time()
        process.kill()
        process.wait(10)
        for session in list_sessions(folder):
            if session.path in known:
                continue
            known.add(session.path)
            with Recording(session.path) as recording:
                end = recording.end
                lost.append(killed - recording.snapshot(end).wall_at(end) / 1e9)
    return lost, gaps


if __name__ == "__main__":
    main()
