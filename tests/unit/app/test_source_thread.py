"""From the source's thread to snapshots: what is handed on at once, and what waits."""

import threading
from types import SimpleNamespace

import pytest

from tests.helpers.app.fake_source import ADDRESS, FakeSource, began, path, reply
from tui_trace.app import source_thread
from tui_trace.app.source_thread import SnapshotSink, SourceThread
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.core.stream import Sink, SourceError
from tui_trace.session.snapshot import Snapshot

NEVER = 1e-9
"""Repaints a second, so few that only what is new to the eye is handed on."""


def opened(feed: SnapshotSink) -> None:
    feed.event(began())
    feed.event(ev.PaceSet(at=0, pace=Pace()))
    feed.event(ev.RunOpened(at=0, run=1, settings=ProbeSettings()))
    feed.pulse(0)


def test_a_hops_first_answer_is_handed_on_at_once() -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, NEVER)
    opened(feed)
    for ttl in (1, 2, 3):
        before = len(handed)
        feed.event(ev.ProbeSent(at=ttl, run=1, probe=ttl, ttl=ttl))
        feed.event(reply(1, ttl, ttl, ADDRESS, 1.0, ttl))
        feed.pulse(ttl)
        assert len(handed) == before + 1
        assert handed[-1].run.hops[ttl - 1].responders


def test_its_second_answer_waits_its_turn() -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, NEVER)
    opened(feed)
    for probe in (1, 2):
        feed.event(ev.ProbeSent(at=probe, run=1, probe=probe, ttl=1))
        feed.event(reply(1, probe, 1, ADDRESS, 1.0, probe))
        feed.pulse(probe)
    assert handed[-1].run.hops[0].figures.count == 1
    feed.flush()
    assert handed[-1].run.hops[0].figures.count == 2


def test_another_run_and_a_notice_are_news() -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, NEVER)
    opened(feed)
    feed.event(ev.RunOpened(at=5, run=2, settings=ProbeSettings(tos=8)))
    feed.pulse(5)
    assert handed[-1].run.number == 2
    feed.event(ev.Notice(at=6, text="look here"))
    feed.pulse(6)
    assert handed[-1].notice == "look here"


def test_nothing_new_is_handed_on_only_for_the_clock() -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, 1e9)
    opened(feed)
    count = len(handed)
    feed.pulse(NS_PER_S // 2)
    assert len(handed) == count
    feed.pulse(NS_PER_S)
    assert len(handed) == count + 1
    assert handed[-1].at == NS_PER_S


@pytest.mark.parametrize(("interval", "expected"), [(1.0, 2), (0.2, 2), (3.0, 6)])
def test_what_goes_on_is_handed_on_about_twice_a_round(
    monkeypatch: pytest.MonkeyPatch, interval: float, expected: int
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(source_thread, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, 1e9)
    opened(feed)
    for number in range(1, 5):
        before = len(handed)
        feed.event(ev.RoundBegan(at=number, run=1, round=number))
        for ttl in range(1, 21):
            probe = 100 * number + ttl
            feed.event(ev.ProbeSent(at=probe, run=1, probe=probe, ttl=ttl))
            feed.event(reply(1, probe, ttl, ADDRESS, 1.0, probe))
            feed.pulse(probe)
            clock[0] += interval / 20
    # a slow round is seen to go on all the same
    assert len(handed) - before == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("listed", [False, True])
def test_a_row_of_the_overview_knows_the_target_as_soon_as_it_answers(listed: bool) -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, 1e9)
    feed.is_shown, feed.is_listed = False, listed
    opened(feed)
    feed.event(ev.ProbeSent(at=1, run=1, probe=1, ttl=1))
    feed.event(reply(1, 1, 1, ADDRESS, 1.0, 1, reached=True))
    feed.pulse(1)
    assert feed.last is not None
    assert any(hop.is_target for hop in feed.last.run.hops) is listed
    assert not handed
    feed.is_shown = True
    feed.event(ev.Notice(at=2, text="look here"))
    feed.pulse(2)
    assert [hop.is_target for hop in handed[-1].run.hops] == [True]


def test_unchanged_hops_are_the_same_objects() -> None:
    handed: list[Snapshot] = []
    feed = SnapshotSink(handed.append, 1e9)
    for event in path(3):
        feed.event(event)
    feed.flush()
    feed.event(ev.ProbeSent(at=9, run=1, probe=900, ttl=2))
    feed.flush()
    before, after = handed[-2].run.hops, handed[-1].run.hops
    assert [a is b for a, b in zip(before, after, strict=True)] == [
        ttl != 2 for ttl in range(1, len(after) + 1)
    ]


def test_the_last_snapshot_is_the_end() -> None:
    ended = threading.Event()
    source = FakeSource(path(3))
    tracing = SourceThread(source, NEVER, lambda *_: None, lambda _: ended.set())
    tracing.start()
    assert source.running.wait(5)
    tracing.stop()
    assert ended.wait(5)
    assert tracing.join(5)
    assert tracing.last is not None
    assert tracing.last.ended
    assert tracing.last.run.rounds == 3
    assert tracing.failure is None


class Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def command(self, command: object) -> None:
        """Deaf."""

    def stop(self) -> None:
        """Too late."""

    def run(self, sink: Sink) -> None:
        sink.event(began())
        raise self.error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SourceError("no right to open a raw socket"), "no right to open a raw socket"),
        (ZeroDivisionError("a\nb"), "tracing stopped: ZeroDivisionError: a b"),
        (RuntimeError(), "tracing stopped: RuntimeError: no reason given"),
    ],
)
def test_a_broken_source_leaves_one_line_and_its_figures(error: Exception, says: str) -> None:
    tracing = SourceThread(Broken(error), NEVER, lambda *_: None, lambda _: None)
    tracing.start()
    assert tracing.join(5)
    assert tracing.failure == says
    assert tracing.last is not None
    assert tracing.last.target == "example.com"
