"""A fold written down and taken up again is the same fold, whatever the events say."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.event_builders import began, opened, reply
from tests.helpers.event_values import structs
from tests.helpers.route_scripts import TARGET, Walk, chain
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.fold import Session

_decoder = msgspec.msgpack.Decoder(SessionCheckpoint)


def taken_up(session):
    return Session.from_checkpoint(_decoder.decode(msgspec.msgpack.encode(session.checkpoint())))


def fitted(event, number):
    """The same event where the fold takes notice of it."""
    fields = {
        "at": number * NS_PER_S // 10,
        "run": number % 4 + 1,
        "flow": number % 3,
        "ttl": number % 3 + 1,
        "probe": number // 2,
        "rtt": number * 1_000_003,
        "address": f"192.0.2.{number % 5}",
    }
    known = {name: value for name, value in fields.items() if name in event.__struct_fields__}
    return msgspec.structs.replace(event, **known)


KINDS = [kind for kind in ev.Event.__args__ if kind is not ev.SessionBegan]
any_events = st.lists(st.sampled_from([*KINDS, *[ev.Reply] * 8, ev.ProbeSent]).flatmap(structs))


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(any_events, st.integers(0, 100))
def test_it_goes_on_as_if_nothing_had_been(told, cut):
    events = [began(), opened(1), opened(2), opened(3, beside=True)]
    events += [ev.WaysSought(at=0, run=3, confidence=0.95, budget=99), opened(4, beside=True)]
    events += [ev.FlowOpened(at=0, run=4, flow=flow, source_port=9) for flow in (0, 2)]
    events += [fitted(event, number) for number, event in enumerate(told)]
    # far out, so that every row is shown
    events += [ev.PathEnd(at=10**12, run=run, ttl=30, reached=True) for run in (1, 2)]
    cut %= len(events) + 1
    session = Session()
    for event in events[:cut]:
        session.apply(event)
    other = taken_up(session)
    assert other.snapshot() == session.snapshot()
    for event in events[cut:]:
        session.apply(event)
        other.apply(event)
    assert other.snapshot() == session.snapshot()
    assert [other.run(n) for n in (1, 2)] == [session.run(n) for n in (1, 2)]


def test_paths_go_on_wherever_it_is_taken_up():
    walk = Walk(seed=5, loss=0.1)
    walk.open(1)
    branches = ["198.18.7.1", "198.18.7.2"]
    for route in (chain(8), [*chain(4)[:3], branches, TARGET], chain(8), chain(10, "198.18.1")):
        walk.rounds(25, route)
    whole = walk.session.snapshot()
    assert walk.letters == "ABC"
    for cut in range(0, len(walk.events), 61):
        session = Session()
        for event in walk.events[:cut]:
            session.apply(event)
        session = taken_up(session)
        for event in walk.events[cut:]:
            session.apply(event)
        assert session.snapshot() == whole


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 4)), max_size=60),
    st.integers(0, 60),
)
def test_ways_go_on_wherever_they_are_taken_up(met, cut):
    """Flows that meet several routers at one TTL, nobody, and the target at any TTL."""
    events = [began(), opened(1), opened(2, beside=True)]
    events.append(ev.WaysSought(at=0, run=2, confidence=0.95, budget=99))
    for probe, (flow, ttl, who) in enumerate(met):
        events.append(ev.ProbeSent(at=0, run=2, probe=probe, ttl=ttl, flow=flow))
        if who == 0:
            events.append(ev.ProbeLost(at=1, run=2, probe=probe, ttl=ttl))
            continue
        kind = ev.ReplyKind.UNREACHABLE if who == 1 else ev.ReplyKind.TIME_EXCEEDED
        answer = reply(probe, ttl, run=2, address=f"192.0.2.{who}", kind=kind)
        events.append(msgspec.structs.replace(answer, flow=flow, reached=who == 1))
    cut %= len(events) + 1
    session = Session()
    for event in events[:cut]:
        session.apply(event)
    other = taken_up(session)
    assert other.snapshot().ways == session.snapshot().ways
    for event in events[cut:]:
        session.apply(event)
        other.apply(event)
    assert other.snapshot().ways == session.snapshot().ways
