"""What the events say, and the bytes that they are."""

import random
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from tests.helpers.recordings.recording_parts import (
    ESCAPE,
    EXTREMES,
    FAR,
    ROWS,
    Forge,
    Row,
    bomb,
    chunk,
    one,
    packed,
    reply,
    session_row,
    stream_rows,
    write,
)
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.recording import codec
from tui_trace.session.fold import Session

HALF = FAR // 2
"""Distances between two of these fit 64 bits."""


def written(path: Path, make: Callable[[], bytes]) -> None:
    """Behind two blocks of ours, a third of these bytes."""
    write(path, one(make()))


def blocks() -> Iterator[tuple[str, Forge]]:
    line = ev.encode(ev.ProbeSent(at=0, run=1, probe=0, ttl=1))
    deep = b"[" * 100_000
    many = codec.BLOCK_EVENTS
    raw: dict[str, Callable[[], bytes]] = {
        "a bomb of 640 MiB": lambda: bomb(640),
        "a bomb of 60 MiB": lambda: bomb(60),
        "half a block": lambda: ROWS[1][3][:-20],
        "something behind a block": lambda: ROWS[1][3] + bytes(1 << 20),
        "nothing": lambda: b"",
        "msgpack within msgpack": lambda: zlib.compress(b"\x91" * 4_000_000),
        "a list of four billion": lambda: zlib.compress(b"\x95\xdd\xff\xff\xff\xff"),
        "templates without end": lambda: zlib.compress(
            b"\x95\xdd\x00\x40\x00\x00" + b"\xc4\x00" * (1 << 22)
        ),
        "JSON within JSON": lambda: chunk([deep], [0]),
        "JSON within an event": lambda: chunk([b'{"event":"notice","at":0,"x":' + deep], [0]),
        "a number of 5,000 digits": lambda: chunk(
            [line.replace(b'"ttl":1', b'"ttl":' + b"9" * 5000)], [0]
        ),
        "a number of 400 digits": lambda: chunk(
            [line.replace(b'"run":1', b'"run":' + b"9" * 400)], [0]
        ),
        "one event too many": lambda: chunk([line], [0] * (many + 1)),
        "a million events": lambda: chunk([line], [0] * 1_000_000),
        "a template that is not there": lambda: chunk([line], [1]),
        "a template before the first": lambda: chunk([line], [-1]),
        "columns of other lengths": lambda: chunk([line], [0, 0], [0], [0], [0]),
        "times that run over": lambda: chunk([line], [0] * 8, [FAR] * 8, [FAR] * 8, [0] * 8),
        "times that run under": lambda: chunk([line], [0] * 8, [-FAR] * 8, [-FAR] * 8, [0] * 8),
        "8,192 megabytes of text": lambda: chunk(
            [ev.encode(ev.Notice(0, "A" * (1 << 20)))], [0] * many, level=0
        ),
        "text that is none": lambda: chunk([b'{"event":"notice","at":0,"text":"\xff"}'], [0]),
        "half a surrogate": lambda: chunk([b'{"event":"notice","at":0,"text":"\\ud800"}'], [0]),
        "a kind that is none": lambda: chunk([b'{"event":"nothing","at":0}'], [0]),
    }
    for name, make in raw.items():
        yield name, partial(written, make=make)
    opened = {"at": 0, "settings": ProbeSettings()}
    streams: dict[str, list[ev.Event]] = {
        "8,000 runs": [ev.RunOpened(run=n, **opened) for n in range(8000)],
        "8,000 runs with a probe each": [
            event
            for n in range(4000)
            for event in (ev.RunOpened(run=n, **opened), ev.ProbeSent(0, n, n, n % 256))
        ],
        "an MTU at each TTL of many runs": [
            *(ev.RunOpened(run=n, **opened) for n in range(4000)),
            *(ev.MtuFound(0, n % 256, n, ev.MtuSource.REPORTED, "192.0.2.1") for n in range(4000)),
        ],
        "8,000 addresses": [ev.HostNamed(0, f"2001:db8::{n:x}", ("a",) * 9) for n in range(8000)],
        "8,000 notices": [ev.Notice(n, f"{n} {ESCAPE}") for n in range(8000)],
        "8,000 notes": [ev.Note(0, ESCAPE, (-FAR, FAR, n)[n % 3]) for n in range(8000)],
        "8,000 troubles": [ev.SendFailed(0, 1, 1, n, f"{n} {ESCAPE}") for n in range(8000)],
        "a path that is another each time": [
            reply(
                probe=n,
                at=n,
                ttl=n % 255 + 1,
                address=f"192.0.{n % 199}.{n % 7}",
                kind=ev.ReplyKind.TIME_EXCEEDED,
            )
            for n in range(4000)
        ],
        "an answer of each time": [
            reply(at=at, rtt=rtt, probe=n, reached=True, late=bool(n % 2))
            for n, (at, rtt) in enumerate((a, r) for a in (0, HALF, -HALF) for r in (0, FAR, -FAR))
        ],
        "losses of each time": [
            event
            for n, at in enumerate((0, HALF, -HALF, NS_PER_S << 20))
            for event in (
                ev.PathEnd(at, 1, n, True),
                ev.ProbeSent(at, 1, n, n),
                ev.ProbeLost(at, 1, n, n),
            )
        ],
        "rounds without end": [ev.RoundBegan(at, 1, at) for at in (0, HALF, -HALF, HALF)],
        "sessions within a session": [
            ev.SessionBegan(at, FAR, ESCAPE, ESCAPE, 5, ESCAPE, ESCAPE) for at in (0, HALF)
        ],
        "a family that is none, and marks of it": [
            ev.SessionBegan(0, 0, "t", "x", -1, "", "0"),
            reply(kind=ev.ReplyKind.UNREACHABLE, code=FAR, icmp_type=-1, quoted_tos=FAR),
        ],
        "no pace": [
            ev.PaceSet(0, msgspec.convert({"interval": 0, "queries": 0, "max_unknown": 0}, ev.Pace))
        ],
        "rows in disorder": [ev.PaceSet(0, ev.Pace(first_ttl=255, max_ttl=0))],
        "foreign without end": [ev.Foreign(0, FAR)] * 3,
        "labels without end": [
            reply(quoted_ttl=1, labels=tuple(ev.MplsLabel(FAR, -1, True, 255) for _ in range(3000)))
        ],
        "hostile words everywhere": [
            reply(
                quoted_ttl=1,
                address=ESCAPE,
                changed=tuple(ev.Change(field, ESCAPE, FAR) for field in ev.RewrittenField),
                interfaces=(ev.Interface(ESCAPE, FAR, ESCAPE, ESCAPE, -1),),
            )
        ],
    }
    for name, stream in streams.items():
        yield name, partial(written, make=partial(packed, stream))
    for field in ("ttl", "run", "probe", "rtt", "at"):
        for value in EXTREMES:
            text = ev.encode(reply()).replace(
                f'"{field}":1'.encode(), f'"{field}":{value}'.encode()
            )
            yield (
                f"a reply with a {field} of {str(value)[:24]}",
                partial(written, make=partial(chunk, [text], [0])),
            )
    yield "probes in flight without end", in_flight
    yield (
        "probes in flight of which no fold knows",
        partial(in_flight, hidden=True),
    )
    yield "two paths in turns", flapping
    yield "65,000 addresses", addresses
    yield "500 long notices", notices


def in_flight(path: Path, hidden: bool = False) -> None:
    """Blocks of nothing but probes that nothing becomes of, just about as small as they can be."""
    rng = random.Random(2)
    lines = [ev.encode(ev.ProbeSent(at=0, run=1, probe=0, ttl=ttl)) for ttl in range(256)]
    many = codec.BLOCK_EVENTS
    which = [rng.randrange(256) if n < 2600 else 0 for n in range(many)]
    first = packed([ev.RunOpened(at=0, run=1, settings=ProbeSettings())])
    rows: list[Row] = [(0, 0, None, first)]
    fold = codec.pack_checkpoint(Session().checkpoint()) if hidden else None
    for number in range(1, 160 if hidden else 25):
        start = chunk(lines, which, [0] * many, [number * many, *[1] * (many - 1)], [0] * many)
        rows.append((number, number, fold, start))
    write(path, rows)


def notices(path: Path) -> None:
    """Each of 400 kB in a block of its own, and deflated as well as is believed."""
    rows: list[Row] = []
    noise = random.Random(3).randbytes(6000).hex()
    for number in range(500):
        text = f"{number} {noise}{'A' * 400_000}"
        rows.append((number, number, None, packed([ev.Notice(0, text)])))
    write(path, rows)


def addresses(path: Path) -> None:
    """Names of them, and nothing else."""
    many = codec.BLOCK_EVENTS
    streams = (
        [
            ev.HostNamed(0, f"2001:db8::{n:x}", (f"{n}",))
            for n in range(number * many, (number + 1) * many)
        ]
        for number in range(8)
    )
    write(path, [(n, n, None, packed(stream)) for n, stream in enumerate(streams)])


def flapping(path: Path) -> None:
    """Two blocks' worth of answers from two sets of routers, in turns."""
    events: list[ev.Event] = [ev.RunOpened(at=0, run=1, settings=ProbeSettings())]
    for turn in range(20):
        events += [
            reply(
                at=turn * 255 + ttl,
                probe=turn * 255 + ttl,
                ttl=ttl,
                address=f"192.0.{turn}.{ttl}",
                kind=ev.ReplyKind.TIME_EXCEEDED,
            )
            for ttl in range(1, 256)
        ]
    write(path, stream_rows(events, codec.BLOCK_EVENTS), session_row(last=events[-1].at))
