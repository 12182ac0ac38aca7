"""Which SYN a late reply answers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.settings import NS_PER_MS
from tui_trace.wire.network import Answers
from tui_trace.wire.unprivileged.syn_repeats import FastestReplies, quoted_timestamp


def judged(
    known: dict[int, list[int]], ttl: int, elapsed: int, *, is_likely: bool = False
) -> Answers:
    """`known`: RTTs by TTL, and `elapsed`, in ms."""
    fastest = FastestReplies()
    for number, rtts in known.items():
        for rtt in rtts:
            fastest.note("path", number, rtt * NS_PER_MS)
    return fastest.judge("path", ttl, elapsed * NS_PER_MS, is_likely=is_likely)


@pytest.mark.parametrize(
    ("known", "elapsed", "answers"),
    [
        ({5: [1200]}, 1210, Answers.PROBE),
        ({5: [1200]}, 2190, Answers.REPEAT),
        ({5: [1200]}, 3210, Answers.REPEAT),
        ({5: [200]}, 1201, Answers.REPEAT),
        ({5: [200]}, 1100, Answers.PROBE),
        ({5: [1]}, 1001, Answers.REPEAT),
        ({}, 1200, Answers.UNKNOWN),
        ({4: [1200, 1300]}, 1210, Answers.PROBE),
        ({4: [1200]}, 1210, Answers.UNKNOWN),
        ({3: [1, 1], 4: [1200, 1300]}, 2210, Answers.UNKNOWN),
        ({4: [1200, 200]}, 1210, Answers.UNKNOWN),
        ({6: [1200, 1200]}, 1210, Answers.UNKNOWN),
        ({4: [1200, 1200], 5: [200]}, 1210, Answers.REPEAT),
    ],
)
def test_by_the_time_of_other_replies(
    known: dict[int, list[int]], elapsed: int, answers: Answers
) -> None:
    assert judged(known, 5, elapsed) is answers


def test_a_timestamp_asks_less_of_nearer_hops() -> None:
    assert judged({4: [1200]}, 5, 1210, is_likely=True) is Answers.PROBE
    assert judged({4: [100]}, 5, 1210, is_likely=True) is Answers.UNKNOWN


def test_other_settings_say_nothing() -> None:
    fastest = FastestReplies()
    fastest.note("one", 5, 1200 * NS_PER_MS)
    late = 1210 * NS_PER_MS
    assert fastest.judge("other", 5, late, is_likely=False) is Answers.UNKNOWN


def test_a_path_that_became_slower_is_not_called_lost_for_ever() -> None:
    """A path of 200 ms that takes 1.3 s from now on: not a repeat each time."""
    fastest = FastestReplies()
    fastest.note("path", 5, 200 * NS_PER_MS)
    said = [fastest.judge("path", 5, 1300 * NS_PER_MS, is_likely=False) for _ in range(10)]
    assert said[0] is Answers.REPEAT
    assert said[-1] is Answers.UNKNOWN
    assert Answers.PROBE not in said


STAMP = struct.pack("!BBII", 8, 10, 0xDEADBEEF, 0)


def header(options: bytes, doff: int | None = None) -> bytes:
    length = 20 + len(options) if doff is None else doff
    return bytes(12) + bytes([length // 4 << 4]) + bytes(7) + options


@pytest.mark.parametrize(
    ("quoted", "stamp"),
    [
        (header(b"\x02\x04\x05\xb4\x04\x02" + STAMP), 0xDEADBEEF),
        (header(b"\x01\x01" + STAMP), 0xDEADBEEF),
        (header(STAMP[:6] + b"", doff=60), 0xDEADBEEF),
        (header(STAMP[:5], doff=60), None),
        (header(b"\x00" + STAMP + b"\x00"), None),
        (header(b"\x02\x00" + STAMP), 0xDEADBEEF),
        (header(STAMP + b"\x01\x01", doff=20), None),
        (header(b"\x02\x04\x05\xb4"), None),
        (bytes(8), None),
        (b"", None),
    ],
)
def test_the_timestamp_of_a_quoted_syn(quoted: bytes, stamp: int | None) -> None:
    assert quoted_timestamp(quoted) == stamp


@given(st.binary(max_size=80))
def test_any_bytes_are_a_quote(quoted: bytes) -> None:
    found = quoted_timestamp(quoted)
    assert found is None or 0 <= found < 1 << 32
