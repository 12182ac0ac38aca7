"""Statistics against Python's own on the same samples."""

import math
import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.session.stats import RttStats

rtts = st.one_of(st.integers(0, 300), st.integers(0, 10**10), st.integers(0, (1 << 63) - 1))
samples = st.lists(rtts, min_size=1, max_size=300)


def figures_of(values):
    stats = RttStats()
    for value in values:
        stats.add(value)
    return stats.snapshot()


def nearest_rank(values, percent):
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@given(samples)
def test_plain_figures_are_exact(values):
    figures = figures_of(values)
    assert figures.count == len(values)
    assert figures.last == values[-1]
    assert (figures.min, figures.max) == (min(values), max(values))
    assert figures.mean == pytest.approx(statistics.mean(values), rel=1e-12)


@given(st.lists(rtts, min_size=2, max_size=300))
def test_deviation_and_jitter_are_those_of_the_statistics_module(values):
    figures = figures_of(values)
    assert figures.sd == pytest.approx(statistics.stdev(values), rel=1e-9)
    steps = [abs(b - a) for a, b in pairwise(values)]
    assert figures.jitter == pytest.approx(statistics.mean(steps), rel=1e-12)


@given(st.lists(rtts, min_size=2, max_size=300))
def test_geometric_mean_and_the_other_jitters(values):
    figures = figures_of(values)
    logs = statistics.fmean(math.log(max(value, 1)) for value in values)
    assert math.log(figures.gmean) == pytest.approx(logs, rel=1e-9, abs=1e-9)
    steps = [abs(b - a) for a, b in pairwise(values)]
    assert (figures.last_jitter, figures.max_jitter) == (steps[-1], max(steps))
    smooth = 0.0
    for step in steps:
        smooth += (step - smooth) / 16
    assert figures.smooth_jitter == pytest.approx(smooth, rel=1e-9, abs=1e-9)


@given(samples)
def test_percentiles_are_within_one_percent(values):
    figures = figures_of(values)
    for percent, found in ((50, figures.p50), (90, figures.p90), (99, figures.p99)):
        exact = nearest_rank(values, percent)
        assert abs(found - exact) <= exact / 100


def test_too_few_samples_give_none():
    empty = RttStats().snapshot()
    assert empty.count == 0
    assert {empty.last, empty.min, empty.max, empty.mean, empty.sd, empty.jitter} == {None}
    assert {empty.p50, empty.p90, empty.p99} == {None}
    one = figures_of([7])
    assert (one.last, one.min, one.max, one.mean, one.p50, one.p99) == (7, 7, 7, 7.0, 7, 7)
    assert one.sd is None
    assert one.jitter is None


@pytest.mark.parametrize(("value", "kept"), [(-5, 0), (1 << 70, (1 << 63) - 1)])
def test_what_no_clock_can_measure_is_bounded(value, kept):
    figures = figures_of([value, 10])
    assert kept in (figures.min, figures.max)
    assert math.isfinite(figures.sd)
    assert figures.p50 >= 0


@pytest.mark.slow
def test_millions_of_samples_do_not_drift():
    # small steps on a large base: the case in which naive sums of squares lose all their digits
    rng = random.Random(4)
    pattern = [8_000_000_000 + rng.randrange(2_000) for _ in range(1_000)]
    repeats = 3_000
    stats = RttStats()
    add = stats.add
    for _ in range(repeats):
        for value in pattern:
            add(value)
    count = repeats * len(pattern)
    total = repeats * sum(pattern)
    squares = repeats * sum(value * value for value in pattern)
    variance = (count * squares - total * total) / (count * (count - 1))
    figures = stats.snapshot()
    assert figures.count == count
    assert figures.mean == pytest.approx(total / count, rel=1e-15)
    assert figures.sd == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_memory_is_flat_after_any_number_of_samples():
    stats = RttStats()
    for exponent in range(63):
        for step in range(200):
            stats.add((1 << exponent) + step * ((1 << exponent) // 200))
    cells = sum(map(len, stats.checkpoint().histogram.values()))
    assert cells <= 64 * 64


def test_figures_are_the_same_object_until_a_sample_comes():
    stats = RttStats()
    stats.add(5)
    first = stats.snapshot()
    assert stats.snapshot() is first
    stats.add(6)
    assert stats.snapshot() is not first
    assert stats.snapshot().count == 2
