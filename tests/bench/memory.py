"""Memory of a day: 30 hops at 1 Hz for 24 hours, folded into a session and drawn each second.

`--sessions N`: of so many targets at once, and what that comes to for one target and day.
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
A_DAY = 24 * 3600 * HOPS
"""Outcomes."""


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def opened() -> Session:
    """Return a session whose target is at the last hop."""
    session = Session()
    session.apply(
        SessionBegan(
            at=0, wall=0, target="t", address="192.0.2.1", family=4, source="192.0.2.2", version="0"
        )
    )
    session.apply(PaceSet(at=0, pace=Pace()))
    session.apply(RunOpened(at=0, run=1, settings=ProbeSettings()))
    session.apply(PathEnd(at=0, run=1, ttl=HOPS, reached=True))
    return session


def probe_once(session: Session, number: int, rng: random.Random) -> None:
    """Fold one round, and draw it."""
    at = number * NS_PER_S
    session.apply(RoundBegan(at=at, run=1, round=number))
    for ttl in range(1, HOPS + 1):
        probe = (number - 1) * HOPS + ttl
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
                reached=ttl == HOPS,
            )
        )
    session.snapshot(at)


def feed(outcomes: int, count: int) -> None:
    """Fold so many outcomes into each session; print the resident MB on the way."""
    rng = random.Random(1)
    before = _resident_mb()
    sessions = [opened() for _ in range(count)]
    rounds = outcomes // HOPS
    began = time.process_time()
    print(0, before, 0)
    for number in range(1, rounds + 1):
        for session in sessions:
            probe_once(session, number, rng)
        if number % (rounds // STEPS) == 0:
            folded = number * HOPS
            used = (time.process_time() - began) / (folded * count)
            print(folded, _resident_mb(), used * 1e6)


def run(outcomes: int, count: int) -> None:
    """Feed in a process of its own, and print."""
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "tests.bench.memory", "--feed", str(outcomes), "--sessions", str(count)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    greatest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    rows = [line.split() for line in done.stdout.splitlines()]
    base = float(rows[0][1])
    table(
        f"Resident memory of session and snapshots, sessions: {count}",
        ["outcomes of each", "MB", "MB a session", "µs CPU an outcome"],
        [
            [folded, float(megabytes), (float(megabytes) - base) / count, float(cost)]
            for folded, megabytes, cost in rows
        ],
    )
    # what is kept of the last rounds is full by then
    (first, low, _), (last, high, _) = rows[-1 - STEPS // 4], rows[-1]
    growth = (float(high) - float(low)) / count / (int(last) - int(first))
    day = (float(high) - base) / count + growth * max(0, A_DAY - int(last))
    print(
        f"\nmaximum {greatest:.1f} MB; growth of a session in the last quarter"
        f" {growth * 1e6:.2f} MB a million outcomes; after a day {day:.2f} MB a session"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=2_600_000)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--feed", type=int)
    options = parser.parse_args()
    if options.feed:
        feed(options.feed, options.sessions)
    else:
        run(options.outcomes, options.sessions)
