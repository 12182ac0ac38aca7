"""Which SYN/ACKs count as the target's repeats, against the truth: queues, slow replies and loss.

No packets: sessions of 300 rounds are dealt by a generator, and each is watched to its end.
"""

import argparse
import random
from collections.abc import Callable, Iterator

from tests.bench.common import table
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.engine.target_replies import TargetReplies

ROUNDS = 300
BASE = 40 * NS_PER_MS
REPEATS_AFTER = (1, 3, 7, 15, 31)
TIMER_DRIFT = 1.13
"""How late a timer of Linux may fire at most: by an eighth of its time (timer wheel)."""

Delay = Callable[[int, random.Random], int]
"""What is added to the RTT of a round, in ns."""


def quiet(_round: int, _rng: random.Random) -> int:
    """Nothing."""
    return 0


def queue(greatest_s: float, rounds: int) -> Delay:
    """A queue that grows over so many rounds, stays for twenty, and drains at once."""

    def delay(number: int, _rng: random.Random) -> int:
        since = number % 60 - 20
        share = min(1.0, since / rounds) if 0 <= since < rounds + 20 else 0.0
        return round(share * greatest_s * NS_PER_S)

    return delay


def slow(percent: float) -> Delay:
    """Now and then a reply takes up to three seconds more, without a warning."""

    def delay(_round: int, rng: random.Random) -> int:
        return round(rng.uniform(0, 3) * NS_PER_S) if rng.random() * 100 < percent else 0

    return delay


TRUTHS: dict[str, Delay] = {
    "quiet": quiet,
    "queue of 0.8 s in 10 rounds": queue(0.8, 10),
    "queue of 2.5 s in 10 rounds": queue(2.5, 10),
    "queue of 1.2 s at once": queue(1.2, 1),
    "on the path, 1 % take up to 3 s": slow(1),
    "at the target, 1 % take up to 3 s": slow(1),
}


def session(
    seed: int, delay: Delay, loss: float, *, at_target: bool
) -> Iterator[tuple[bool, bool]]:
    """For each SYN/ACK that arrives: whether it is a repeat, and whether it counts as one.

    What delays it delays the routers' replies too, unless it is `at_target`.
    """
    rng, replies = random.Random(seed), TargetReplies()
    for number in range(ROUNDS):
        added = delay(number, rng)
        rtt = BASE + round(rng.lognormvariate(0, 1) * NS_PER_MS) + added
        replies.on_time_exceeded("192.0.2.1", rtt - 5 * NS_PER_MS - (added if at_target else 0))
        is_repeat, extra = False, 0
        for after in (0, *REPEATS_AFTER):
            is_repeat = after > 0
            extra = round(after * NS_PER_S * rng.uniform(1, TIMER_DRIFT if after < 3 else 1.03))
            if rng.random() >= loss:
                break
        told = replies.is_repeat(rtt + extra)
        if not told:
            replies.on_target_reply(rtt + extra)
        yield is_repeat, told


def run(sessions: int) -> None:
    """Print how often each of the two is taken for the other."""
    rows: list[list[object]] = []
    for name, delay in TRUTHS.items():
        for loss in (0.0, 0.1, 0.2):
            answers = repeats = wrong = missed = wrong_sessions = 0
            for seed in range(sessions):
                found = list(session(seed, delay, loss, at_target="target" in name))
                here = sum(told and not truth for truth, told in found)
                repeats += sum(truth for truth, _ in found)
                answers += sum(not truth for truth, _ in found)
                missed += sum(truth and not told for truth, told in found)
                wrong += here
                wrong_sessions += here > 0
            rows.append(
                [
                    name,
                    f"{loss:.0%}",
                    f"{100 * wrong / answers:.2f} %",
                    f"{100 * wrong_sessions / sessions:.1f} %",
                    f"{100 * missed / repeats:.2f} %" if repeats else None,
                ]
            )
    table(
        f"Repeats of SYN/ACKs, {sessions} sessions of {ROUNDS} rounds each",
        ["truth", "lost", "answers called repeats", "sessions with one", "repeats called answers"],
        rows,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1000)
    run(parser.parse_args().sessions)
