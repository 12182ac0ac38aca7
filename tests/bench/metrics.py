"""What metrics cost: a report of 15 hops at a round a second, without, unread, and read at 1 Hz."""

import argparse
import statistics
import subprocess
import sys
import time

from tests.bench.common import table
from tests.bench.wakeups import processor_ms
from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain

HOPS = 15
START = 5.0
"""Seconds until a program has started, and knows its path."""
PLACE = "127.0.0.1:9100"
_SCRAPER = """
import sys, time, urllib.request
times = []
for _ in range(int(sys.argv[2])):
    began = time.monotonic()
    size = len(urllib.request.urlopen(sys.argv[1], timeout=10).read())
    times.append(time.monotonic() - began)
    time.sleep(max(0, 1 - times[-1]))
print(size, max(times))
"""


def cpu(chain: Chain, *options: str, seconds: int, read: bool) -> tuple[float, str]:
    """CPU in ms a second, and what the reader says."""
    words = ("-r", "-n", "-c", "10000", *options, chain.target_address())
    env = tui_trace_process.environment()
    process = chain.client.popen(tui_trace_process.command(*words), env=env)
    try:
        time.sleep(START)
        before = processor_ms(process.pid)
        if read:
            scraper = [sys.executable, "-c", _SCRAPER, f"http://{PLACE}/metrics", str(seconds)]
            said = chain.client.run(scraper, timeout=seconds + 30).stdout.strip()
        else:
            time.sleep(seconds)
            said = ""
        return (processor_ms(process.pid) - before) / seconds, said
    finally:
        process.kill()
        process.communicate()


def run(seconds: int, times: int) -> None:
    """Print the CPU of each, in turns."""
    variants = {
        "without --metrics": ((), False),
        "--metrics, nobody reads": (("--metrics", PLACE), False),
        "--metrics, read once a second": (("--metrics", PLACE), True),
    }
    found: dict[str, list[float]] = {name: [] for name in variants}
    said = ""
    with Chain(HOPS - 1) as chain:
        for _ in range(times):
            for name, (options, read) in variants.items():
                value, words = cpu(chain, *options, seconds=seconds, read=read)
                found[name].append(value)
                said = words or said
    table(
        f"{HOPS} hops, a round a second, no view, in turns of {seconds} s: ms CPU a second",
        ["", "median", "least", "most"],
        [
            [name, *(f"{one:.2f}" for one in (statistics.median(all_), min(all_), max(all_)))]
            for name, all_ in found.items()
        ],
    )
    size, longest = said.split()
    print(f"\na page has {size} bytes; the slowest one took {float(longest) * 1000:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    try:
        run(options.seconds, options.times)
    except subprocess.TimeoutExpired as error:
        sys.exit(f"metrics: {error}")
