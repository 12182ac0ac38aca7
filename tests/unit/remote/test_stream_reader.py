"""The stream of another machine: cut anywhere, of another age, or forged."""

import json
import random

import pytest

from tests.helpers.event_builders import EVENTS
from tui_trace.core import events as ev
from tui_trace.core.events import encode
from tui_trace.core.settings import ProbeSettings
from tui_trace.remote.stream_reader import (
    LONGEST_LINE,
    MAX_NOISE,
    MAX_RUNS,
    StreamError,
    StreamReader,
)

FIRST = ev.SessionBegan(
    at=0, wall=1, target="t", address="192.0.2.1", family=4, source="192.0.2.2", version="1"
)
BEGAN = encode(FIRST) + b"\n"


def begun() -> StreamReader:
    reader = StreamReader("edge1")
    assert reader.feed(BEGAN) == [FIRST]
    return reader


def test_the_stream_is_the_same_however_it_is_cut() -> None:
    stream = [event for event in EVENTS if not isinstance(event, ev.SessionBegan)]
    stream.sort(key=lambda event: event.at)
    data = b"Welcome!\n" + BEGAN + b"".join(encode(event) + b"\n" for event in stream)
    rng = random.Random(1)
    for _ in range(20):
        cuts = sorted(rng.randrange(len(data)) for _ in range(30))
        reader = StreamReader("edge1")
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert [event for piece in pieces for event in reader.feed(piece)] == [FIRST, *stream]
        assert reader.unread == 0


def test_kinds_that_are_not_known_are_passed_over_and_broken_lines_are_counted() -> None:
    reader = begun()
    assert reader.feed(b'{"event":"episode-began","at":5}\n{"event":"of-tomorrow","at":{}}\n') == []
    assert reader.unread == 0
    broken = (
        b"text",
        b"[]",
        b"\xff\xfe",
        b'{"event":"foreign","at":1,"count":"many"}',
        b'{"event":"probe-sent","at":1,"run":1,"probe":1,"ttl":256}',
        encode(ev.Foreign(at=1 << 62, count=1)),
        encode(ev.Foreign(at=-1, count=1)),
        BEGAN.strip(),
        b"x" * (LONGEST_LINE + 1),
        b"[" * 100_000,
    )
    for line in broken:
        assert reader.feed(line + b"\n") == [], line[:50]
    assert reader.unread == len(broken)
    assert reader.feed(encode(ev.Foreign(at=7, count=2)) + b"\n") == [ev.Foreign(at=7, count=2)]


def test_runs_are_bounded() -> None:
    reader = begun()
    runs = (ev.RunOpened(at=1, run=run, settings=ProbeSettings()) for run in range(MAX_RUNS + 1))
    *some, last = (encode(run) + b"\n" for run in runs)
    assert len(reader.feed(b"".join(some))) == MAX_RUNS
    assert len(reader.feed(some[0])) == 1, "the same run again"
    with pytest.raises(StreamError, match=rf"^edge1 opened more than {MAX_RUNS} runs$"):
        reader.feed(last)


def test_time_never_goes_back() -> None:
    reader = begun()
    reader.feed(encode(ev.Foreign(at=9, count=1)) + b"\n")
    assert reader.feed(encode(ev.Foreign(at=3, count=1)) + b"\n") == [ev.Foreign(at=9, count=1)]


@pytest.mark.parametrize(("schema", "age"), [(1, "an older"), (None, "an older"), (4, "a newer")])
def test_another_schema_is_named(schema: int | None, age: str) -> None:
    first = json.loads(BEGAN)
    first.pop("schema")
    if schema is not None:
        first["schema"] = schema
    with pytest.raises(StreamError, match=f"^edge1 runs {age} version of tui-trace"):
        StreamReader("edge1").feed(json.dumps(first).encode() + b"\n")


def test_events_before_the_first_one_and_endless_text_are_no_session() -> None:
    reader = StreamReader("edge1")
    assert reader.feed(encode(ev.Foreign(at=1, count=1)) + b"\n") == []
    assert reader.feed(b"y\n" * 5_000) == []
    with pytest.raises(StreamError, match=r"^edge1 sent no events, but other text$"):
        reader.feed(b"y\n" * (MAX_NOISE // 2))
    with pytest.raises(StreamError, match="cannot be read"):
        StreamReader("edge1").feed(b'{"event":"session-began","schema":3}\n')
