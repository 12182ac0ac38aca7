"""Every scenario: what tui-trace reports is what the scenario file says."""

import statistics
from collections.abc import Callable
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from tests.helpers.lab.lab_trace import trace
from tests.helpers.lab.scenario_paths import (
    MS,
    QUICK,
    address,
    along,
    firewall,
    reply_ttl,
    zero_ttl,
)
from tests.helpers.lab.simulated_session import probe, simulated_trace
from tui_trace.core.events import Stamp
from tui_trace.lab import load_scenario, scenario_names
from tui_trace.lab.scenario import Scenario
from tui_trace.lab.scenario_file import SCENARIO_FOLDER

pytestmark = pytest.mark.usefixtures("inside")


PATHS: dict[str, Callable[[Scenario, int], list[set[str]]]] = {
    "zero-ttl": zero_ttl,
    "reply-ttl": reply_ttl,
    "firewall": firewall,
}
"""Where the path is not simply along the hops."""


def told(scenario: Scenario, path: list[set[str]]) -> list[tuple[str, ...]]:
    """The marks of each TTL of such a path, when ICMP echo is what was sent."""
    marks: list[tuple[str, ...]] = [()] * len(path)
    translated = False
    for place, hop in enumerate(scenario.hops[:-1]):
        if hop.mpls:
            marks[place] = ("MPLS " + "/".join(str(entry.label) for entry in hop.mpls),)
        if translated:
            marks[place] = ("NAT",)
        if hop.back_hops:
            marks[place] = (f"back +{hop.back_hops}",)
        translated = translated or (hop.dnat is not None and not hop.dnat.repair)
    if scenario.target.reply_ttl_from_probe:
        marks[-1] = ("!",)
    return marks


DIAMONDS = {"per-flow", "per-packet"}
WAYS = {name for name in scenario_names() if name.startswith("ways-")}
TELL_THEIR_OWN = {"loss", "rate-limit", "disorder", *DIAMONDS, *WAYS}
"""Not every probe is answered once and in time; they have tests of their own below."""


def test_every_scenario_stands_here() -> None:
    names = set(scenario_names())
    assert names >= set(PATHS) | TELL_THEIR_OWN


CASES = [
    pytest.param(name, family, id=f"{name}-v{family}")
    for name in scenario_names()
    if name not in TELL_THEIR_OWN
    for family in load_scenario(name).families
]


@pytest.mark.parametrize(("name", "family"), CASES)
def test_hops_and_counters_are_those_of_the_file(name: str, family: int) -> None:
    scenario = load_scenario(name)
    traced = trace(name, f"-{family}", *QUICK)
    wanted = PATHS.get(name, along)(scenario, family)
    assert traced.path() == wanted
    marks = told(scenario, wanted)
    for hop, addresses, mark in zip(traced.run.hops, wanted, marks, strict=True):
        assert hop.sent == 5
        assert hop.lost == (0 if addresses else 5)
        assert (hop.late, hop.duplicates, hop.user_stamped, hop.pending) == (0, 0, 0, 0)
        assert hop.is_target == (addresses == {address(scenario.target, family)})
        assert hop.marks == mark
    least = list(accumulate(round(hop.delay * MS) for hop in scenario.hops))
    for ttl, replies in traced.replies.items():
        for reply in replies:
            assert reply.sent_stamp is reply.received_stamp is Stamp.KERNEL
            assert reply.rtt >= least[min(ttl, len(least)) - 1]
            assert reply.quoted_ttl in (None, 0 if name == "zero-ttl" and ttl == 3 else 1)


def interval(percent: float, count: int, width: float = 4.5) -> tuple[float, float]:
    """What is lost of so many, within `width` standard deviations of a normal distribution.

    4.5 are exceeded once in 150,000 times; 2.576, the 99 % interval, once in a hundred.
    """
    share = percent / 100
    spread = width * (count * share * (1 - share)) ** 0.5
    return count * share - spread, count * share + spread


def test_loss_that_is_carried_to_the_target() -> None:
    scenario = load_scenario("loss")
    traced = simulated_trace("loss", probe(), 40, queries=5)
    bad = next(place for place, hop in enumerate(scenario.hops) if hop.loss)
    assert traced.path() == along(scenario, 4)
    for place, hop in enumerate(traced.run.hops):
        assert hop.sent == 200
        low, high = interval(scenario.hops[bad].loss if place >= bad else 0, 200)
        assert low <= hop.lost <= high
        assert (hop.late, hop.duplicates) == (0, 0)


def test_loss_that_is_only_a_rate_limit() -> None:
    scenario = load_scenario("rate-limit")
    traced = simulated_trace("rate-limit", probe(), 30, interval=200 * MS)
    assert traced.path() == along(scenario, 4)
    for wanted, hop in zip(scenario.hops, traced.run.hops, strict=True):
        if wanted.rate is None:
            assert hop.lost == 0
        else:
            seconds = 30 * 0.2
            assert 1 <= hop.sent - hop.lost <= wanted.burst + wanted.rate * seconds + 1


def test_duplicates_reordering_and_late_replies() -> None:
    scenario = load_scenario("disorder")
    traced = simulated_trace("disorder", probe(), 100, interval=100 * MS, wait=2000 * MS)
    assert traced.path() == along(scenario, 4)
    places = {name: place + 1 for place, hop in enumerate(scenario.hops) for name in [hop.name]}
    hops, replies = traced.hops, traced.replies

    twice = places["core2.access.example"]
    low, high = interval(scenario.hops[twice - 1].duplicate, 100)
    assert low <= hops[twice].duplicates <= high

    held = places["ix-east.exchange.example"]
    probes = [reply.probe for reply in replies[held]]
    assert sorted(probes) != probes
    slow = sum(reply.rtt > 300 * MS for reply in replies[held])
    low, high = interval(30, 100)
    assert low <= slow <= high
    assert (hops[held].lost, hops[held].late) == (0, 0)

    later = places["cr1.east.transit.example"]
    assert hops[later].late == sum(reply.rtt >= 6000 * MS for reply in replies[later]) > 0
    low, high = interval(25, 100)
    assert low <= hops[later].late + hops[later].lost <= high

    for ttl, hop in hops.items():
        if ttl not in (twice, held, later):
            assert (hop.lost, hop.late, hop.duplicates) == (0, 0, 0)


@pytest.mark.parametrize("name", sorted(DIAMONDS))
def test_diamonds(name: str) -> None:
    scenario = load_scenario(name)
    (diamond,) = scenario.diamonds
    ways = [
        [hop for hop in scenario.hops if hop.name in diamond.beside],
        *(branch.hops for branch in diamond.branches),
    ]
    first = [hop.name for hop in scenario.hops].index(diamond.beside[0])
    every = along(scenario, 4)
    for place in range(len(ways[0])):
        every[first + place] = {address(way[place], 4) for way in ways}

    constant = trace(name, "-c", "40", "-i", "0.1").path()
    varied = trace(name, "-c", "40", "-i", "0.1", "--flow", "vary").path()
    for seen, possible in zip(varied, every, strict=True):
        assert seen <= possible
        assert (len(seen) > 1) == (len(possible) > 1)
    if diamond.balance == "packet":
        assert constant == every
    else:
        assert [len(seen) for seen in constant] == [1] * len(every)
        assert any(
            [{address(hop, 4)} for hop in way] == constant[first : first + len(way)] for way in ways
        )


def sooner(name: str, factor: int, folder: Path) -> Path:
    """The scenario's file with its clock running faster."""
    lines = []
    for line in (SCENARIO_FOLDER / f"{name}.toml").read_text().splitlines():
        key, _, value = line.partition(" = ")
        fast = key in ("at", "repeat")
        lines.append(f"{key} = {int(value) / factor}" if fast else line)
    file = folder / f"{name}.toml"
    file.write_text("\n".join(lines).replace("period = 40", f"period = {40 / factor}"))
    return file


def test_the_path_moves_and_comes_back(tmp_path: Path) -> None:
    scenario = load_scenario("path-change")
    (detour,) = scenario.detours
    traced = trace(sooner("path-change", 10, tmp_path), "-c", "55", "-i", "0.1")
    place = [hop.name for hop in scenario.hops].index(detour.instead_of[0])
    ttl = place + 1
    seen = [reply.address for reply in traced.replies[ttl]]
    usual, other = address(scenario.hops[place], 4), address(detour.hops[0], 4)
    turns = [seen[0], *(now for before, now in pairwise(seen) if now != before)]
    assert turns == [usual, other, usual]
    assert sum(hop.lost for hop in traced.run.hops[:ttl]) == 0
    longer = len(scenario.hops) + len(detour.hops) - len(detour.instead_of)
    assert address(scenario.target, 4) in {reply.address for reply in traced.replies[longer]}


def test_the_queue_grows_and_drains(tmp_path: Path) -> None:
    scenario = load_scenario("queue")
    traced = trace(sooner("queue", 10, tmp_path), "-c", "80", "-i", "0.1")
    place = next(place for place, hop in enumerate(scenario.hops) if hop.queue)
    queue = scenario.hops[place].queue
    assert queue is not None
    rtts = [reply.rtt / MS for reply in traced.replies[place + 1]]
    base = sum(hop.delay for hop in scenario.hops[: place + 1])
    assert min(rtts) < base + 0.15 * queue.peak
    assert max(rtts) > base + 0.85 * queue.peak
    before = [reply.rtt / MS for reply in traced.replies[place]]
    assert statistics.median(before) < statistics.median(rtts) / 2
