"""Events to bytes and back, whatever they are and however they are cut."""

import zlib
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.event_values import structs
from tui_trace.core import events as ev
from tui_trace.recording import RecordingError
from tui_trace.recording.codec import BLOCK_EVENTS, Packer, Unpacker

events = st.one_of(*map(structs, get_args(ev.Event)))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(events, max_size=8), max_size=6))
def test_every_event_comes_back_from_chunks_and_from_the_whole(batches):
    packer, unpacker = Packer(), Unpacker()
    back = []
    for batch in batches:
        for event in batch:
            packer.append(event)
        back += unpacker.events(packer.take_chunk())
    told = [event for batch in batches for event in batch]
    assert back == told
    assert [type(event) for event in back] == [type(event) for event in told]
    assert list(Unpacker().events(packer.full_chunk())) == told


def test_a_number_beyond_64_bits_is_refused_and_leaves_the_block_whole():
    packer = Packer()
    packer.append(ev.Foreign(at=1, count=1))
    for at in (1 << 64, -(1 << 64)):
        with pytest.raises(OverflowError):
            packer.append(ev.SessionEnded(at=at))
    packer.append(ev.SessionEnded(at=2))
    assert list(Unpacker().events(packer.full_chunk())) == [
        ev.Foreign(at=1, count=1),
        ev.SessionEnded(at=2),
    ]


def full_block():
    packer = Packer()
    at = 0
    while not packer.is_full:
        at += 33_000_000
        packer.append(ev.ProbeSent(at=at, run=1, probe=len(packer), ttl=len(packer) % 30 + 1))
    return packer


def test_a_block_is_bounded_by_its_events_and_by_what_they_say():
    assert len(full_block()) == BLOCK_EVENTS
    packer = Packer()
    while not packer.is_full:
        packer.append(ev.Notice(at=0, text=str(len(packer)) + "x" * 100_000))
    assert len(packer) < 100


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bytes_that_were_changed_are_refused_or_are_other_events(data):
    packer = Packer()
    for event in data.draw(st.lists(events, min_size=1, max_size=5)):
        packer.append(event)
    raw = bytearray(zlib.decompress(packer.full_chunk()))
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


def test_what_is_deflated_too_well_to_be_believed_comes_back_all_the_same():
    """Only a test's clock ticks so; whatever the recorder writes can be read."""
    packer = Packer()
    told = [ev.ProbeSent(at=n * 10**9, run=1, probe=n, ttl=5) for n in range(BLOCK_EVENTS)]
    for event in told:
        packer.append(event)
    assert packer.is_full
    for data in (packer.take_chunk(), packer.full_chunk()):
        assert list(Unpacker().events(data)) == told
    with pytest.raises(RecordingError):
        list(Unpacker().events(zlib.compress(zlib.decompress(packer.full_chunk()))))


def test_an_event_that_no_block_has_room_for_is_not_taken_for_one():
    packer = Packer()
    packer.append(ev.Notice(at=0, text="x" * (9 << 20)))
    with pytest.raises(OverflowError):
        packer.take_chunk()


def test_a_block_never_holds_more_than_a_block():
    packer = Packer()
    for n in range(BLOCK_EVENTS):
        packer.append(ev.ProbeSent(at=n * n, run=1, probe=n, ttl=5))
    data = packer.full_chunk()
    unpacker = Unpacker()
    assert len(list(unpacker.events(data))) == BLOCK_EVENTS
    with pytest.raises(RecordingError):
        list(unpacker.events(data))
