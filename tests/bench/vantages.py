"""One target from several vantages: how often the part of the path that is named is the right one.

No packets: paths of a random tree whose root is the target; a session is dealt for each vantage.
One link loses on the way there or on the way back, or none does.
"""

import argparse
import random

from tests.bench.common import table
from tests.helpers.generated_sessions import TARGET, bernoulli, between
from tests.helpers.vantage_sessions import session_from
from tui_trace.session.snapshot import Snapshot
from tui_trace.session.vantages import compare_vantages, vantage_findings

ROUNDS = 120
OUTAGE = 60
"""Seconds after which all is lost: what never answered has no name."""


def random_paths(rng: random.Random, count: int) -> list[list[str]]:
    """Return the routers on the way from each vantage: common from where they meet on."""
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        return f"10.0.{number // 250}.{number % 250 + 1}"

    paths = [[fresh() for _ in range(rng.randint(2, 8))]]
    while len(paths) < count:
        other = rng.choice(paths)
        met = rng.randint(1, len(other))
        paths.append([fresh() for _ in range(rng.randint(1, 6))] + other[met:])
    return paths


def session_of(
    place: int, path: list[str], bad: str, share: float, seed: int, *, back: bool, silent: float
) -> Snapshot:
    """Return what is known of a target after some rounds; the link to `bad` loses."""
    rng = random.Random(f"silent {seed}")
    drops = between(OUTAGE if share == 1 else 0, ROUNDS, bernoulli(share))
    return session_from(
        str(place),
        path,
        {bad: drops},
        seed=seed,
        rounds=ROUNDS,
        silent=[address for address in path if rng.random() < silent],
        back=back,
    )


def measure(
    name: str, share: float, networks: int, seed: int, *, back: bool = False, silent: float = 0.0
) -> list[str]:
    """Return one line of the table."""
    possible = said = right = 0
    for number in range(networks):
        rng = random.Random(f"{seed} {number}")
        paths = random_paths(rng, rng.randint(2, 5))
        bad = rng.choice(rng.choice(paths)) if share else ""
        suffering = {place for place, path in enumerate(paths) if bad in path}
        snapshots = [
            session_of(
                place, path, bad, share, seed + 100 * number + place, back=back, silent=silent
            )
            for place, path in enumerate(paths)
        ]
        lines = list(vantage_findings(snapshots))
        found = compare_vantages(snapshots)
        possible += bool(share)
        said += bool(lines)
        if not lines:
            continue
        well = bool(suffering)
        for each in found.suspects:
            path = [*paths[each.vantage], TARGET]
            if each.vantage not in suffering:
                well = False
                continue
            truth = path.index(bad) + 1
            if found.fine:
                last = min(x for x in (each.bad, each.meeting, len(path)) if x is not None)
                well &= each.clean < truth <= last
            else:
                well &= each.meeting is not None and truth >= each.meeting
        right += well
    return [name, str(possible), str(said), str(right)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    count, seed = args.networks, args.seed
    rows = [
        measure("a link loses 20 %", 0.2, count, seed),
        measure("a link loses 50 %", 0.5, count, seed),
        measure("a link loses all, after a minute", 1.0, count, seed),
        measure("20 %, a third of the routers silent", 0.2, count, seed, silent=1 / 3),
        measure("all, a third of the routers silent", 1.0, count, seed, silent=1 / 3),
        measure("20 %, on the way back", 0.2, count, seed, back=True),
        measure("nothing", 0.0, count, seed),
        measure("nothing, a third silent", 0.0, count, seed, silent=1 / 3),
    ]
    header = ["truth", "networks", "told", "right"]
    table("one target from 2 to 5 vantages: the part of the path that is named", header, rows)


if __name__ == "__main__":
    main()
