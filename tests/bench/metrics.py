"""What metrics cost: a round a second over 15 hops, without, unread, read, and under attack."""

import argparse
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from tests.bench.common import table
from tests.bench.wakeups import processor_ms
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tui_trace.core.events import Reply, RoundBegan
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.recording import Recording

HOPS = 15
START = 5.0
"""Seconds until a program has started, and knows its path."""
PLACE = "127.0.0.1:9100"
_READER = """
import sys, time, urllib.request
times = []
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    size = len(urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=10).read())
    times.append(time.monotonic() - began)
    time.sleep(max(0, 1 - times[-1]))
print(f"a page has {size} bytes; the slowest one took {max(times) * 1000:.0f} ms")
"""
_ATTACKER = """
import socket, sys, threading, time
end = time.monotonic() + float(sys.argv[1])
counts = [0] * 12
def attack(number):
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", 9100), 2) as client:
                client.settimeout(2)
                if number % 3 == 0:
                    client.sendall(b"GET /metrics HTTP/1.1\\r\\n\\r\\n")
                    while client.recv(65536): pass
                elif number % 3 == 1:
                    client.sendall(b"x" * 10_000_000)
                else:
                    client.sendall(b"G")
                    client.recv(1)
            counts[number] += 1
        except OSError:
            pass
threads = [threading.Thread(target=attack, args=(number,)) for number in range(12)]
for one in threads: one.start()
for one in threads: one.join()
print(f"the attack made {sum(counts)} connections")
"""
_WITH = ("--metrics", PLACE)
VARIANTS: dict[str, tuple[tuple[str, ...], str]] = {
    "without --metrics": ((), ""),
    "--metrics, nobody reads": (_WITH, ""),
    "--metrics, read once a second": (_WITH, _READER),
    "--metrics, 12 hostile clients": (_WITH, _ATTACKER),
}


def watch(chain: Chain, options: tuple[str, ...], client: str, seconds: int) -> tuple[float, ...]:
    """CPU in ms a second, longest time between rounds in s, and median RTT of the end in ms."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.session"
        words = ("-r", "-n", "-c", "10000", "--record", str(file), *options, chain.target_address())
        process = chain.client.popen(
            tui_trace_process.command(*words), env=tui_trace_process.environment()
        )
        try:
            time.sleep(START)
            before, since = processor_ms(process.pid), time.monotonic()
            if client:
                command = [sys.executable, "-c", client, str(seconds)]
                print(chain.client.run(command, timeout=seconds + 30).stdout.strip())
            else:
                time.sleep(seconds)
            used = (processor_ms(process.pid) - before) / (time.monotonic() - since)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
        finally:
            process.kill()
        with Recording(file) as recording:
            events = list(recording.events())
    rounds = [event.at for event in events if isinstance(event, RoundBegan)]
    gaps = [after - before for before, after in pairwise(rounds[2:])]
    rtts = [event.rtt for event in events if isinstance(event, Reply) and event.reached]
    return used, max(gaps) / NS_PER_S, statistics.median(rtts) / NS_PER_MS


def run(seconds: int, times: int) -> None:
    """Print the figures of each, in turns."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in VARIANTS}
    with Chain(HOPS - 1) as chain:
        for _ in range(times):
            for name, (options, client) in VARIANTS.items():
                found[name].append(watch(chain, options, client, seconds))
    rows: list[list[object]] = []
    for name, figures in found.items():
        cpu, gaps, rtt = zip(*figures, strict=True)
        shown = (statistics.median(cpu), min(cpu), max(cpu), max(gaps), statistics.median(rtt))
        rows.append([name, *(f"{value:.2f}" for value in shown)])
    table(
        f"{HOPS} hops, a round a second, recorded, no view, in turns of {seconds} s",
        ["", "ms CPU/s, median", "least", "most", "longest round, s", "RTT ms"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    try:
        run(options.seconds, options.times)
    except subprocess.TimeoutExpired as error:
        sys.exit(f"metrics: {error}")
