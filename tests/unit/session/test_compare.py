"""Runs compared: what is found, what is not, and what is said."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.generated_sessions import Bursts
from tests.helpers.hop_builders import hop_of, run_of
from tui_trace.core.events import HopSummary
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    NS_PER_MS,
    NS_PER_S,
    ProbeSettings,
    Protocol,
)
from tui_trace.session import loss_difference, rtt_difference
from tui_trace.session.compare import Verdict, compare_runs
from tui_trace.session.comparison_text import describe_comparison, describe_difference
from tui_trace.session.loss_difference import (
    E_VALUE,
    at_one_pace,
    bursts_in_turns,
    bursts_of,
    loss_evidence,
    mean_gap,
    visible_loss,
)
from tui_trace.session.rtt_difference import P_VALUE, compare_pairs, compare_rtts, rtt_floor
from tui_trace.session.run_origin import Origin, target_drift
from tui_trace.session.snapshot import LOST, Bucket, Timeline
from tui_trace.session.summarised_hop import hop_of_summary

CHANCE = random.Random(4)


def probe_of(protocol, **fields):
    usual = {"port": DEFAULT_PORT[protocol], "size": DEFAULT_SIZE[protocol]}
    return ProbeSettings(protocol=protocol, **(usual | fields))


ICMP, TCP = probe_of(Protocol.ICMP), probe_of(Protocol.TCP, port=443)


def noisy(ms, count=60, noise=0.05):
    return [int((ms + CHANCE.expovariate(1 / noise)) * NS_PER_MS) for _ in range(count)]


def steady(ttl, ms, count=60, **fields):
    return hop_of(ttl, noisy(ms, count), **fields)


def target(ttl, outcomes):
    return hop_of(ttl, outcomes, target=True, address="203.0.113.80")


def silent(ttl, count=60):
    return hop_of(ttl, [LOST] * count)


def losing(share, count=256, ms=10, length=1):
    drops = Bursts(share, length) if length > 1 else lambda _at, rng: rng.random() < share
    return [LOST if drops(0, CHANCE) else one for one in noisy(ms, count)]


def words(comparison, row=-1, number=1):
    return describe_difference(comparison, comparison.rows[row], number)


def between(one, other, **fields):
    return compare_runs([run_of(1, one, ICMP, **fields), run_of(2, other, TCP, **fields)])


# --- loss


def lost(count, share, length=1.0):
    drops = Bursts(share, length) if length > 1 else lambda _at, rng: rng.random() < share
    return [drops(0, CHANCE) for _ in range(count)]


@pytest.mark.parametrize(
    ("shares", "length", "count"),
    [((0, 0.05), 1, 256), ((0, 0.19), 5, 300), ((0, 1), 1, 12), ((0.2, 0.5), 1, 300)],
)
def test_a_difference_of_loss_is_found(shares, length, count):
    found = 0
    for _ in range(40):
        one, other = (lost(count, share, length) for share in shares)
        found += loss_evidence(bursts_of(one, other)) >= E_VALUE
    assert found >= 32


def test_bursts_count_once():
    """Nineteen losses in one burst are one coin; nineteen alone are nineteen."""
    quiet = [False] * 300
    burst = [*[False] * 100, *[True] * 19, *[False] * 181]
    apart = [place % 15 == 0 and place < 285 for place in range(300)]
    assert loss_evidence(bursts_of(quiet, burst)) < 2
    assert loss_evidence(bursts_of(quiet, apart)) > 1000


def test_equal_runs_are_hardly_ever_told_apart_however_often_one_looks():
    wrong = 0
    for _ in range(60):
        one, other = lost(300, 0.1, 8), lost(600, 0.1, 8)
        seen = (loss_evidence(bursts_of(one, other[:end])) for end in range(20, 600, 20))
        wrong += any(evidence >= E_VALUE for evidence in seen)
    assert wrong <= 5


def test_without_bursts_the_promise_would_be_broken(monkeypatch):
    monkeypatch.setattr(loss_difference, "_space", lambda _losses: -1)
    wrong = sum(
        loss_evidence(bursts_of(lost(300, 0.1, 8), lost(300, 0.1, 8))) >= E_VALUE for _ in range(40)
    )
    assert wrong > 10


def test_in_turns_what_both_lose_says_nothing():
    both = lost(600, 0.3, 10)
    assert loss_evidence(bursts_in_turns(both, both)) == pytest.approx(1)
    other = [one and CHANCE.random() < 0.5 for one in both]
    assert loss_evidence(bursts_in_turns(other, both)) > E_VALUE


@pytest.mark.parametrize("count", [50, 300, 1000])
def test_so_small_a_loss_would_have_been_seen(count):
    least = visible_loss(bursts_of([False] * count, [False] * count))
    assert least is not None
    found = sum(
        loss_evidence(bursts_of([False] * count, lost(count, least))) >= E_VALUE for _ in range(60)
    )
    assert found >= 50


# --- RTT


def test_the_exact_tests_agree_with_scipy():
    # every worker imports every file of tests, and scipy takes a second
    from scipy import stats  # noqa: PLC0415

    for _ in range(30):
        first = [CHANCE.gauss(0, 1) for _ in range(CHANCE.randrange(4, 12))]
        second = [CHANCE.gauss(1, 1) for _ in range(CHANCE.randrange(4, 12))]
        mine = rtt_difference._rank_sum_p(first, second, is_greater=True)
        theirs = stats.mannwhitneyu(first, second, alternative="less", method="exact").pvalue
        assert mine == pytest.approx(2 * theirs)
        mine = rtt_difference._signed_rank_p(second, is_positive=True)
        theirs = stats.wilcoxon(second, alternative="greater", method="exact").pvalue
        assert mine == pytest.approx(2 * theirs)


def test_the_floor_is_half_a_millisecond_or_two_percent_at_most_three():
    told = [rtt_floor(ms * NS_PER_MS) / NS_PER_MS for ms in (1, 50, 100, 400)]
    assert told == [0.5, 1.0, 2.0, 3.0]


def test_below_the_floor_nothing_is_told_however_sure():
    for step, is_told in ((0.4, False), (0.7, True)):
        found = compare_rtts(noisy(10, 1000, 0.01), noisy(10 + step, 1000, 0.01))
        assert is_called(found) == is_told


def test_each_of_many_hops_needs_more_evidence():
    found = {}
    for hops in (1, 20):
        one = [hop_of(n, noisy(1, 60), address=f"10.0.{n}.1") for n in range(1, hops + 1)]
        lossy = hop_of(1, [LOST if n % 7 == 0 else one for n, one in enumerate(noisy(1, 60))])
        other = [replace(lossy, responders=one[0].responders), *one[1:]]
        last = [target(hops + 1, noisy(2, 60))]
        told = between([*one, *last], [*other, *last])
        found[hops] = told.rows[0].differences[0].loss
    assert found == {1: Verdict.DIFFERENT, 20: Verdict.SAME}


def remembering(count, memory, ms=10.0):
    value, found = CHANCE.gauss(0, 1), []
    for _ in range(count):
        value = memory * value + CHANCE.gauss(0, math.sqrt(1 - memory**2))
        found.append(int((ms + math.exp(value)) * NS_PER_MS))
    return found


def is_called(found):
    return found is not None and found.p <= P_VALUE


def test_rtts_that_drift_are_hardly_ever_told_apart():
    pairs = [(remembering(300, 0.9), remembering(300, 0.9)) for _ in range(100)]
    assert sum(is_called(compare_rtts(*both)) for both in pairs) <= 5
    both = [remembering(600, 0.9) for _ in range(100)]
    turns = [list(zip(one[::2], one[1::2], strict=True)) for one in both]
    assert sum(is_called(compare_pairs(pairs)) for pairs in turns) <= 2


def test_taken_for_independent_they_would_be(monkeypatch):
    monkeypatch.setattr(rtt_difference, "_memory", lambda _rtts: 1.0)
    pairs = [(remembering(100, 0.98), remembering(100, 0.98)) for _ in range(60)]
    assert sum(is_called(compare_rtts(*both)) for both in pairs) > 10


def test_spikes_do_not_hide_a_step_and_make_none():
    def spiky(ms):
        return [int((ms + CHANCE.paretovariate(1.2)) * NS_PER_MS) for _ in range(200)]

    assert sum(is_called(compare_rtts(spiky(10), spiky(12))) for _ in range(40)) >= 38
    assert sum(is_called(compare_rtts(spiky(10), spiky(10))) for _ in range(40)) <= 1


def test_turns_cancel_what_drifts_in_both():
    found = alone = 0
    for _ in range(20):
        drift = [20.0]
        for _ in range(199):
            drift.append(drift[-1] + CHANCE.gauss(0, 1))
        one = [int((abs(ms) + CHANCE.gauss(5, 0.2)) * NS_PER_MS) for ms in drift]
        other = [int((abs(ms) + CHANCE.gauss(6.5, 0.2)) * NS_PER_MS) for ms in drift]
        found += is_called(compare_pairs(list(zip(one, other, strict=True))))
        alone += is_called(compare_rtts(one, other))
    assert found >= 18
    assert alone <= 2


# --- the target first


def test_a_target_hops_farther_is_compared_with_the_target():
    one = [steady(1, 1), steady(2, 2), target(3, noisy(18))]
    other = [steady(1, 1), steady(2, 2), *(steady(n, 30 + n) for n in (3, 4)), target(5, noisy(50))]
    told = between(one, other)
    said = describe_comparison(told)
    assert said.startswith("To the target: slower by 32.")
    assert said.endswith("with TCP 443 than with ICMP; with TCP 443 the target is 2 hops farther")
    assert [row.ttl for row in told.rows] == [1, 2, 3, 4, 3], "two are on one path only"
    assert words(told, 2) == words(told, 3) == "not on this path"


def test_loss_at_a_target_at_another_ttl():
    one = [steady(1, 1), target(2, noisy(10, 90))]
    other = [steady(1, 1), steady(2, 3), target(3, losing(0.33, 90))]
    said = describe_comparison(between(one, other))
    assert "% loss with TCP 443, 0.0 % with ICMP; with TCP 443 the target is 1 hop farther" in said


def test_hops_are_aligned_by_their_addresses():
    one = [hop_of(n, noisy(n), address=f"10.0.{n}.1") for n in (1, 2, 3, 4)]
    other = [hop_of(1, noisy(1), address="10.0.1.1"), hop_of(2, noisy(9), address="10.9.9.9")]
    other += [hop_of(n + 1, noisy(n), address=f"10.0.{n}.1") for n in (2, 3, 4)]
    told = between([*one, target(5, noisy(9))], [*other, target(6, noisy(9))])
    sides = [[side.ttl for side in row.sides] for row in told.rows]
    assert sides == [[1, 1], [None, 2], [2, 3], [3, 4], [4, 5], [5, 6]]
    assert not any(difference.real for row in told.rows for difference in row.differences)


def test_a_hop_that_differs_is_told_only_behind_a_target_that_does_not():
    one = [steady(1, 1), steady(2, 2), target(3, noisy(9))]
    other = [steady(1, 1), steady(2, 30), target(3, noisy(9))]
    said = describe_comparison(between(one, other))
    assert said.startswith("No difference at the target between ICMP and TCP 443: more than ")
    assert "; only the answers of hop 2 differ: slower by 28." in said


def test_no_difference_says_how_large_a_one_would_have_been_seen():
    said = describe_comparison(between([target(1, noisy(10, 300))], [target(1, noisy(10, 300))]))
    assert said == (
        "No difference at the target between ICMP and TCP 443:"
        " more than 3.8 % loss or 0.5 ms would have been seen"
    )


def test_which_is_slower_is_never_said_the_wrong_way_round():
    for one, other, says in ((5, 9, "slower by 4."), (9, 5, "faster by 4.")):
        told = between([target(1, noisy(one))], [target(1, noisy(other))])
        assert says in describe_comparison(told)


def test_loss_has_its_figures_in_both_directions():
    clean, lossy = [target(1, noisy(1, 90))], [target(1, losing(0.33, 90))]
    for one, other in ((clean, lossy), (lossy, clean)):
        told = between(one, other)
        share = [f"{100 * side.loss:.1f} % loss" for side in told.target.sides]
        said = describe_comparison(told)
        assert f"{share[1]} with TCP 443" in said
        assert f"{share[0].removesuffix(' loss')} with ICMP" in said


def test_figures_and_tests_are_over_the_same_probes():
    told = between([target(1, losing(0.3, 300))], [target(1, noisy(1, 500))])
    first, second = told.target.sides
    assert (first.decided, second.decided) == (300, 500)
    assert first.lost == first.outcomes.lost.bit_count()
    assert second.mean == pytest.approx(sum(second.outcomes.rtts) / 500)


# --- in turns


def test_turns_are_paired_by_time_though_some_are_lost():
    found = 0
    for _ in range(10):
        drift = [50.0]
        for _ in range(299):
            drift.append(drift[-1] + CHANCE.gauss(0, 1))
        hops = []
        for step in (0.0, 1.8):
            ms = [abs(one) + step + CHANCE.gauss(0.2, 0.2) for one in drift]
            hops.append([LOST if CHANCE.random() < 0.1 else int(x * NS_PER_MS) for x in ms])
        runs = [
            run_of(1, [target(1, hops[0])], ICMP, interval=2, turns_with=(2,)),
            run_of(2, [target(1, hops[1])], TCP, interval=2, start=1, turns_with=(1,)),
        ]
        told = compare_runs(runs)
        found += told.target.differences[0].rtt is Verdict.DIFFERENT
        assert describe_comparison(told).endswith(", measured in turns")
    assert found >= 9


# --- two sessions

DAY = 86_400 * NS_PER_S
YESTERDAY = Origin("2026-11-26 22:10", DAY, "203.0.113.80", "192.0.2.10")
NOW = Origin("", 2 * DAY, "203.0.113.80", "192.0.2.10")


def apart(one, other, origins=(YESTERDAY, NOW), **fields):
    return compare_runs([run_of(2, one, ICMP, **fields), run_of(1, other, ICMP)], origins)


def test_sessions_are_named_and_how_far_apart_they_are():
    told = apart([target(1, noisy(10, 300))], [target(1, losing(0.2, 300))])
    share = told.target.sides[1].loss
    assert describe_comparison(told) == (
        f"To the target: {100 * share:.1f} % loss in run 1 now, 0.0 % in run 2 of 2026-11-26 22:10"
        "; measured 1d 00:00:00 apart"
    )
    assert words(told) == "more loss in run 1 now"
    told = apart([target(1, noisy(10))], [target(1, noisy(14))])
    assert describe_comparison(told).startswith(
        "To the target: slower by 4.0 ms in run 1 now than in run 2 of 2026-11-26 22:10; "
    )
    told = apart([steady(1, 1), target(2, noisy(9))], [silent(1), target(2, noisy(9))])
    assert words(told, 0) == "silent in run 1 now"


def test_other_settings_another_target_and_another_place_are_told():
    runs = [run_of(2, [target(1, noisy(9))], TCP), run_of(1, [target(1, noisy(9))], ICMP)]
    elsewhere = replace(YESTERDAY, address="198.51.100.7", place="edge1")
    told = compare_runs(runs, [elsewhere, NOW])
    assert told.names == ("run 2 of 2026-11-26 22:10 (TCP 443)", "run 1 now (ICMP)")
    assert describe_comparison(told).endswith(
        "; measured 1d 00:00:00 apart; to 203.0.113.80, not to 198.51.100.7"
        "; from 192.0.2.10, not from edge1"
    )
    untold = replace(YESTERDAY, began=0, place="")
    assert "apart" not in describe_comparison(compare_runs(runs, [untold, NOW]))


def test_runs_with_the_numbers_of_turns_are_not_in_turns_in_two_sessions():
    hops = [target(1, noisy(10, 300))], [target(1, noisy(10, 300))]
    runs = [run_of(n, each, ICMP, turns_with=(3 - n,)) for n, each in enumerate(hops, 1)]
    assert compare_runs(runs).alternated
    assert compare_runs(runs, [NOW, NOW]).alternated
    told = compare_runs(runs, [YESTERDAY, NOW])
    assert not told.alternated
    assert "in turns" not in describe_comparison(told)


def test_an_rtt_that_drifts_as_far_within_a_session_is_told_as_drift():
    for drift, is_drift in ((5.0, True), (3.0, False)):
        origins = (replace(YESTERDAY, drift=drift * NS_PER_MS), NOW)
        told = apart([target(1, noisy(10))], [target(1, noisy(14))], origins)
        said = describe_comparison(told)
        assert said.startswith("To the target: slower by 4.0 ms in run 1 now than in run 2 of ")
        assert ("but within one of the sessions it drifts by 5.0 ms" in said) is is_drift
        assert told.target.differences[0].real is not is_drift
        assert words(told).endswith("no more than it drifts") is is_drift


def test_how_far_an_rtt_drifts_within_a_session():
    def timeline(ms):
        buckets = [Bucket(answered=1, total=int(one * NS_PER_MS)) for one in ms]
        return Timeline(NS_PER_S, tuple(buckets), ())

    assert target_drift(timeline([10 + 5 * (n > 100) for n in range(200)])) == 5 * NS_PER_MS
    assert target_drift(timeline([10 + 90 * (n % 50 == 9) for n in range(200)])) == 0, "spikes"
    assert target_drift(timeline([10, 20] * 7)) == 0, "too short"
    assert target_drift(Timeline(NS_PER_S, (Bucket(),) * 99, ())) == 0


def summary(ttl, sent, lost, *, address=None, target=False):
    told = (address or f"192.0.2.{ttl}",) if lost < sent else ()
    return hop_of_summary(
        HopSummary(at=0, run=1, ttl=ttl, sent=sent, lost=lost, addresses=told, reached=target,
                   mean=9e6, best=8_000_000, worst=12_000_000)
    )  # fmt: skip


def test_sums_of_another_program_are_shown_and_not_tested():
    sums = [summary(1, 100, 0), summary(2, 100, 40, address="203.0.113.80", target=True)]
    told = apart(sums, [steady(1, 1), target(2, noisy(30))])
    first = told.target.sides[0]
    assert (first.lost, first.decided, first.mean) == (40, 100, 9e6)
    said = describe_comparison(told)
    assert said.startswith(
        "Nothing is tested: run 2 of 2026-11-26 22:10 has sums only, neither single RTTs nor the"
        " order of losses; "
    )
    assert words(told) == words(told, 0) == "sums only, not tested"
    assert not any(row.differences[0].real for row in told.rows)


def test_a_name_in_place_of_an_address_is_no_other_router():
    for address, moved in (("gw.example", False), ("10.9.9.9", True), ("192.0.2.1", False)):
        sums = [summary(1, 9, 0, address=address), summary(2, 9, 0, target=True)]
        told = apart(sums, [steady(1, 1), target(2, noisy(30))])
        assert told.rows[0].differences[0].moved is moved
        assert len(told.rows) == 2


def outages(count, every):
    """A tenth of the time is lost, three seconds on average, probed every so many seconds."""
    outcomes, left, is_bad = [], 0.0, False
    for _ in range(count):
        while left <= 0:
            is_bad = not is_bad
            left += CHANCE.expovariate(1 / (3 if is_bad else 27))
        outcomes.append(LOST if is_bad else 10 * NS_PER_MS)
        left -= every
    return outcomes


def test_the_same_outages_are_no_more_of_them_where_probes_are_faster():
    called = 0
    for _ in range(20):
        slow = run_of(2, [target(1, outages(600, 2))], ICMP, interval=2)
        fast = run_of(1, [target(1, outages(1000, 0.2))], ICMP, interval=0.2)
        told = compare_runs([slow, fast], [YESTERDAY, NOW])
        called += told.target.differences[0].loss is Verdict.DIFFERENT
    assert called <= 2


def test_outcomes_are_thinned_to_the_slower_pace():
    assert at_one_pace(([True] * 6, [False, True] * 30), (1e9, 1e8)) == ([True] * 6, [True] * 6)
    assert mean_gap([*range(0, 200, 10), 9000]) == pytest.approx((19 * 10 + 40) / 20), "a pause"
    assert mean_gap([7]) == 0


# --- how runs end


def test_the_protocol_that_a_firewall_drops():
    icmp = run_of(1, [steady(1, 1), steady(2, 2), silent(3), silent(4)], ICMP, reached=False)
    tcp = run_of(2, [steady(1, 1), steady(2, 2), silent(3), target(4, noisy(4))], TCP)
    for runs in ([icmp, tcp], [tcp, icmp]):
        told = compare_runs(runs)
        assert describe_comparison(told) == "TCP 443 reaches the target, ICMP stops at hop 2"
    assert compare_runs([icmp, tcp]).names == ("ICMP", "TCP 443")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_path_is_not_said_to_stop_before_its_probes_are_lost(count):
    hops = [steady(1, 1), replace(silent(2, count), sent=count + 1)]
    icmp = run_of(1, hops, ICMP, reached=False)
    tcp = run_of(2, [steady(1, 1), target(2, noisy(4))], TCP)
    for runs in ([icmp, tcp], [tcp, icmp], [icmp, run_of(2, hops, TCP, reached=False)]):
        assert describe_comparison(compare_runs(runs)).startswith("Not enough data yet to compare ")


def test_two_that_do_not_reach_the_target():
    far = run_of(1, [steady(1, 1), steady(2, 2), silent(3)], ICMP, reached=False)
    same = replace(far, number=2, settings=TCP)
    near = run_of(2, [steady(1, 1), silent(2)], TCP, reached=False)
    refused = run_of(2, [steady(1, 1, marks=("!A",))], TCP, reached=False)
    said = [describe_comparison(compare_runs([far, other])) for other in (same, near, refused)]
    assert said == [
        "Neither reaches the target: each stops at hop 2",
        "Neither reaches the target: ICMP stops at hop 2; TCP 443 stops at hop 1",
        "Neither reaches the target: ICMP stops at hop 2; TCP 443: !A at hop 1",
    ]


def test_a_packet_that_is_too_large():
    off = probe_of(Protocol.ICMP, size=1500)
    on = probe_of(Protocol.ICMP, size=1500, df=True)
    runs = [
        run_of(1, [steady(1, 1), target(2, noisy(2))], off),
        run_of(2, [steady(1, 1, marks=("!F", "MTU 1400"))], on, reached=False),
    ]
    assert describe_comparison(compare_runs(runs)) == (
        "DF on with 1500 bytes: !F at hop 1, MTU 1400; DF off reaches the target"
    )


def test_too_few_answers():
    said = describe_comparison(between([target(1, noisy(1, 3))], [target(1, noisy(2, 3))]))
    assert said == "Not enough data yet to compare ICMP and TCP 443"


# --- names


def test_the_same_settings_again_have_their_numbers():
    runs = [run_of(n, [target(1, noisy(1))]) for n in (1, 2)]
    assert compare_runs(runs).names == ("ICMP (run 1)", "ICMP (run 2)")


def test_other_fields_have_the_names_that_they_have_in_json():
    probes = [ProbeSettings(payload_byte=value, no_tcp_options=value > 0) for value in (0, 7)]
    runs = [run_of(number, (), probe) for number, probe in enumerate(probes, 1)]
    assert compare_runs(runs).names == ("fill 0 with bare False", "fill 7 with bare True")


def test_three_runs_against_the_first():
    runs = [
        run_of(n, [steady(1, 1), target(2, noisy(ms))], probe_of(Protocol.TCP, port=port))
        for n, ms, port in ((1, 5, 80), (2, 5, 443), (3, 9, 8080))
    ]
    told = compare_runs(runs)
    assert told.names == ("TCP 80", "TCP 443", "TCP 8080")
    assert [d.real for d in told.target.differences] == [False, True]
    said = describe_comparison(told).split("; ")
    assert said[1].startswith("To the target: slower by 4.0 ms with TCP 8080 than with TCP 80")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_runs_can_be_compared(data):
    outcomes = st.lists(st.sampled_from([LOST, None, 0, 1, 5, 10**9, 2**62]), max_size=40)
    runs = []
    for number in range(1, data.draw(st.integers(2, 3)) + 1):
        hops = [
            hop_of(ttl, [o for o in data.draw(outcomes) if o is not None], target=ttl == 5)
            for ttl in data.draw(st.lists(st.integers(1, 5), unique=True).map(sorted))
        ]
        probe = data.draw(st.sampled_from([ICMP, TCP]))
        turns = data.draw(st.integers(0, 2))
        reached = data.draw(st.booleans())
        runs.append(run_of(number, hops, probe, reached=reached, turns_with=(turns,)))
    origins = data.draw(st.lists(st.sampled_from([YESTERDAY, NOW]), min_size=3, max_size=3))
    origins = origins[: len(runs)] if data.draw(st.booleans()) else ()
    if data.draw(st.booleans()):
        runs[0] = replace(runs[0], outcomes=None)
    told = compare_runs(runs, origins)
    assert describe_comparison(told)
    for row in told.rows:
        for number in range(1, len(runs)):
            describe_difference(told, row, number)
