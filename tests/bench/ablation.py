"""Every threshold of the findings moved by ±50 %: what that costs.

A threshold that costs nothing either way should go. Few sessions: what differs by a session or two
is chance.
"""

import argparse
import importlib
import random

from tests.bench.common import table
from tests.bench.findings import CASES, Case, watch
from tui_trace.session.finding import FindingKind as Kind

THRESHOLDS = {
    "target_loss": (
        "USUAL", "_LEAST_PERCENT", "_LEAST_BURSTS", "_LIKELY", "_OVER", "_SHOWN",
    ),
    "silence": ("SILENT", "_LOSSES_BEFORE", "_BURSTS_BEFORE", "_CHANCE", "_REFUSALS"),
    "loss_location": ("SURE", "_OWN", "_HARDLY"),
    "own_answers": ("_LIKELY", "_OVER", "_REGULAR", "_LEAST_OF_A_WAY"),
    "slowdown": ("_AROUND", "_LEAST", "_PART", "_FLOOR_NS"),
    "queueing": (
        "_WINDOW", "_LEAST", "_FLOOR_NS", "_TOGETHER", "_LEAST_SHARE", "_MOST_SHARE", "_GAP",
        "_LEAST_BUSY", "_DRAINED", "_ABOVE_NOISE", "_VARIETY", "_OVER", "_LEAST_SLOW",
    ),
    "path_moves": (
        "_LEAST", "_LEAST_CHANGES", "_BY_CHANCE", "_CALM", "_LEAST_PERCENT", "_IN_STAYS",
    ),
}  # fmt: skip
"""Names by the module of `tui_trace.session.finders`."""


def score(cases: list[Case], sessions: int) -> dict[str, tuple[int, int, int]]:
    """Return, for each case: sessions told, those with a false harm or hop, with another false."""
    found = {}
    for case in cases:
        rng = random.Random(case.name)
        told = wrong = other = 0
        for seed in range(sessions):
            said = watch(case.world(rng), case.rounds, seed)
            kinds = said.kinds & case.expected
            told += bool(kinds)
            hops = {said.hops[kind] for kind in kinds} - {None}
            wrong += bool(said.harmful - case.expected - case.also) or bool(hops - {case.hop})
            other += bool(said.kinds - said.harmful - case.expected - case.also - {Kind.OK})
        found[case.name] = told, wrong, other
    return found


def main() -> None:
    """Print what changes, for each threshold and each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=12)
    parser.add_argument("--module", default="", help="only this one")
    args = parser.parse_args()
    cases = [case for case in CASES if case.rounds <= 300]
    usual = score(cases, args.sessions)
    rows: list[list[str]] = []
    for name, thresholds in THRESHOLDS.items():
        if args.module not in ("", name):
            continue
        module = importlib.import_module(f"tui_trace.session.finders.{name}")
        for threshold in thresholds:
            value = getattr(module, threshold)
            for factor in (0.5, 1.5):
                moved = value * factor
                setattr(module, threshold, round(moved) if isinstance(value, int) else moved)
                try:
                    now = score(cases, args.sessions)
                finally:
                    setattr(module, threshold, value)
                costs = [
                    f"{case}: {label} {before} → {after}"
                    for case in usual
                    for label, before, after in zip(
                        ("told", "wrong", "other"), usual[case], now[case], strict=True
                    )
                    if abs(before - after) > 1
                ]
                rows.append([name, threshold, f"× {factor}", "; ".join(costs[:4]) or "nothing"])
                print(*rows[-1], sep=" | ", flush=True)
    table(f"What changes in {args.sessions} sessions", ["module", "threshold", "", "costs"], rows)


if __name__ == "__main__":
    main()
