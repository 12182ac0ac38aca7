"""All benchmarks, one after another, as root: some half an hour. Names choose some of them."""

import argparse
import os
import signal
import subprocess
import sys

from tests.helpers.network import netns

RUNS = [
    ("rtt",),
    ("rtt", "--busy"),
    ("first_picture", "--times", "1"),
    ("sweep",),
    ("bench_view",),
    ("bad_link", "--times", "1"),
    ("engine",),
    ("wakeups",),
    ("unprivileged",),
    ("throughput",),
    ("dead_resolver",),
    ("lab",),
    ("memory",),
    ("memory", "--sessions", "3", "--outcomes", "184320"),
    ("many_targets", "--rounds", "20"),
    ("rtt_targets",),
    ("overview",),
    ("recording",),
    ("path_end",),
    ("compare",),
    ("repeats",),
    ("diagnosis",),
    ("findings", "--sessions", "20"),
    ("rtt_series",),
    ("ways", "--runs", "5", "--peer-runs", "1"),
    ("many_targets", "--rounds", "20"),
    ("meeting_point", "--networks", "10"),
    ("mtu_search",),
    ("vantages", "--networks", "20"),
    ("vantage_cost",),
    ("metrics", "--times", "2"),
]
LONGEST = 600.0
"""Seconds that one of them gets."""


def run(name: str, *options: str) -> bool:
    """In a process of its own; whether it came to its end."""
    command = [sys.executable, "-m", f"tests.bench.{name}", *options]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        code = process.wait(LONGEST)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        netns.sweep()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        print(f"{name}: not done after {LONGEST:g} s", file=sys.stderr)
        return False
    if code:
        print(f"{name}: ended with {code}", file=sys.stderr)
    return code == 0


def main() -> int:
    """The exit code: 1 if one of them broke off."""
    names = list(dict.fromkeys(name for name, *_ in RUNS))
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    wanted = parser.parse_args().names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if why_not := netns.missing_right():
        parser.error(why_not)
    netns.sweep()
    done = [run(*one) for one in RUNS if one[0] in wanted]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
