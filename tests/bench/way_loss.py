"""What is said of watched ways whose truth is known: how often it is right, and how soon."""

import argparse
import random
import statistics
from collections.abc import Callable

from tests.bench.common import table
from tests.helpers.dealt_ways import Lost, watched, way
from tests.helpers.generated_sessions import Bursts
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session

Case = tuple[str, int, int, Callable[[], Lost], bool]
"""Name, ways, rounds, what is lost, and whether one way (that of flow 0) is bad."""


def evenly(share: float) -> Callable[[], Lost]:
    """All ways lose this share."""
    return lambda: lambda _round, _flow, rng: rng.random() < share


def in_bursts(share: float, length: float) -> Callable[[], Lost]:
    """Each way loses this share in bursts of its own."""

    def begin() -> Lost:
        bad: dict[int, Bursts] = {}
        return lambda number, flow, rng: bad.setdefault(flow, Bursts(share, length))(number, rng)

    return begin


def limited(rate: int) -> Callable[[], Lost]:
    """The target answers so many probes a second, whoever comes first."""

    def begin() -> Lost:
        left: dict[int, int] = {}

        def lost(number: int, _flow: int, _rng: random.Random) -> bool:
            left[number] = left.get(number, rate) - 1
            return left[number] < 0

        return lost

    return begin


def one_bad(share: float, others: float = 0.0) -> Callable[[], Lost]:
    """The way of flow 0 loses this share, the others another one."""
    return lambda: lambda _round, flow, rng: rng.random() < (share if flow == 0 else others)


CASES: list[Case] = [
    ("nothing", 8, 600, evenly(0), False),
    ("1 % everywhere", 8, 600, evenly(0.01), False),
    ("5 % everywhere", 16, 600, evenly(0.05), False),
    ("30 % everywhere", 8, 600, evenly(0.3), False),
    ("each way silent for 5 s at times (2 %)", 8, 600, in_bursts(0.02, 5), False),
    ("each way silent for 20 s at times (5 %)", 8, 600, in_bursts(0.05, 20), False),
    ("target answers 1 a second", 8, 600, limited(1), False),
    ("target answers 6 a second", 16, 600, limited(6), False),
    ("one of 8 dead", 8, 60, one_bad(1), True),
    ("one of 16 dead, 2 % elsewhere", 16, 60, one_bad(1, 0.02), True),
    ("one of 2 dead", 2, 60, one_bad(1), True),
    ("one of 8 loses 50 %", 8, 120, one_bad(0.5), True),
    ("one of 8 loses 20 %", 8, 300, one_bad(0.2), True),
    ("one of 8 loses 10 %, 1 % elsewhere", 8, 600, one_bad(0.1, 0.01), True),
]


def measure(case: Case, sessions: int) -> list[object]:
    """A row of the table."""
    name, ways, rounds, begin, is_bad = case
    said, right, after = 0, 0, []
    for seed in range(sessions):
        session, rng = Session(), random.Random(seed)
        first = None
        for number in watched(session, ways, rounds, begin(), rng):
            if first is None and any(
                one.kind is FindingKind.WAY_LOSS for one in session.findings()
            ):
                first = number
        episodes = [episode.finding for episode in session.snapshot().episodes]
        told = [finding for finding in episodes if finding.kind is FindingKind.WAY_LOSS]
        said += bool(told)
        if told and is_bad:
            right += {one.address for one in told} == {way(0, ways)}
        if first is not None:
            after.append(first)
    where = f"{100 * right / said:.0f} %" if said and is_bad else None
    soon = f"{statistics.median(after):.0f}" if after else None
    return [name, ways, rounds, f"{100 * said / sessions:.1f} %", where, soon]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    given = parser.parse_args()
    rows = [measure(case, given.sessions) for case in CASES]
    head = ["truth", "ways", "rounds", "way-loss said", "right way", "rounds until (median)"]
    table(f"A way that loses: {given.sessions} sessions a line", head, rows)


if __name__ == "__main__":
    main()
