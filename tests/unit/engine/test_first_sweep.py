"""A first sweep follows the answers: few probes meet the target, and it ends in bounded time."""

import heapq
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace
from tui_trace.engine.first_sweep import PATIENCE, WINDOW, FirstSweep
from tui_trace.engine.path_end import PathEndDetector

BEGAN = 5 * NS_PER_S


class Path:
    """Routers, then a target, of which each answers after its RTT, or never (None)."""

    def __init__(self, rtts: list[int | None], *, tells_distance: bool, expected: int = 0) -> None:
        self.rtts = rtts
        self.tells_distance = tells_distance
        self.end = PathEndDetector()
        self.sweep = FirstSweep(self.end)
        self.sent: list[tuple[int, int, bool]] = []
        """Time, TTL, and whether it was the scout."""
        self.sweep.begin(BEGAN, Pace(), expected)

    def run(self) -> int:
        """Sweep to the end; return when it was over, in ns after the start."""
        now = BEGAN
        answers: list[tuple[int, int, int, bool]] = []
        order = itertools.count()
        for _ in range(1000):
            while answers and answers[0][0] <= now:
                _, number, ttl, is_scout = heapq.heappop(answers)
                self.answer(ttl, number, is_scout)
            while (probe := self.sweep.pop(now)) is not None:
                self.sent.append((now, probe.ttl, probe.is_scout))
                rtt = self.rtts[min(probe.ttl, len(self.rtts)) - 1]
                if rtt is not None:
                    heapq.heappush(answers, (now + rtt, next(order), probe.ttl, probe.is_scout))
            if self.sweep.is_over:
                return now - BEGAN
            due = self.sweep.next_due(now)
            assert due is not None
            now = max(now + 1, min([due, *(answer[0] for answer in answers[:1])]))
        raise AssertionError("it does not end")

    def answer(self, ttl: int, number: int, is_scout: bool) -> None:
        distance = len(self.rtts)
        if ttl < distance:
            self.end.on_time_exceeded(ttl, number)
        elif not is_scout:
            self.end.on_final_reply(ttl, number, by_target=True)
        elif self.tells_distance:
            self.sweep.expect_target(None, ttl - distance + 1)

    @property
    def at_target(self) -> list[int]:
        return [ttl for _, ttl, _ in self.sent if ttl >= len(self.rtts)]


_hop_ms = st.lists(st.floats(0.01, 3.2), min_size=1, max_size=30)
"""What each hop adds to the RTT: in sum, less than the patience."""


@given(_hop_ms, st.booleans(), st.booleans())
def test_at_most_four_probes_meet_a_target_that_is_near(
    hops: list[float], tells_distance: bool, is_near: bool
) -> None:
    factor = 0.1 if is_near else 1
    rtts = [round(sum(hops[:count]) * factor * NS_PER_MS) for count in range(1, len(hops) + 1)]
    path = Path(rtts, tells_distance=tells_distance)
    over = path.run()
    arrived = [at + rtts[-1] for at, ttl, scout in path.sent if ttl >= len(rtts) and not scout]
    known = min(arrived) - BEGAN
    if known < PATIENCE:
        assert len(path.at_target) <= WINDOW + 1
        assert over <= PATIENCE
    ttls = [ttl for _, ttl, scout in path.sent if not scout]
    assert ttls == list(range(1, len(ttls) + 1))
    assert len(ttls) >= len(rtts)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=30))
def test_a_target_that_tells_its_distance_is_met_by_four_probes_at_most(rtts_ms: list[int]) -> None:
    """At any distance, and at any RTT of each hop below 100 ms: a farther one may be faster."""
    path = Path([rtt * NS_PER_MS for rtt in rtts_ms], tells_distance=True)
    over = path.run()
    assert over <= max(rtts_ms) * NS_PER_MS + 2 * PATIENCE
    assert {ttl for _, ttl, scout in path.sent if not scout} >= set(range(1, len(rtts_ms) + 1))
    assert len(path.at_target) <= WINDOW + 1


@pytest.mark.parametrize("rtt", [0, 1, 20, 34, 50, 60, 99])
@pytest.mark.parametrize("distance", range(1, 31))
def test_so_is_one_whose_routers_are_all_as_far_away(distance: int, rtt: int) -> None:
    path = Path([rtt * NS_PER_MS] * distance, tells_distance=True)
    assert path.run() <= 2 * rtt * NS_PER_MS + NS_PER_MS
    assert len(path.at_target) <= WINDOW + 1


_any_rtt = st.one_of(
    st.none(), st.integers(0, 300).map(NS_PER_MS.__mul__), st.integers(0, 20 * NS_PER_S)
)


@given(st.lists(_any_rtt, min_size=1, max_size=30), st.booleans(), st.integers(0, 30))
def test_it_ends_in_bounded_time_whatever_answers(
    rtts: list[int | None], tells_distance: bool, expected: int
) -> None:
    path = Path(rtts, tells_distance=tells_distance, expected=expected)
    assert path.run() <= 31 * PATIENCE
    ttls = [ttl for _, ttl, scout in path.sent if not scout]
    assert ttls == list(range(1, len(ttls) + 1)), "each TTL once, in their order"
    assert sum(scout for _, _, scout in path.sent) <= 1


def test_without_any_answer_all_ttls_are_probed_soon() -> None:
    path = Path([None] * 30, tells_distance=False)
    assert path.run() <= 3 * PATIENCE
    at_once = [ttl for at, ttl, _ in path.sent if at == BEGAN]
    assert at_once == [1, 2, 3, 30]
    assert len(path.sent) == 31


def test_where_another_run_knows_the_target_it_goes_as_far_at_once() -> None:
    path = Path([NS_PER_MS * ttl for ttl in range(1, 13)], tells_distance=False, expected=12)
    path.run()
    at_once = [(ttl, scout) for at, ttl, scout in path.sent if at == BEGAN]
    assert at_once == [(ttl, False) for ttl in range(1, 13)], "and needs no scout"
    assert len(path.at_target) <= WINDOW + 1


@pytest.mark.parametrize(
    ("reply_ttl", "distance"), [(64, 1), (60, 5), (128, 1), (121, 8), (255, 1), (244, 12), (30, 3)]
)
def test_the_ttl_of_the_targets_reply_tells_how_far_it_is(reply_ttl: int, distance: int) -> None:
    sweep = FirstSweep(PathEndDetector())
    sweep.begin(BEGAN, Pace(), 0)
    while sweep.pop(BEGAN) is not None:
        pass
    sweep.expect_target(reply_ttl, None)
    further = []
    while (probe := sweep.pop(BEGAN + NS_PER_MS)) is not None:
        further.append(probe.ttl)
    assert further == list(range(4, distance + 1))
