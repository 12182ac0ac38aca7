"""Events to bytes and back, whatever they are and however they are cut."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_trace import events as ev
from tui_trace.recording import RecordingError
from tui_trace.recording.codec import BLOCK_EVENTS, Packer, Unpacker
from tui_trace.settings import Flow, Pace, ProbeSettings, Protocol, TcpFlags

FAR = (1 << 62) - 1
"""Distances between two of these still fit 64 bits."""
moments = st.integers(-FAR, FAR)
small = st.integers(0, 300)
texts = st.text(max_size=20)
runs = st.integers(1, 3)

any_settings = st.builds(
    ProbeSettings,
    protocol=st.sampled_from(Protocol),
    port=small,
    source_port=st.none() | small,
    tos=small,
    df=st.booleans(),
    size=small,
    tcp_flags=st.sampled_from(TcpFlags),
    flow=st.sampled_from(Flow),
    source=st.none() | texts,
    interface=st.none() | texts,
)
stamps = st.sampled_from(ev.Stamp)
maybe = st.none() | small
replies = st.builds(
    ev.Reply,
    at=moments,
    run=runs,
    probe=moments,
    ttl=small,
    address=texts,
    kind=st.sampled_from(ev.ReplyKind),
    rtt=st.integers(-(1 << 63), (1 << 63) - 1),
    sent_stamp=stamps,
    received_stamp=stamps,
    **{
        name: st.booleans()
        for name in ("reached", "late", "duplicate", "beyond", "clock_stepped", "ecn")
    },
    **dict.fromkeys(("icmp_type", "code", "reply_ttl", "mtu", "quoted_tos", "quoted_ttl"), maybe),
)
events = st.one_of(
    replies,
    st.builds(ev.ProbeSent, at=moments, run=runs, probe=moments, ttl=small),
    st.builds(ev.ProbeLost, at=moments, run=runs, probe=moments, ttl=small),
    st.builds(ev.ProbeVoid, at=moments, run=runs, probe=moments, ttl=small, reason=texts),
    st.builds(ev.RoundBegan, at=moments, run=runs, round=moments),
    st.builds(
        ev.SessionBegan,
        at=moments,
        wall=moments,
        target=texts,
        address=texts,
        family=st.sampled_from([4, 6]),
        source=texts,
        version=texts,
        lab=texts,
    ),
    st.builds(ev.PaceSet, at=moments, pace=st.builds(Pace, interval=small, rounds=maybe)),
    st.builds(ev.RunOpened, at=moments, run=runs, settings=any_settings, again=st.booleans()),
    st.builds(ev.SendFailed, at=moments, run=runs, ttl=small, errno=small, reason=texts),
    st.builds(ev.PathEnd, at=moments, run=runs, ttl=small, reached=st.booleans()),
    st.builds(ev.Foreign, at=moments, count=small),
    st.builds(ev.SourceChanged, at=moments, source=texts),
    st.builds(ev.Notice, at=moments, text=texts),
    st.builds(
        ev.Named,
        at=moments,
        address=texts,
        names=st.lists(texts, max_size=3).map(tuple),
        confirmed=st.none() | st.booleans(),
    ),
    st.builds(ev.Origin, at=moments, address=texts, asns=st.lists(small, max_size=3).map(tuple)),
    st.builds(ev.Owned, at=moments, address=texts, owner=texts),
    st.builds(ev.Registered, at=moments, address=texts, organisation=texts, error=texts),
    st.builds(ev.SessionEnded, at=moments),
)


def test_the_strategy_knows_every_event():
    kinds = {strategy.wrapped_strategy.target for strategy in events.original_strategies}
    assert kinds == set(ev.Event.__args__)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(events, max_size=8), max_size=6))
def test_every_event_comes_back_from_chunks_and_from_the_whole(batches):
    packer, unpacker = Packer(), Unpacker()
    back = []
    for batch in batches:
        for event in batch:
            packer.add(event)
        back += unpacker.events(packer.take())
    told = [event for batch in batches for event in batch]
    assert back == told
    assert [type(event) for event in back] == [type(event) for event in told]
    assert list(Unpacker().events(packer.whole())) == told


def test_a_number_beyond_64_bits_is_refused_and_leaves_the_block_whole():
    packer = Packer()
    packer.add(ev.Foreign(at=1, count=1))
    for at in (1 << 64, -(1 << 64)):
        with pytest.raises(OverflowError):
            packer.add(ev.SessionEnded(at=at))
    packer.add(ev.SessionEnded(at=2))
    assert list(Unpacker().events(packer.whole())) == [
        ev.Foreign(at=1, count=1),
        ev.SessionEnded(at=2),
    ]


def full_block():
    packer = Packer()
    at = 0
    while not packer.is_full:
        at += 33_000_000
        packer.add(ev.ProbeSent(at=at, run=1, probe=len(packer), ttl=len(packer) % 30 + 1))
    return packer


def test_a_block_is_bounded_by_its_events_and_by_what_they_say():
    assert len(full_block()) == BLOCK_EVENTS
    packer = Packer()
    while not packer.is_full:
        packer.add(ev.Notice(at=0, text=str(len(packer)) + "x" * 100_000))
    assert len(packer) < 100


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_that_were_changed_are_refused_or_are_other_events(data):
    packer = Packer()
    for event in data.draw(st.lists(events, min_size=1, max_size=5)):
        packer.add(event)
    raw = bytearray(zlib.decompress(packer.whole()))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        back = list(Unpacker().events(zlib.compress(bytes(raw))))
    except RecordingError:
        return
    assert all(isinstance(event, ev.Event) for event in back)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_events(noise):
    with pytest.raises(RecordingError):
        list(Unpacker().events(noise))


def test_a_bomb_is_not_unfolded():
    with pytest.raises(RecordingError):
        list(Unpacker().events(zlib.compress(bytes(200 << 20))))
