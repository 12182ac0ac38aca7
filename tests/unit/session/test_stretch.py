"""A stretch of a session has what was measured in it, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.event_streams import streams
from tests.helpers.generated_sessions import World, between, deal, never, routers
from tests.helpers.recordings.recording_builders import record
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import Recording
from tui_trace.recording.stretch import read_stretch
from tui_trace.report.collector import runs_of
from tui_trace.report.mtr_fields import ReportLayout
from tui_trace.report.printer import REPORTS
from tui_trace.session.finding import FindingKind
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Hop, Run
from tui_trace.session.stretch import StretchReport

OUTAGES = ((100, 116), (400, 430), (700, 760))


def folded(events: list[ev.Event]) -> Session:
    session = Session()
    for event in events:
        session.apply(event)
    return session


def rtts(hop: Hop) -> tuple[object, ...]:
    return hop.figures.min, hop.figures.max, hop.figures.count, hop.figures.mean


@given(drawn=streams(), cut=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_two_stretches_add_up_to_the_session(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[list[ev.Event], object], cut: float
) -> None:
    events = drawn[0]
    end = events[-1].at
    path = record(events, tmp_path_factory.mktemp("stretch") / "a")
    with Recording(path) as played:
        whole = runs_of(played.session(end))
        middle = round(end * cut)
        parts = [read_stretch(played, -1, middle), read_stretch(played, middle, end)]
    for run in whole:
        for hop in run.hops:
            found = [one for part in parts if (one := row(part.runs, run.number, hop.ttl))]
            answered = [one.figures for one in found if one.figures.count]
            assert sum(one.count for one in answered) == hop.figures.count
            assert min((one.min for one in answered), default=None) == hop.figures.min
            assert max((one.max for one in answered), default=None) == hop.figures.max
            if len(found) == 2:  # one who was not heard at the end of the path has no row
                # a loss that is taken back after the cut counts on neither side
                assert sum(one.lost for one in found) >= hop.lost
                assert sum(one.duplicates for one in found) == hop.duplicates


def row(runs: tuple[Run, ...], number: int, ttl: int) -> Hop | None:
    hops = (hop for run in runs if run.number == number for hop in run.hops if hop.ttl == ttl)
    return next(hops, None)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 s over eight routers, with three outages behind hop 4."""
    nodes = routers(8)
    gone = [between(begin, end, lambda _at, _rng: True) for begin, end in OUTAGES]
    nodes[4].drops = lambda at, rng: any(drops(at, rng) for drops in gone) or never(at, rng)
    events = list(deal(World.of(nodes), 900, 1))
    return record(events, tmp_path_factory.mktemp("night") / "night.session")


def stretch(path: Path, since: float, until: float) -> StretchReport:
    with Recording(path) as played:
        return read_stretch(played, round(since * NS_PER_S), round(until * NS_PER_S))


def test_figures_are_those_of_a_session_that_was_no_longer(night: Path) -> None:
    found = stretch(night, 200, 300).snapshot.run
    with Recording(night) as played:
        within = [
            event
            for event in played.events()
            if not isinstance(event, (ev.ProbeSent, ev.ProbeLost, ev.Reply, ev.RoundBegan))
            or 200 * NS_PER_S < event.at <= 300 * NS_PER_S
        ]
    alone = folded(within).snapshot().run
    assert [rtts(hop) for hop in found.hops] == [rtts(hop) for hop in alone.hops]
    for ours, theirs in zip(found.hops, alone.hops, strict=True):
        assert ours.figures.sd == pytest.approx(theirs.figures.sd)
        assert ours.figures.jitter == pytest.approx(theirs.figures.jitter)
        assert (ours.figures.p50, ours.figures.last) == (theirs.figures.p50, theirs.figures.last)
        assert ours.lost == theirs.lost == 0
    assert found.rounds == 100


def test_a_stretch_has_the_loss_that_was_in_it(night: Path) -> None:
    for begin, end in OUTAGES:
        run = stretch(night, begin - 10, end + 10).snapshot.run
        assert run.hops[-1].lost == end - begin
        assert run.hops[3].lost == 0


def test_episodes_are_those_that_touch_it(night: Path) -> None:
    report = stretch(night, 405, 715).snapshot
    kinds = [(one.finding.kind, one.finding.since // NS_PER_S) for one in report.episodes]
    assert kinds == [(FindingKind.DOWN, 400), (FindingKind.DOWN, 700)]
    shown = REPORTS["text"].render(report, ReportLayout(), ())
    first, last = (line for line in shown.splitlines() if "silent" in line)
    assert "began before this stretch" in first
    assert "goes on after" not in first
    assert "goes on after this stretch" in last
    assert "began before" not in last


def test_a_quiet_stretch_has_none(night: Path) -> None:
    report = stretch(night, 200, 300).snapshot
    assert report.episodes == ()
    assert "No episode" in REPORTS["text"].render(report, ReportLayout(), ())


def test_a_night_with_three_episodes_takes_twenty_lines(night: Path) -> None:
    report = stretch(night, 0, 900)
    shown = REPORTS["text"].render(report.snapshot, ReportLayout(), report.runs).splitlines()
    assert len(shown) <= 20
    assert max(map(len, shown)) <= 120
    text = "\n".join(shown)
    assert "3 episodes" in text
    assert text.count("last answer hop 4 10.0.4.1") == 3
    assert "×" in text
    assert "Path A" in text


def test_its_timeline_is_as_fine_as_its_length_allows(night: Path) -> None:
    report = stretch(night, 395, 435).snapshot
    assert report.timeline.width == NS_PER_S
    assert report.timeline.start == 395 * NS_PER_S
    lost = [place for place, bucket in enumerate(report.timeline.buckets) if bucket.lost]
    assert len(lost) == 30
    assert lost[0] in (5, 6)
