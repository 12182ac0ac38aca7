"""Comparisons of runs against the truth: how often they are wrong, and what they find.

No packets: series of outcomes and RTTs are dealt by chance, and real series, whose changes were
labelled by hand, are read from `--data` (left out if it is not there).
"""

import argparse
import itertools
import lzma
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.common import table
from tests.helpers.generated_sessions import (
    Bursts,
    Delay,
    Drops,
    Node,
    Stretch,
    World,
    bernoulli,
    between,
    deal,
    deal_stretches,
    never,
    noisy,
    routers,
)
from tui_trace.core.events import RunOpened
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace, ProbeSettings
from tui_trace.session.compare import Verdict, compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session
from tui_trace.session.loss_difference import (
    E_VALUE,
    LOSS_FLOOR,
    bursts_in_turns,
    bursts_of,
    loss_evidence,
    visible_loss,
)
from tui_trace.session.round_log import WINDOW
from tui_trace.session.rtt_difference import P_VALUE, RttDifference, compare_pairs, compare_rtts
from tui_trace.session.run_origin import Origin, target_drift
from tui_trace.session.snapshot import Run

DATA = Path("../shared/data/rtt")
HOUR = 3600
"""Rounds of a session, one a second."""
GROWTH = 1.05
"""From one look to the next; windows that overlap by more hardly differ."""
LABELLED_STEP = 3 * NS_PER_MS
LEAST_STRETCH = 20
"""RTTs of a labelled stretch at least; quiet ones are halved, so three times as many."""


def looks(count: int) -> Iterator[tuple[int, int]]:
    """Where what is remembered begins and ends, at each look."""
    end = 10
    while end < count:
        yield max(0, end - 2 * WINDOW), end
        end = max(end + 1, int(end * GROWTH))
    yield max(0, count - 2 * WINDOW), count


def is_slower(found: RttDifference | None) -> bool:
    """Whether a difference of RTT is told."""
    return found is not None and found.p <= P_VALUE


# --- loss


def losses(rng: random.Random, count: int, share: float, length: float, inside: float = 1.0):
    """Outcomes, lost in bursts of this mean length, in which so many (share) are lost."""
    if length == 1:
        return [rng.random() < share for _ in range(count)]
    bad = Bursts(share / inside, length)
    return [bad(0, rng) and rng.random() < inside for _ in range(count)]


def is_lossier(one: list[bool], other: list[bool], *, in_turns: bool = False) -> bool:
    """Whether a difference of loss is told."""
    if not one or not other:
        return False
    if abs(sum(one) / len(one) - sum(other) / len(other)) < LOSS_FLOOR:
        return False
    bursts = bursts_in_turns(one, other) if in_turns else bursts_of(one, other)
    return loss_evidence(bursts) >= E_VALUE


def no_loss_difference(sessions: int) -> None:
    """How often equal loss is called different in an hour."""
    rows = []
    for share, length, inside in (
        (0.01, 1, 1), (0.05, 1, 1), (0.3, 1, 1), (0.05, 5, 1), (0.2, 5, 1), (0.05, 20, 1),
        (0.2, 20, 1), (0.1, 20, 0.5),
    ):  # fmt: skip
        rng = random.Random(1)
        wrong = [0, 0, 0]
        for _ in range(sessions):
            for place, first in enumerate((60, 300)):
                one = losses(rng, first, share, length, inside)
                other = losses(rng, HOUR, share, length, inside)
                wrong[place] += any(is_lossier(one, other[a:b]) for a, b in looks(HOUR))
            both = losses(rng, HOUR, share, length, inside)
            wrong[2] += any(
                is_lossier(both[::2][a:b], both[1::2][a:b], in_turns=True)
                for a, b in looks(HOUR // 2)
            )
        told = [f"{100 * one / sessions:.1f}" for one in wrong]
        rows.append((f"{100 * share:g} %, bursts of {length:g} ({inside:g})", *told))
    head = ("loss of both", "after 60 rounds, %", "after 300, %", "in turns, %")
    table(f"No difference of loss, watched for an hour: called, of {sessions}", head, rows)


def found_loss(sessions: int) -> None:
    """How often different loss is found."""
    rows = []
    for one, other, length, count in (
        (0, 0.05, 1, 256), (0, 0.19, 5, 300), (0, 0.1, 1, 100), (0.05, 0.2, 1, 200),
        (0.2, 0.4, 1, 300), (0, 0.02, 1, 600), (0, 0.3, 1, 30), (0, 1, 1, 12),
    ):  # fmt: skip
        rng = random.Random(2)
        found = [0, 0]
        for _ in range(sessions):
            pair = losses(rng, count, one, length), losses(rng, count, other, length)
            found[0] += is_lossier(*pair)
            turns = losses(rng, 2 * count, one, length), losses(rng, 2 * count, other, length)
            found[1] += is_lossier(turns[0][::2], turns[1][1::2], in_turns=True)
        told = [f"{100 * each / sessions:.1f}" for each in found]
        rows.append((f"{100 * one:g} against {100 * other:g} %", length, count, *told))
    head = ("loss", "bursts of", "rounds", "found, %", "in turns, %")
    table(f"A difference of loss: found, of {sessions}", head, rows)


def promised(sessions: int) -> None:
    """How often what "would have been seen" is seen."""
    rng = random.Random(3)
    rows = []
    for count in (50, 300, 1000):
        share = visible_loss(bursts_of([False] * count, [False] * count)) or 1.0
        seen = sum(
            is_lossier([False] * count, losses(rng, count, share, 1)) for _ in range(sessions)
        )
        step = 0.0
        steps = 0
        for _ in range(sessions):
            one, other = noise(rng, "independent", count), noise(rng, "independent", count)
            found = compare_rtts(one, other)
            step = found.visible if found is not None else 0.0
            steps += is_slower(compare_rtts(one, [rtt + int(step) for rtt in other]))
        rows.append(
            (
                count,
                f"{100 * share:.1f}",
                f"{100 * seen / sessions:.1f}",
                f"{step / NS_PER_MS:.2f}",
                f"{100 * steps / sessions:.1f}",
            )
        )
    head = ("rounds", "loss, %", "seen, %", "RTT, ms (last)", "seen, %")
    table("What would have been seen, and is", head, rows)


# --- RTT


def noise(rng: random.Random, kind: str, count: int) -> list[int]:
    """RTTs in ns that differ by chance alone."""
    match kind:
        case "spikes":
            ms = [10 + 2 * rng.paretovariate(1.2) for _ in range(count)]
        case "normal, 3 of 30 ms":
            ms = [max(rng.gauss(30, 3), 0.1) for _ in range(count)]
        case _:
            memory = 0.0 if kind == "independent" else float(kind.rsplit(maxsplit=1)[-1])
            value, ms = rng.gauss(0, 1), []
            for _ in range(count):
                value = memory * value + rng.gauss(0, math.sqrt(1 - memory**2))
                ms.append(10 + math.exp(value))
    return [int(one * NS_PER_MS) for one in ms]


KINDS = (
    "independent", "memory 0.5", "memory 0.9", "memory 0.98", "spikes", "normal, 3 of 30 ms",
)  # fmt: skip


def no_rtt_difference(sessions: int) -> None:
    """How often equal RTTs are called different in an hour."""
    rows = []
    for kind in KINDS:
        rng = random.Random(4)
        wrong = [0, 0, 0]
        for _ in range(sessions):
            for place, first in enumerate((60, 300)):
                one, other = noise(rng, kind, first), noise(rng, kind, HOUR)
                wrong[place] += any(
                    is_slower(compare_rtts(one, other[a:b])) for a, b in looks(HOUR)
                )
            both = noise(rng, kind, HOUR)
            pairs = list(zip(both[::2], both[1::2], strict=True))
            wrong[2] += any(is_slower(compare_pairs(pairs[a:b])) for a, b in looks(HOUR // 2))
        rows.append((kind, *(f"{100 * one / sessions:.1f}" for one in wrong)))
    head = ("RTTs of both", "after 60 rounds, %", "after 300, %", "in turns, %")
    table(f"No difference of RTT, watched for an hour: called, of {sessions}", head, rows)


def found_rtt(sessions: int) -> None:
    """How often a step is found, and how often it is said the wrong way round."""
    rows = []
    for kind, step, count in itertools.product(KINDS[:5], (1.0, 3.0), (60, 300)):
        rng = random.Random(5)
        found = turned = 0
        for _ in range(sessions):
            one = noise(rng, kind, count)
            other = [rtt + int(step * NS_PER_MS) for rtt in noise(rng, kind, count)]
            told = compare_rtts(one, other)
            if told is not None and is_slower(told):
                found += told.step > 0
                turned += told.step < 0
        rows.append((kind, step, count, f"{100 * found / sessions:.1f}", turned))
    head = ("RTTs", "step, ms", "rounds", "found, %", "wrong way round")
    table(f"A difference of RTT: found, of {sessions}", head, rows)


# --- real series


def labelled(file: Path) -> list[list[int]]:
    """The stretches between changes, in ns."""
    stretches: list[list[int]] = [[]]
    with lzma.open(file, "rt") as lines:
        next(lines)
        for line in lines:
            _, rtt, change = line.strip().split(";")
            if float(change):
                stretches.append([])
            if 0 < float(rtt) < 1000:
                stretches[-1].append(int(float(rtt) * NS_PER_MS))
    return stretches


def real(files: list[Path], call: Callable[[list[int], list[int]], bool]) -> tuple[int, ...]:
    """Quiet stretches, those called as halves and in turns; steps, and those found."""
    quiet = halves = turns = steps = found = 0
    for file in files:
        stretches = labelled(file)
        for stretch in stretches:
            half = len(stretch) // 2
            if half < 1.5 * LEAST_STRETCH:
                continue
            quiet += 1
            halves += call(stretch[:half][-WINDOW:], stretch[half:][-WINDOW:])
            pairs = list(zip(stretch[::2], stretch[1::2], strict=False))[-WINDOW:]
            turns += is_slower(compare_pairs(pairs))
        for one, other in itertools.pairwise(stretches):
            if min(len(one), len(other)) < LEAST_STRETCH:
                continue
            if abs(median(one) - median(other)) >= LABELLED_STEP:
                steps += 1
                found += call(one[-WINDOW:], other[-WINDOW:])
    return quiet, halves, turns, steps, found


def real_series(data: Path) -> None:
    """The labelled series: the half that was tuned on, and the other half."""
    files = sorted(data.glob("*.csv.xz"))
    rows = []
    for name, some in (("tuned on", files[::2]), ("not tuned on", files[1::2])):
        quiet, halves, turns, steps, found = real(
            some, lambda one, other: is_slower(compare_rtts(one, other))
        )
        if quiet and steps:
            rows.append(
                (
                    name,
                    quiet,
                    f"{100 * halves / quiet:.1f}",
                    f"{100 * turns / quiet:.1f}",
                    steps,
                    f"{100 * found / steps:.1f}",
                )
            )
    head = ("series", "quiet", "called, %", "in turns, %", "steps of 3 ms", "found, %")
    table("Real RTTs with changes labelled by hand", head, rows)


# --- two sessions


class Outages:
    """Lose everything in outages of so many seconds on average, this share of all time."""

    def __init__(self, share: float, seconds: float) -> None:
        self.means = seconds * (1 - share) / share, seconds
        self.share, self.until, self.is_bad = share, -1.0, True

    def __call__(self, at: int, rng: random.Random) -> bool:
        if self.until < 0:
            self.is_bad, self.until = rng.random() >= self.share, 0.0
        while at >= self.until * NS_PER_S:
            self.is_bad = not self.is_bad
            self.until += rng.expovariate(1 / self.means[self.is_bad])
        return self.is_bad


def by_the_hour(ms: float, hours: float, more: float) -> Delay:
    """Take `ms`, and up to `more` ms (both ways) by the hour of a day of so many, as a sine."""
    begin = random.Random(f"{ms} {next(_days)}").random()

    def delay(at: int, rng: random.Random) -> float:
        angle = 2 * math.pi * (begin + at / NS_PER_S / 3600 / hours)
        return noisy(ms)(at, rng) + more / 4 * (1 + math.sin(angle))

    return delay


_days = itertools.count()


class Network(NamedTuple):
    """What a session meets at its third and last link, and at its second router."""

    drops: Callable[[], Drops] = lambda: never
    delay: Callable[[], Delay] = lambda: noisy(4.0)
    drops_answers: Callable[[], Drops] = lambda: never


def session_of(network: Network, rounds: int, interval: float, seed: int) -> tuple[Run, Origin]:
    """One session through this network."""
    nodes = routers(2)
    nodes[-1].drops, nodes[-1].delay = network.drops(), network.delay()
    nodes[1].drops_answers = network.drops_answers()
    session = Session()
    world = World.of(nodes, pace=Pace(interval=int(interval * NS_PER_S)))
    for event in deal(world, rounds, seed):
        session.apply(event)
    snapshot = session.snapshot()
    origin = Origin(
        f"session {seed}", 1 + seed * HOUR * NS_PER_S, "", "", target_drift(snapshot.timeline)
    )
    return session.run(1), origin


def two_sessions(sessions: int) -> None:
    """What is said of two sessions at different times, of the same network and of another one."""
    fine = Network()

    def loss(drops: Callable[[], Drops]) -> Network:
        return Network(drops=drops)

    def slow(ms: float) -> Network:
        return Network(delay=lambda: noisy(4 + ms / 2))

    few = loss(lambda: bernoulli(0.05))
    ten = loss(lambda: bernoulli(0.1))
    bursts = loss(lambda: Bursts(0.1, 5))
    outages = loss(lambda: Outages(0.1, 5))
    limited = Network(drops_answers=lambda: bernoulli(0.3))
    hourly = Network(delay=lambda: by_the_hour(4, 24, 5))
    daily = Network(delay=lambda: by_the_hour(4, 3, 5))
    both_slower = Network(delay=lambda: by_the_hour(9, 3, 5))
    usual, long, short = (300, 1.0), (900, 1.0), (60, 1.0)
    cases = [
        ("fine", fine, usual, fine, long),
        ("fine, a short one", fine, long, fine, short),
        ("5 % loss in both", few, usual, few, long),
        ("10 % in bursts of 5 in both", bursts, usual, bursts, long),
        ("10 % of the time in outages, other paces", outages, (300, 1.0), outages, (1000, 0.2)),
        ("the same, every 5 s and every 1 s", outages, (600, 5.0), outages, usual),
        ("a router that loses 30 % of its answers", limited, usual, limited, long),
        ("up to 5 ms more by the hour; 10 and 5 minutes", hourly, (600, 1.0), hourly, usual),
        ("the same, a day of 3 hours; 83 and 5 minutes", daily, (5000, 1.0), daily, usual),
        ("0, then 2 % loss", fine, long, loss(lambda: bernoulli(0.02)), long),
        ("0, then 5 % loss", fine, usual, few, usual),
        ("0, then 10 % in bursts of 5", fine, usual, bursts, usual),
        ("0, then 20 % loss", fine, long, loss(lambda: bernoulli(0.2)), short),
        ("0, then 10 %, every 5 s and every 1 s", fine, (600, 5.0), ten, usual),
        ("1 ms slower", fine, usual, slow(1), usual),
        ("3 ms slower", fine, long, slow(3), short),
        ("the same day, and 10 ms slower", daily, (5000, 1.0), both_slower, usual),
    ]  # fmt: skip
    rows = []
    for name, then, (rounds, interval), now, (later, pace) in cases:
        told = [0, 0, 0, 0]
        for seed in range(sessions):
            sides = [
                session_of(then, rounds, interval, 2 * seed),
                session_of(now, later, pace, 2 * seed + 1),
            ]
            found = compare_runs([run for run, _ in sides], [origin for _, origin in sides])
            target = found.target.differences[0]
            told[0] += target.real
            told[1] += target.rtt is Verdict.DRIFT and not target.real
            told[2] += any(row.differences[0].real for row in found.rows[:-1])
            told[3] += describe_comparison(found).startswith("No difference")
        rows.append((name, *(f"{100 * one / sessions:.1f}" for one in told)))
    head = ("then and now", "target differs, %", "drift, %", "a hop differs, %", "none, %")
    table(f"Two sessions at different times: said, of {sessions}", head, rows)


# --- findings after a switch


def switched(first: World, second: World, seed: int) -> tuple[int, int]:
    """How many episodes blame the setting after two switches, and how many stand at the end."""
    session = Session()
    stretches = [Stretch({1: first}, 60), Stretch({2: second}, 60), Stretch({1: first}, 30)]
    seen = 0
    for event in deal_stretches(stretches, seed):
        session.apply(event)
        if isinstance(event, RunOpened):
            # what is said when the user looks for the next setting
            seen += any(one.kind in BLAMING for one in session.snapshot().findings)
    stands = [one for one in session.snapshot().episodes if one.finding.kind in BLAMING]
    return seen, len(stands)


BLAMING = (FindingKind.FILTERED, FindingKind.BLACK_HOLE)


def findings(sessions: int) -> None:
    """How often a setting is blamed: with cause, and without."""

    def nodes(drops: Drops, at: int = 4) -> list[Node]:
        path = routers(6)
        path[at].drops = drops
        return path

    def equal(drops: Callable[[], Drops]) -> tuple[World, World]:
        return tuple(
            World.of(nodes(drops()), settings=one)
            for one in (ProbeSettings(), ProbeSettings(tos=184))
        )  # type: ignore[return-value]

    def unlike(drops: Callable[[], Drops]) -> tuple[World, World]:
        blocked = World.of(nodes(drops()), settings=ProbeSettings(tos=184))
        return World.of(routers(6)), blocked

    rng = random.Random(6)

    def outage() -> Drops:
        begin = rng.uniform(0, 150)
        return between(begin, begin + rng.choice((5, 20, 60)), bernoulli(1.0))

    def shared(drops: Callable[[], Drops]) -> tuple[World, World]:
        one = drops()
        return equal(lambda: one)

    cases = [
        ("filtered", True, lambda: unlike(lambda: bernoulli(1.0))),
        ("20 % loss with EF", True, lambda: unlike(lambda: bernoulli(0.2))),
        ("19 % in bursts of 5 with EF", True, lambda: unlike(lambda: Bursts(0.19, 5))),
        ("no loss", False, lambda: equal(lambda: bernoulli(0.0))),
        ("10 % loss with both", False, lambda: equal(lambda: bernoulli(0.1))),
        ("40 % loss with both", False, lambda: equal(lambda: bernoulli(0.4))),
        ("10 % in bursts of 5 with both", False, lambda: equal(lambda: Bursts(0.1, 5))),
        ("20 % in bursts of 20 with both", False, lambda: equal(lambda: Bursts(0.2, 20))),
        ("an outage at any time", False, lambda: shared(outage)),
    ]
    rows = []
    for name, cause, worlds in cases:
        told = [switched(*worlds(), seed) for seed in range(sessions)]
        seen = sum(seen > 0 for seen, _ in told)
        stands = sum(stands > 0 for _, stands in told)
        rows.append(
            (
                name,
                "yes" if cause else "no",
                f"{100 * seen / sessions:.1f}",
                f"{100 * stands / sessions:.1f}",
            )
        )
    head = ("truth", "by the setting", "said after 60 rounds, %", "stands at the end, %")
    table(f"After a switch and back: the setting is blamed, of {sessions}", head, rows)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    no_loss_difference(options.sessions)
    found_loss(options.sessions)
    promised(options.sessions)
    no_rtt_difference(options.sessions)
    found_rtt(options.sessions)
    real_series(options.data)
    two_sessions(options.sessions)
    findings(options.sessions)


if __name__ == "__main__":
    main()
