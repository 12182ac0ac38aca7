"""Memory of a day: 30 hops at 1 Hz for 24 hours, folded into a session and drawn each second.

The parent runs this file as a process of its own and reads its greatest resident set.
"""

import argparse
import random
import resource
import subprocess
import sys
import time

from tests.bench.common import table
from tui_trace.core.events import (
    PaceSet,
    PathEnd,
    ProbeLost,
    ProbeSent,
    Reply,
    ReplyKind,
    RoundBegan,
    RunOpened,
    SessionBegan,
    Stamp,
)
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.fold import Session

HOPS = 30
BALANCED = (7, 8)
"""Hops at which two routers share the load, packet by packet."""
STEPS = 8


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def feed(outcomes: int) -> None:
    """Fold so many outcomes, one snapshot a round; print the resident MB on the way."""
    rng = random.Random(1)
    session = Session()
    session.apply(
        SessionBegan(
            at=0, wall=0, target="t", address="192.0.2.1", family=4, source="192.0.2.2", version="0"
        )
    )
    session.apply(PaceSet(at=0, pace=Pace()))
    session.apply(RunOpened(at=0, run=1, settings=ProbeSettings()))
    session.apply(PathEnd(at=0, run=1, ttl=HOPS, reached=True))
    rounds = outcomes // HOPS
    probe = 0
    began = time.process_time()
    print(0, _resident_mb(), 0)
    for number in range(1, rounds + 1):
        at = number * NS_PER_S
        session.apply(RoundBegan(at=at, run=1, round=number))
        for ttl in range(1, HOPS + 1):
            probe += 1
            session.apply(ProbeSent(at=at, run=1, probe=probe, ttl=ttl))
            if rng.random() < 0.05:
                session.apply(ProbeLost(at=at, run=1, probe=probe, ttl=ttl))
                continue
            rtt = int(rng.lognormvariate(16, 1))
            session.apply(
                Reply(
                    at=at + rtt,
                    run=1,
                    probe=probe,
                    ttl=ttl,
                    address=f"192.0.2.{ttl * 4 + (rng.randrange(2) if ttl in BALANCED else 0)}",
                    kind=ReplyKind.TIME_EXCEEDED,
                    rtt=rtt,
                    sent_stamp=Stamp.KERNEL,
                    received_stamp=Stamp.KERNEL,
                )
            )
        session.snapshot(at)
        if number % (rounds // STEPS) == 0:
            print(probe, _resident_mb(), (time.process_time() - began) / probe * 1e6)


def run(outcomes: int) -> None:
    """Feed in a process of its own, and print."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.memory", "--feed", str(outcomes)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    greatest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    rows = [line.split() for line in done.stdout.splitlines()]
    table(
        "Resident memory of session and snapshots",
        ["outcomes", "MB", "µs CPU an outcome"],
        [[count, float(megabytes), float(cost)] for count, megabytes, cost in rows],
    )
    (first, low, _), (last, high, _) = rows[1], rows[-1]
    growth = (float(high) - float(low)) / (int(last) - int(first)) * 1e6
    print(f"\nmaximum {greatest:.1f} MB; growth {growth:.2f} MB a million outcomes after the first")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=2_600_000)
    parser.add_argument("--feed", type=int)
    options = parser.parse_args()
    if options.feed:
        feed(options.feed)
    else:
        run(options.outcomes)
