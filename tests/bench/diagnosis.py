"""How often Diagnose is right: sessions whose truth is known, looked at after every turn.

`python -m tests.bench.diagnosis [--sessions 200]`. Networks that treat all settings alike lose 0 to
50 % at random or in bursts; others filter one setting, all but one, or lose more of one.
"""

import argparse
import random
from collections.abc import Callable

from tests.helpers.dealt_turns import ICMP, LARGE, UDP, runs_of_turns, watched
from tests.helpers.generated_sessions import Bursts, Drops, bernoulli, never

Truth = tuple[frozenset[int], frozenset[int]]
"""Trials that never pass, and those that lose more."""


def row(
    name: str, network: Callable[[], Drops], own: dict[int, Drops], truth: Truth, sessions: int
) -> str:
    """Return a line of the table."""
    wrong = named = turns = 0
    for seed in range(sessions):
        losses = [own.get(place, never) for place in range(5)]
        told, took = watched(runs_of_turns(network(), losses, random.Random(seed)))
        wrong += told.sentence.startswith("Nothing")
        wrong += bool(told.silent - truth[0] or told.losing - truth[0] - truth[1])
        named += (told.silent, told.losing) == truth or (
            told.silent == truth[0] and truth[1] <= told.losing
        )
        turns += took
    return (
        f"{name:<44} {100 * wrong / sessions:6.2f} {100 * named / sessions:6.1f}"
        f" {turns / sessions:6.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.diagnosis", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    count = parser.parse_args().sessions
    always = bernoulli(1.0)
    nothing: frozenset[int] = frozenset()
    networks: list[tuple[str, Callable[[], Drops]]] = [
        (f"{share:.0%} at random", lambda share=share: bernoulli(share))
        for share in (0, 0.05, 0.2, 0.5, 0.85)
    ]
    networks += [
        (f"20 % in bursts of {length}", lambda length=length: Bursts(0.2, length))
        for length in (3, 10, 30)
    ]
    print(f"{'network':<44} wrong%  named%  turns")
    for name, network in networks:
        print(row(f"alike, {name}", network, {}, (nothing, nothing), count), flush=True)
        if name.startswith("85"):
            continue
        only = {ICMP: always}
        print(row("  ICMP filtered", network, only, (frozenset({ICMP}), nothing), count))
        others = {ICMP: always, UDP: always}
        print(row("  only TCP passes", network, others, (frozenset({ICMP, UDP}), nothing), count))
        large = {LARGE: always}
        print(row("  1500 bytes vanish", network, large, (frozenset({LARGE}), nothing), count))
        half = {UDP: bernoulli(0.5)}
        print(row("  UDP loses 50 % more", network, half, (nothing, frozenset({UDP})), count))
        most = {UDP: bernoulli(0.8)}
        print(row("  UDP loses 80 % more", network, most, (nothing, frozenset({UDP})), count))


if __name__ == "__main__":
    main()
