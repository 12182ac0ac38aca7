"""Runs compared: the promise on chance, what is found, and what is said."""

import math
import random
from functools import cache

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.helpers.hop_builders import hop_of
from tui_trace.core.settings import DEFAULT_PORT, DEFAULT_SIZE, NS_PER_MS, ProbeSettings, Protocol
from tui_trace.session import significance
from tui_trace.session.compare import Verdict, compare_runs
from tui_trace.session.loss import wilson
from tui_trace.session.significance import FAMILYWISE_ALPHA, Samples, adjusted_p_values, holm
from tui_trace.session.snapshot import LOST, Run

HOPS = 30


def run_of(number, hops, probe=None, *, reached=True):
    return Run(number, probe or ProbeSettings(), 0, 1, reached, tuple(hops))


def probe_of(protocol, **fields):
    usual = {"port": DEFAULT_PORT[protocol], "size": DEFAULT_SIZE[protocol]}
    return ProbeSettings(protocol=protocol, **(usual | fields))


# --- networks by chance


def noise(rng, count, memory, hops=HOPS):
    """First-order autoregression, deviation 1, a row a hop; `memory` is its lag-1 correlation."""
    steps = rng.standard_normal((hops, count + 200))
    values = np.zeros_like(steps)
    for place in range(1, count + 200):
        values[:, place] = memory * values[:, place - 1] + steps[:, place] * math.sqrt(
            1 - memory**2
        )
    return values[:, 200:]


def rtts_of(rng, kind, count, hops=HOPS):
    """RTTs in ns of all hops of one run, and which probes were lost."""
    match kind:
        case "independent":
            delays = np.exp(noise(rng, count, 0.0, hops))
        case "remembering":
            delays = np.exp(noise(rng, count, rng.choice([0.3, 0.5, 0.7, 0.9]), hops))
        case "along the path":
            delays = np.cumsum(np.exp(0.5 * noise(rng, count, 0.8, hops)), axis=0)
        case "spikes":
            delays = 1 + rng.pareto(1.2, (hops, count))
        case "equal":
            delays = np.ones((hops, count))
    lost = np.zeros((hops, count), dtype=bool)
    for hop in range(0, hops, 3):
        lost[hop] = bursts(rng, count)
    return (delays * NS_PER_MS).astype(int), lost


def bursts(rng, count, share=0.1, length=4):
    """Gilbert's model: losses come `length` at a time."""
    lost, bad = np.zeros(count, dtype=bool), False
    for place in range(count):
        bad = rng.random() < (1 - 1 / length if bad else share / length / (1 - share))
        lost[place] = bad
    return lost


def samples(one, other):
    (rtts, lost), (other_rtts, other_lost) = one, other
    return [
        Samples(
            (rtts[hop][~lost[hop]], other_rtts[hop][~other_lost[hop]]),
            (lost[hop], other_lost[hop]),
        )
        for hop in range(len(rtts))
    ]


def called(told):
    return [hop for hop, c in enumerate(told) for p in c if p is not None and p < FAMILYWISE_ALPHA]


KINDS = ["independent", "remembering", "along the path", "spikes", "equal"]


@cache
def wrongly_called():
    """Of a thousand pairs of 30-hop runs that differ by chance alone: how many, by kind."""
    rng = np.random.default_rng(20261122)
    pairs = dict.fromkeys(KINDS, 0)
    wrong = dict(pairs)
    told = 0
    for number in range(1000):
        kind = KINDS[number % len(KINDS)]
        count = int(rng.choice([20, 60, 256]))
        both = samples(rtts_of(rng, kind, count), rtts_of(rng, kind, count))
        result = adjusted_p_values(both)
        pairs[kind] += 1
        wrong[kind] += bool(called(result))
        told += sum(c.rtt is not None for c in result)
    return pairs, wrong, told


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_of_a_thousand_pairs_without_a_difference_at_most_the_promised_share_is_called():
    pairs, wrong, told = wrongly_called()
    assert sum(pairs.values()) == 1000
    # most are told, else the promise would be kept by silence
    assert told > 15_000
    assert sum(wrong.values()) <= FAMILYWISE_ALPHA * 1000, wrong
    for kind, count in wrong.items():
        # two deviations of chance above it for each kind alone
        assert count <= 200 * FAMILYWISE_ALPHA + 2 * math.sqrt(200 * FAMILYWISE_ALPHA), (
            kind,
            count,
        )


def test_a_test_that_took_samples_for_independent_would_break_the_promise(monkeypatch):
    monkeypatch.setattr(significance, "autocorrelation_time", lambda _series: 1.0)
    rng = np.random.default_rng(1)
    wrong = sum(
        bool(
            called(
                adjusted_p_values(
                    samples(rtts_of(rng, "remembering", 256), rtts_of(rng, "remembering", 256))
                )
            )
        )
        for _ in range(20)
    )
    assert wrong > 10


@pytest.mark.parametrize(
    ("memory", "count", "step"), [(0.0, 60, 1.2), (0.0, 256, 0.5), (0.5, 256, 1.0), (0.8, 256, 2.0)]
)
def test_a_real_difference_at_one_hop_of_thirty_is_found(memory, count, step):
    """`step` is in deviations of the noise."""
    rng = np.random.default_rng(7)
    found = others = 0
    for _ in range(40):
        one, other = noise(rng, count, memory), noise(rng, count, memory)
        other[11] += step
        none = np.zeros_like(one, dtype=bool)
        told = called(adjusted_p_values(samples((one, none), (other, none))))
        found += 11 in told
        others += bool(set(told) - {11})
    assert found >= 36
    assert others <= 40 * FAMILYWISE_ALPHA + 2


def test_spikes_do_not_hide_a_shift():
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(40):
        one, other = 1 + rng.pareto(1.2, (2, HOPS, 256))
        other[4] += 0.5
        none = np.zeros_like(one, dtype=bool)
        found += 4 in called(adjusted_p_values(samples((one, none), (other, none))))
    assert found >= 38


@pytest.mark.parametrize(("count", "shares"), [(60, (0.0, 0.5)), (256, (0.02, 0.2))])
def test_a_real_difference_of_loss_is_found(count, shares):
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(40):
        rtts = np.ones((HOPS, count))
        lost = [rng.random((HOPS, count)) < 0.02 for _ in shares]
        for one, share in zip(lost, shares, strict=True):
            one[7] = rng.random(count) < share
        found += 7 in called(adjusted_p_values(samples((rtts, lost[0]), (rtts, lost[1]))))
    assert found >= 38


def test_turns_cancel_what_drifts_in_both():
    rng = np.random.default_rng(9)
    none = np.zeros((HOPS, 200), dtype=bool)
    alone = in_turns = wrong = 0
    for _ in range(40):
        drift = 5 * noise(rng, 200, 0.99)
        one, other = (drift + 0.3 * rng.standard_normal((HOPS, 200)) for _ in range(2))
        wrong += bool(called(adjusted_p_values(samples((one, none), (other, none)), paired=True)))
        other[3] += 0.3
        both = samples((one, none), (other, none))
        alone += 3 in called(adjusted_p_values(both))
        in_turns += 3 in called(adjusted_p_values(both, paired=True))
    assert in_turns >= 36
    assert alone <= 2
    assert wrong <= 40 * FAMILYWISE_ALPHA + 2


@given(st.lists(st.none() | st.floats(0, 1), max_size=40))
def test_holm_is_what_its_definition_says(raw):
    adjusted = holm(raw)
    known = sorted(p for p in raw if p is not None)
    for p, told in zip(raw, adjusted, strict=True):
        if p is None:
            assert told is None
            continue
        steps = [(len(known) - rank) * q for rank, q in enumerate(known) if q <= p]
        # of equal ones the last in order decides for none before it
        first = [(len(known) - rank) * q for rank, q in enumerate(known) if q < p]
        least = max([*first, (len(known) - len(first)) * p])
        assert told == pytest.approx(min(1.0, least)) or told <= min(1.0, max(steps))
        assert told >= p


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case):
    lost, decided = case
    mine, theirs = wilson(lost, decided), binomtest(lost, decided).proportion_ci(method="wilson")
    assert (mine.low, mine.high) == pytest.approx((100 * theirs.low, 100 * theirs.high), abs=1e-6)
    assert mine.low <= mine.percent <= mine.high


# --- what is said

CHANCE = random.Random(4)


def steady(ttl, ms, count=60, **fields):
    return hop_of(
        ttl, [int((ms + CHANCE.gauss(0, 0.05)) * NS_PER_MS) for _ in range(count)], **fields
    )


def silent(ttl, count=60):
    return hop_of(ttl, [LOST] * count)


ICMP, TCP = probe_of(Protocol.ICMP), probe_of(Protocol.TCP, port=443)


def test_the_protocol_that_a_firewall_drops():
    icmp = run_of(1, [steady(1, 1), steady(2, 2), silent(3), silent(4)], ICMP, reached=False)
    tcp = run_of(2, [steady(1, 1), steady(2, 2), silent(3), steady(4, 4, target=True)], TCP)
    told = compare_runs([icmp, tcp])
    assert told.sentence == "TCP 443 reaches the target, ICMP stops at hop 2"
    assert told.names == ("ICMP", "TCP 443")
    words = [row.differences[0].words for row in told.rows]
    assert words[3] == "answers only TCP 443"
    assert words[2] == "no difference"
    assert [row.differences[0].real for row in told.rows] == [False, False, False, True]
    back = compare_runs([tcp, icmp])
    assert back.sentence == "TCP 443 reaches the target, ICMP stops at hop 2"
    assert back.rows[3].differences[0].words == "silent to ICMP"
    assert told.rows[3].sides[0].loss.percent == 100
    assert told.rows[3].sides[0].loss.high == 100
    assert 90 < told.rows[3].sides[0].loss.low < 95


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_path_is_not_said_to_stop_before_its_probes_are_lost(lost):
    icmp = run_of(1, [steady(1, 1), hop_of(2, [LOST] * lost + [-2])], ICMP, reached=False)
    icmp = msgspec.structs.replace(
        icmp, hops=(icmp.hops[0], msgspec.structs.replace(silent(2, lost), sent=lost + 1))
    )
    tcp = run_of(2, [steady(1, 1), steady(2, 4, target=True)], TCP)
    for runs in ([icmp, tcp], [tcp, icmp]):
        assert compare_runs(runs).sentence.startswith("Not enough data yet to compare ")
    also = run_of(2, icmp.hops, TCP, reached=False)
    assert compare_runs([icmp, also]).sentence == "Not enough data yet to compare ICMP and TCP 443"


def test_two_that_do_not_reach_the_target():
    far = run_of(1, [steady(1, 1), steady(2, 2), silent(3)], ICMP, reached=False)
    same = run_of(2, far.hops, TCP, reached=False)
    near = run_of(2, [steady(1, 1), silent(2)], TCP, reached=False)
    refused = run_of(2, [steady(1, 1, marks=("!A",))], TCP, reached=False)
    assert compare_runs([far, same]).sentence == "Neither reaches the target: each stops at hop 2"
    assert compare_runs([far, near]).sentence == (
        "Neither reaches the target: ICMP stops at hop 2; TCP 443 stops at hop 1"
    )
    assert compare_runs([far, refused]).sentence == (
        "Neither reaches the target: ICMP stops at hop 2; TCP 443: !A at hop 1"
    )
    ended = run_of(1, [steady(1, 1)], ICMP, reached=False)
    assert "stop" not in compare_runs([ended, run_of(2, ended.hops, TCP, reached=False)]).sentence


def test_a_packet_that_is_too_large():
    off = probe_of(Protocol.ICMP, size=1500)
    on = probe_of(Protocol.ICMP, size=1500, df=True)
    runs = [
        run_of(1, [steady(1, 1), steady(2, 2, target=True)], off),
        run_of(2, [steady(1, 1, marks=("!F", "MTU 1400"))], on, reached=False),
    ]
    assert compare_runs(runs).sentence == (
        "DF on with 1500 bytes: !F at hop 1, MTU 1400; DF off reaches the target"
    )


def test_another_path():
    one = [steady(1, 1), steady(2, 2), steady(3, 3, target=True)]
    other = [steady(1, 1), steady(2, 2, address="198.51.100.1"), steady(3, 3, target=True)]
    told = compare_runs([run_of(1, one), run_of(2, other, probe_of(Protocol.ICMP, tos=184))])
    assert told.rows[1].differences[0].moved
    assert told.rows[1].differences[0].words.startswith("another router")
    assert told.sentence == "TOS 184 (EF) takes another path than TOS 0 from hop 2 on"


def test_slower_with_one_of_them():
    runs = [
        run_of(1, [steady(1, 1), steady(2, 5, target=True)], ICMP),
        run_of(2, [steady(1, 1), steady(2, 6.2, target=True)], TCP),
    ]
    told = compare_runs(runs)
    assert told.sentence == "To the target: slower by 1.2 ms with TCP 443 than with ICMP"
    assert told.rows[1].differences[0].rtt is Verdict.DIFFERENT
    assert told.rows[0].differences[0].words in {"no difference", "not significant"}


def test_more_loss_with_one_of_them():
    lossy = [LOST if n % 3 == 0 else NS_PER_MS for n in range(90)]
    runs = [
        run_of(1, [hop_of(1, [NS_PER_MS] * 90, target=True)], ICMP),
        run_of(2, [hop_of(1, lossy, target=True)], TCP),
    ]
    assert compare_runs(runs).sentence == "To the target: more loss with TCP 443 than with ICMP"
    assert (
        compare_runs(runs[::-1]).sentence == "To the target: less loss with ICMP than with TCP 443"
    )


def test_what_chance_can_make_is_said_to_be_chance():
    runs = [
        run_of(n, [steady(1, 1 + n / 1000, 30, target=True)], p) for n, p in ((1, ICMP), (2, TCP))
    ]
    told = compare_runs(runs)
    assert told.sentence == "No significant difference between ICMP and TCP 443"


def test_too_few_answers():
    runs = [run_of(n, [steady(1, n, 3, target=True)], p) for n, p in ((1, ICMP), (2, TCP))]
    told = compare_runs(runs)
    assert told.rows[0].differences[0].words == "not enough data"
    assert told.sentence == "Not enough data yet to compare ICMP and TCP 443"


def test_the_same_settings_again_have_their_numbers():
    runs = [run_of(n, [steady(1, 1, target=True)]) for n in (1, 2)]
    assert compare_runs(runs).names == ("ICMP (run 1)", "ICMP (run 2)")


def test_other_fields_have_the_names_that_they_have_in_json():
    probes = [ProbeSettings(payload_byte=value, no_tcp_options=value > 0) for value in (0, 7)]
    runs = [run_of(number, (), probe) for number, probe in enumerate(probes, 1)]
    assert compare_runs(runs).names == ("fill 0 with bare False", "fill 7 with bare True")


def test_three_runs_against_the_first():
    runs = [
        run_of(n, [steady(1, 1), steady(2, ms, target=True)], probe_of(Protocol.TCP, port=port))
        for n, ms, port in ((1, 5, 80), (2, 5, 443), (3, 9, 8080))
    ]
    told = compare_runs(runs)
    assert told.names == ("TCP 80", "TCP 443", "TCP 8080")
    assert [d.real for d in told.rows[1].differences] == [False, True]
    assert told.sentence == "To the target: slower by 4.0 ms with TCP 8080 than with TCP 80"


def test_turns_are_paired_though_some_are_lost():
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(20):
        drift = np.cumsum(rng.standard_normal(200))
        hops = []
        for step in (0.0, 0.2):
            ms = 50 + drift + step + 0.2 * rng.standard_normal(200)
            lost = rng.random(200) < 0.1
            outcomes = [LOST if no else int(x * NS_PER_MS) for x, no in zip(ms, lost, strict=True)]
            hops.append(hop_of(1, outcomes, target=True))
        runs = [run_of(1, hops[:1], ICMP), run_of(2, hops[1:], TCP)]
        assert not compare_runs(runs).rows[0].differences[0].real
        in_turns = [msgspec.structs.replace(run, turns_with=(3 - run.number,)) for run in runs]
        told = compare_runs(in_turns)
        found += told.rows[0].differences[0].rtt is Verdict.DIFFERENT
        assert told.sentence.endswith(", measured in turns")
    assert found >= 18


def test_runs_of_unequal_length_and_runs_without_answers():
    runs = [
        run_of(1, [steady(n, n) for n in (1, 2, 3)], ICMP, reached=False),
        run_of(2, [silent(1)], TCP, reached=False),
        run_of(3, [], probe_of(Protocol.UDP), reached=False),
    ]
    told = compare_runs(runs)
    assert [row.ttl for row in told.rows] == [1, 2, 3]
    assert told.rows[2].sides[1].hop is None
    assert all(row.differences[1].words for row in told.rows)


def test_without_scipy_everything_but_the_test_is_there(monkeypatch):
    def missing(*_args, **_kwargs):
        raise ImportError

    monkeypatch.setattr(significance, "adjusted_p_values", missing)
    told = compare_runs(
        [run_of(1, [steady(1, 1, target=True)]), run_of(2, [steady(1, 5, target=True)], TCP)]
    )
    assert told.rows[0].differences[0].rtt is Verdict.UNTESTED
    assert told.sentence == "Not tested: scipy cannot be loaded"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_two_runs_can_be_compared(data):
    outcomes = st.lists(st.sampled_from([LOST, -2, 0, 1, 5, 10**9, 2**62]), max_size=40)
    runs = []
    for number in (1, 2):
        hops = [
            hop_of(ttl, [o for o in data.draw(outcomes) if o != -2])
            for ttl in data.draw(st.lists(st.integers(1, 5), unique=True).map(sorted))
        ]
        runs.append(
            run_of(
                number,
                hops,
                data.draw(st.sampled_from([ICMP, TCP])),
                reached=data.draw(st.booleans()),
            )
        )
    if data.draw(st.booleans()):
        runs = [msgspec.structs.replace(runs[0], turns_with=(runs[1].number,)), *runs[1:]]
    told = compare_runs(runs)
    assert told.sentence
    assert len(told.rows) == len({hop.ttl for run in runs for hop in run.hops})
