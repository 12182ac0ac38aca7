"""The figures of the last minute are those of its probes, and of no others."""

import statistics
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.helpers.event_builders import began, lost, opened, reply, sent, void
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace
from tui_trace.session.checkpoint import MAX_LATEST_PROBES, SessionCheckpoint
from tui_trace.session.fold import Session
from tui_trace.session.last_minute import LastMinute, describe_window
from tui_trace.session.snapshot import RECENT, Hop, Snapshot

MINUTE = 60 * NS_PER_S
WAIT = 5 * NS_PER_S
USER = ev.Stamp.USER


class Sent(NamedTuple):
    """A probe, and what becomes of it."""

    at: int
    rtt: int | None
    """None: it is lost; longer than `WAIT`: it is late."""
    fate: str = ""
    """`refused`, `given up`, `void`, `user`, `duplicate` or `repeat`."""


FATES = ("", "", "", "refused", "given up", "void", "user", "duplicate", "repeat")


@st.composite
def probes(draw: st.DrawFn) -> list[Sent]:
    at, found = 0, []
    for _ in range(draw(st.integers(0, 60))):
        at += draw(st.sampled_from((0, 1, NS_PER_S, 7 * NS_PER_S)) | st.integers(0, 4 * NS_PER_S))
        rtt = draw(st.none() | st.integers(0, 9 * NS_PER_S))
        found.append(Sent(at, rtt, draw(st.sampled_from(FATES))))
    return found


def outcome(probe: int, one: Sent) -> Iterator[ev.Event]:
    """What is heard of a probe, in time."""
    if one.fate == "refused":
        kind = {"kind": ev.ReplyKind.UNREACHABLE, "code": 1, "icmp_type": 3}
        yield reply(probe, 1, 9, at=one.at + 9, **kind)
    if one.fate == "void":
        yield void(probe, 1, at=one.at + 9)
    elif one.fate == "given up":
        yield replace(lost(probe, 1, at=one.at + 9), reason="no route")
    elif one.fate != "refused" and (one.rtt is None or one.rtt > WAIT):
        yield lost(probe, 1, at=one.at + WAIT)
    if one.rtt is None or one.fate in ("refused", "given up", "void"):
        return
    stamp = {"sent_stamp": USER} if one.fate == "user" else {}
    is_late, at = one.rtt > WAIT, one.at + one.rtt
    yield reply(probe, 1, one.rtt, at=at, late=is_late, **stamp)
    if one.fate in ("duplicate", "repeat"):
        yield reply(probe, 1, one.rtt, at=at, **{one.fate: True})


def events_of(numbered: Iterable[tuple[int, Sent]], until: int) -> list[ev.Event]:
    """All events up to a moment, in their order."""
    told: list[ev.Event] = []
    for probe, one in numbered:
        told += [sent(probe, 1, at=one.at), *outcome(probe, one)]
    told.sort(key=lambda event: event.at)
    before = [began(), ev.PaceSet(at=0, pace=Pace()), opened()]
    # far out, so that the row is shown
    return [*before, ev.PathEnd(at=0, run=1, ttl=9, reached=False)] + [
        event for event in told if event.at <= until
    ]


def folded(events: Iterable[ev.Event]) -> Session:
    session = Session()
    for event in events:
        session.apply(event)
    return session


def figures(hop: Hop) -> dict[str, object]:
    """What is counted or computed of a row."""
    names = (
        *("sent", "lost", "pending", "late", "duplicates", "repeats", "user_stamped"),
        *("refused", "given_up", "figures", "loss_percent", "unexplained"),
    )
    return {name: getattr(hop, name) for name in names}


def of_minute(snapshot: Snapshot) -> Hop:
    (hop,) = LastMinute().of(snapshot).run.hops
    return hop


@pytest.mark.slow
@given(probes(), st.integers(0, 100 * NS_PER_S))
def test_they_are_those_of_a_fold_of_only_its_probes(told: list[Sent], more: int) -> None:
    now = max((one.at for one in told), default=0) + more
    snapshot = folded(events_of(enumerate(told), now)).snapshot(now)
    mine = [(n, one) for n, one in enumerate(told) if one.at >= now - MINUTE]
    if not snapshot.run.hops:
        return
    alone = folded(events_of(mine, now)).snapshot(now).run.hops
    # without an event there is no row: then nothing is to be counted
    wanted = figures(alone[0]) if alone else None
    found = figures(of_minute(snapshot))
    if wanted is None:
        assert not any(found[name] for name in ("sent", "lost", "pending", "late", "loss_percent"))
        return
    assert found == wanted


@given(st.lists(st.tuples(st.integers(1, 5 * NS_PER_S), st.integers(0, NS_PER_S)), min_size=2))
def test_they_agree_with_the_statistics_module(told: list[tuple[int, int]]) -> None:
    at, one_by_one = 0, []
    for gap, rtt in told:
        # each after the answer to the one before
        one_by_one.append(Sent(at + gap, rtt))
        at += gap + rtt
    now = at + NS_PER_S
    snapshot = folded(events_of(enumerate(one_by_one), now)).snapshot(now)
    found = of_minute(snapshot).figures
    rtts = [one.rtt for one in one_by_one if one.at >= now - MINUTE]
    assert found.count == len(rtts)
    assert (found.last, found.min, found.max) == (rtts[-1], min(rtts), max(rtts))
    assert found.mean == pytest.approx(statistics.mean(rtts))
    if len(rtts) > 1:
        assert found.sd == pytest.approx(statistics.stdev(rtts))
        steps = [abs(second - first) for first, second in pairwise(rtts)]
        assert found.jitter == pytest.approx(statistics.mean(steps))
    assert found.p50 == pytest.approx(statistics.median_low(rtts), rel=0.01, abs=1)


def steady(count: int, gap: int, rtt: int = NS_PER_MS) -> list[Sent]:
    return [Sent(n * gap, rtt) for n in range(count)]


def test_what_is_older_than_a_minute_is_left_out() -> None:
    told = [*(Sent(n * NS_PER_S, None) for n in range(10)), *steady(100, NS_PER_S)[10:]]
    now = 99 * NS_PER_S + NS_PER_MS
    session = folded(events_of(enumerate(told), now))
    whole = session.snapshot(now)
    assert whole.run.hops[0].lost == 10
    assert whole.window is None
    latest = LastMinute().of(whole)
    assert latest.window == MINUTE
    assert describe_window(latest.window) == "last 60 s"
    assert (latest.run.hops[0].sent, latest.run.hops[0].lost) == (60, 0)
    assert latest.run.hops[0].recent == whole.run.hops[0].recent
    # nothing more happens, and time goes on
    assert of_minute(session.snapshot(now + 30 * NS_PER_S)).sent == 30
    empty = of_minute(session.snapshot(now + 2 * MINUTE))
    assert (empty.sent, empty.figures.mean, empty.loss_percent) == (0, None, None)
    assert empty.responders, "who is there is known all the same"


def test_a_hop_of_which_nothing_is_new_is_the_same_object() -> None:
    now = 99 * NS_PER_S + NS_PER_S // 2
    session = folded(events_of(enumerate(steady(100, NS_PER_S)), now))
    latest = LastMinute()
    first = latest.of(session.snapshot(now)).run.hops[0]
    assert latest.of(session.snapshot(now + NS_PER_MS)).run.hops[0] is first
    assert latest.of(session.snapshot(now + 2 * NS_PER_S)).run.hops[0] is not first
    session.apply(sent(500, 1, at=now + 2 * NS_PER_S))
    assert latest.of(session.snapshot(now + 2 * NS_PER_S)).run.hops[0].pending == 1


def test_of_too_many_probes_so_much_is_told_as_is_known() -> None:
    fast = steady(5_000, NS_PER_S // 50)
    now = 100 * NS_PER_S
    session = folded(events_of(enumerate(fast), now))
    latest = LastMinute().of(session.snapshot(now))
    assert len(latest.run.hops[0].recent) == MAX_LATEST_PROBES
    assert latest.run.hops[0].sent == MAX_LATEST_PROBES
    assert describe_window(latest.window or 0) == "last 20 s"
    for number in range(400):
        session.apply(sent(10_000 + number, 1, at=now + number * NS_PER_S))
    assert len(session.snapshot().run.hops[0].recent) == RECENT, "it needs no more room than that"


@given(probes(), st.integers(0, 60))
def test_a_fold_from_disk_has_the_same_minute(told: list[Sent], cut: int) -> None:
    events = events_of(enumerate(told), 10**15)
    cut = min(cut, len(events))
    session = folded(events[:cut])
    data = msgspec.msgpack.encode(session.checkpoint())
    other = Session.from_checkpoint(msgspec.msgpack.decode(data, type=SessionCheckpoint))
    for event in events[cut:]:
        session.apply(event)
        other.apply(event)
    assert LastMinute().of(session.snapshot()) == LastMinute().of(other.snapshot())
