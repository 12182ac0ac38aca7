"""What is counted of a trace for monitoring: the same as in the table, and it only rises."""

from collections import Counter

import pytest

from tests.helpers.event_builders import began, lost, opened, reply, sent
from tests.helpers.generated_sessions import Node, World, bernoulli, between, deal, routers
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.metrics.trace_counters import (
    MOST_ADDRESSES,
    OTHER,
    RTT_BOUNDS,
    HopCounters,
    TraceCounters,
)
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session

TIME_EXCEEDED, UNREACHABLE = ev.ReplyKind.TIME_EXCEEDED, ev.ReplyKind.UNREACHABLE


def counted(events) -> TraceCounters:
    counters = TraceCounters()
    for event in events:
        counters.event(event)
    return counters


def hop_of(*events: ev.Event) -> HopCounters:
    return counted([began(), opened(), *events]).read().hops[1]


def table_of(counters: TraceCounters) -> dict[int, tuple[int, int, int]]:
    """Probes, losses and answers by TTL, as the table has them."""
    return {
        ttl: (hop.probes, hop.lost - hop.late, sum(hop.addresses.values()))
        for ttl, hop in counters.read().hops.items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_they_agree_with_the_table(seed: int) -> None:
    nodes = routers(4)
    nodes[1] = Node("10.0.2.1", drops_answers=bernoulli(0.3))
    nodes[-1] = Node("203.0.113.80", drops=bernoulli(0.1))
    events = list(deal(World.of(nodes), 60, seed))
    session = Session()
    for event in events:
        session.apply(event)
    hops = session.snapshot().run.hops
    assert table_of(counted(events)) == {
        hop.ttl: (hop.lost + hop.figures.count, hop.lost, hop.figures.count) for hop in hops
    }
    assert sum(hop.lost for hop in hops) > 10


def test_a_late_answer_takes_its_loss_back_and_both_counters_rise() -> None:
    hop = hop_of(sent(1, 1), lost(1, 1), reply(1, 1, 6 * NS_PER_S, late=True))
    assert (hop.probes, hop.lost, hop.late) == (1, 1, 1)
    assert hop.buckets == [0] * len(RTT_BOUNDS) + [1]
    assert hop.rtt_sum == 6 * NS_PER_S


def test_a_refusal_is_a_loss_and_the_targets_own_answer_takes_it_back() -> None:
    refused = reply(1, 1, kind=UNREACHABLE, icmp_type=3, code=13)
    answered = reply(1, 1, reached=True, kind=ev.ReplyKind.ECHO, duplicate=True)
    assert hop_of(sent(1, 1), refused) == HopCounters(probes=1, lost=1)
    hop = hop_of(sent(1, 1), refused, answered, answered)
    assert (hop.probes, hop.lost, hop.late, hop.addresses) == (1, 1, 1, {"203.0.113.1": 1})


@pytest.mark.parametrize(
    "uncounted",
    [
        reply(1, 1, duplicate=True),
        reply(2, 1, repeat=True),
        reply(2, 1, past_target=True),
        reply(9, 1, run=2),
        lost(9, 1, run=2),
    ],
)
def test_what_answers_no_probe_of_a_round_counts_nowhere(uncounted: ev.Event) -> None:
    before = (opened(2, beside=True), sent(1, 1), reply(1, 1))
    assert hop_of(*before, uncounted) == hop_of(*before)
    assert hop_of(*before).probes == 1


def test_each_rtt_is_in_the_bucket_of_its_bound() -> None:
    rtts = [0, 500_000, 500_001, 5 * NS_PER_S]
    hop = hop_of(*(reply(number, 1, rtt) for number, rtt in enumerate(rtts)))
    assert hop.buckets == [2, 1, *[0] * 9, 1]


def test_stamps_that_the_kernel_did_not_take_are_told() -> None:
    user = reply(1, 1, received_stamp=ev.Stamp.USER)
    scheduler = reply(2, 1, sent_stamp=ev.Stamp.SCHEDULER)
    assert hop_of(user, scheduler, reply(3, 1)).user_stamped == 1


def test_addresses_are_bounded_and_no_answer_is_lost_by_that() -> None:
    many = [
        reply(number, number % 2 + 1, address=f"10.0.{number // 250}.{number % 250}")
        for number in range(1000)
    ]
    hops = counted([began(), opened(), *many]).read().hops
    named = Counter(address for hop in hops.values() for address in hop.addresses)
    assert named[OTHER] == 2
    assert len(named) == MOST_ADDRESSES + 1
    assert sum(sum(hop.addresses.values()) for hop in hops.values()) == 1000


def test_a_run_that_is_begun_anew_sets_nothing_back() -> None:
    events = [reply(number, 1) for number in range(5)]
    counters = counted([began(), opened(), *events, opened(2), sent(9, 1), reply(9, 1, run=2)])
    assert counters.read().hops[1].probes == 6


def test_an_episode_is_counted_once_when_it_begins() -> None:
    nodes = routers(3)
    nodes[-1] = Node("203.0.113.80", drops=between(20, 40, lambda _at, _rng: True))
    counters = TraceCounters()
    told = []
    for event in deal(World.of(nodes), 80, 1):
        counters.event(event)
        told.append(counters.read().episodes.get(FindingKind.DOWN, 0))
    assert told == sorted(told)
    assert set(told) == {0, 1}
    (down,) = [
        one for one in counters.read().snapshot.episodes if one.finding.kind is FindingKind.DOWN
    ]
    assert down.until is not None
    assert down.until - down.finding.since >= 19_000 * NS_PER_MS
