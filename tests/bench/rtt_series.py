"""Steps of real RTT series against labels by hand: how many are found, and what is called besides.

Each stretch between two labels is a session; so is each pair of stretches, for the step between.
What is called in a stretch may be a step that the labels lack: of how many it is not one that
separates 16 answers on either side stands beside it.
"""

import argparse
import lzma
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.bench.common import table
from tests.helpers.generated_sessions import TARGET
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "rtt"
INTERVAL = 240 * NS_PER_S
MARGIN = 8
"""Samples around a label that belong to neither stretch."""
LEAST = 32
"""Samples of a stretch on either side of a step that is looked for."""
STEP_MS = 3.0


def load(path: Path) -> tuple[list[float | None], list[int]]:
    """Return the RTTs (ms, None: no answer) and the places of the labels."""
    with lzma.open(path, "rt") as lines:
        rows = [line.strip().split(";") for line in lines][1:]
    rtts = [float(row[1]) for row in rows]
    known = [rtt if 0 < rtt < 1000 else None for rtt in rtts]
    return known, [place for place, row in enumerate(rows) if row[2] == "1"]


def session_of(rtts: Sequence[float | None]) -> Session:
    """Return a session whose target answered so."""
    session = Session()
    session.apply(
        ev.SessionBegan(at=0, wall=0, target="t", address=TARGET, family=4, source="", version="")
    )
    session.apply(ev.PaceSet(at=0, pace=Pace(interval=INTERVAL)))
    session.apply(ev.RunOpened(at=0, run=1, settings=ProbeSettings()))
    session.apply(ev.PathEnd(at=0, run=1, ttl=1, reached=True))
    for place, rtt in enumerate(rtts, 1):
        at = place * INTERVAL
        session.apply(ev.RoundBegan(at=at, run=1, round=place))
        session.apply(ev.ProbeSent(at=at, run=1, probe=place, ttl=1))
        if rtt is None:
            session.apply(ev.ProbeLost(at=at + NS_PER_S, run=1, probe=place, ttl=1))
            continue
        ns = round(rtt * NS_PER_MS)
        session.apply(
            ev.Reply(
                at=at + ns, run=1, probe=place, ttl=1, address=TARGET, kind=ev.ReplyKind.ECHO,
                rtt=ns, sent_stamp=ev.Stamp.KERNEL, received_stamp=ev.Stamp.KERNEL, reached=True,
            )
        )  # fmt: skip
    session.apply(ev.SessionEnded(at=(len(rtts) + 2) * INTERVAL))
    return session


def is_clear(rtts: Sequence[float | None], place: int) -> bool:
    """Return whether a step separates the 16 answers before a place from the 16 behind it."""
    before = [rtt for rtt in rtts[max(place - 17, 0) : place - 1] if rtt is not None]
    after = [rtt for rtt in rtts[place + 1 : place + 17] if rtt is not None]
    if min(len(before), len(after)) < 8:
        return False
    one, other = statistics.median(before), statistics.median(after)
    middle = (one + other) / 2
    wrong = sum((rtt > middle) == (other > one) for rtt in before)
    return wrong + sum((rtt > middle) != (other > one) for rtt in after) <= 2


def measure(path: Path) -> tuple[int, int, int, int, int]:
    """Return steps, those found, stretches, those called, and those called without a clear step."""
    rtts, labels = load(path)
    bounds = [0, *labels, len(rtts)]
    steps = found = stretches = called = unclear = 0
    for begin, middle, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        one = [rtt for rtt in rtts[max(begin, middle - 60) : middle] if rtt is not None]
        other = [rtt for rtt in rtts[middle : min(end, middle + 60)] if rtt is not None]
        if min(middle - begin, end - middle) < LEAST or not one or not other:
            continue
        if abs(statistics.median(one) - statistics.median(other)) < STEP_MS:
            continue
        steps += 1
        level = session_of(rtts[begin + MARGIN if begin else 0 : end]).level(1)
        place = middle - (begin + MARGIN if begin else 0)
        found += any(abs(step.slot - place) <= MARGIN for step in level.steps)
    for begin, end in pairwise(bounds):
        quiet = rtts[begin + MARGIN : end - MARGIN]
        if len(quiet) < 40:
            continue
        stretches += 1
        session = session_of(quiet)
        harm = [
            episode.finding
            for episode in session.snapshot().episodes
            if episode.finding.kind in (FindingKind.SLOWER, FindingKind.QUEUE)
        ]
        called += bool(harm)
        places = [round(finding.since / INTERVAL) - 1 for finding in harm]
        unclear += any(not is_clear(quiet, place) for place in places)
    return steps, found, stretches, called, unclear


def main() -> None:
    """Print the table; nothing to measure without the series."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER)
    series = sorted(parser.parse_args().data.glob("*.csv.xz"))
    rows = []
    for name, part in (("every other", series[::2]), ("the rest", series[1::2])):
        sums = [sum(values) for values in zip(*map(measure, part), strict=True)] or [0] * 5
        steps, found, stretches, called, unclear = sums
        rows.append([
            name, len(part), f"{found} of {steps}", f"{100 * found / max(steps, 1):.1f} %",
            f"{called} of {stretches}", f"{100 * called / max(stretches, 1):.1f} %", unclear,
        ])  # fmt: skip
    head = ["series", "number", "steps found", "", "stretches called", "", "without a clear step"]
    table("Steps of 3 ms and more in real RTT series", head, rows)


if __name__ == "__main__":
    main()
