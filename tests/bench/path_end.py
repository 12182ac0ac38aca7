"""The end of the path against the truth: how often it moves by chance, how soon it is found anew.

No packets: sessions of 300 rounds are dealt by a generator, and each is watched to its end.
"""

import argparse
import itertools
import random
import statistics
from collections.abc import Callable, Iterator

from tests.bench.common import table
from tui_trace.engine.path_end import PathEndDetector

ROUNDS = 300
BEGINNING = 20
"""Rounds in which the end may still be found; after that it must stay, once it is right."""
MAX_TTL, MAX_UNKNOWN = 30, 5
TARGET, LONGER = 5, 12


def sessions(
    seed: int, length: Callable[[int, random.Random], int], lost: Callable[[int], float]
) -> Iterator[int | None]:
    """The end after each round; `length` and `lost` (a share, at the target) go by the round.

    The hops behind the fourth answer only if they are the target, so nothing else shows its place.
    """
    rng, end, number = random.Random(seed), PathEndDetector(), 0
    for round_number in range(ROUNDS):
        last = end.last_ttl(MAX_TTL, MAX_UNKNOWN) if round_number else MAX_TTL
        scout = [MAX_TTL] if end.is_doubtful and last < MAX_TTL else []
        for ttl in [*range(1, last + 1), *scout]:
            number += 1
            if ttl > last:
                end.on_scout_sent(number)
            if ttl >= length(round_number, rng):
                if rng.random() < lost(round_number):
                    end.on_lost(ttl)
                else:
                    end.on_final_reply(ttl, number, by_target=True, is_scout=ttl > last)
            elif ttl < TARGET or length is per_packet:
                end.on_time_exceeded(ttl, number)
            else:
                end.on_lost(ttl)
        yield end.end_ttl


def stable(_round: int, _rng: random.Random) -> int:
    """Always as many hops."""
    return TARGET


def per_packet(_round: int, rng: random.Random) -> int:
    """Packet by packet over a branch of 5 hops or one of 7: the target never expires from 7 on."""
    return rng.choice((TARGET, TARGET + 2))


def grows(round_number: int, _rng: random.Random) -> int:
    """Longer from the 51st round on, behind hops that never answer."""
    return TARGET if round_number < 50 else LONGER


def _moved(
    seed: int,
    length: Callable[[int, random.Random], int],
    truth: int,
    lost: Callable[[int], float],
) -> bool:
    ends = itertools.islice(sessions(seed, length, lost), BEGINNING, None)
    return truth in ends and any(end != truth for end in ends)


def run(count: int) -> None:
    """Print the table."""
    rows = []
    for percent in (0, 5, 20, 50, 80, 95):
        share = percent / 100

        def lost(_round: int, share: float = share) -> float:
            return share

        def outage(round_number: int, share: float = share) -> float:
            return 1.0 if 100 <= round_number < 160 else share

        wrong = sum(_moved(seed, stable, TARGET, lost) for seed in range(count))
        away = sum(_moved(seed, stable, TARGET, outage) for seed in range(count))
        flips = sum(_moved(seed, per_packet, TARGET + 2, lost) for seed in range(count))
        found = []
        for seed in range(count):
            ends = list(sessions(seed, grows, lost))
            late = [number for number, end in enumerate(ends) if end != LONGER]
            found.append(late[-1] - 48 if late[-1] < ROUNDS - 1 else ROUNDS)
        rows.append(
            (
                f"{percent} %",
                f"{wrong} of {count}",
                f"{away} of {count}",
                f"{flips} of {count}",
                f"{statistics.median(found):g}",
                f"{sorted(found)[int(len(found) * 0.95)]}",
            )
        )
    table(
        f"the end of the path, {count} sessions of {ROUNDS} rounds: moved by chance; found anew",
        (
            "loss at the target",
            "one path",
            "target away 60 rounds",
            "per packet, 5 or 7 hops",
            "5 → 12 silent hops: median round",
            "95 %",
        ),
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2000)
    run(parser.parse_args().sessions)
