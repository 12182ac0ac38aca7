"""Adding a finding, to the letter of the map."""

import pytest

from tests.helpers.app.fake_source import folded, path
from tui_trace.app.render.header import heading
from tui_trace.app.render.styled_text import plain
from tui_trace.core import events as ev
from tui_trace.session import finders
from tui_trace.session.finding import Finding, FindingKind, Sure


def find_slow_target(session):
    for run in session.active:
        rtts = run.log.target.rtts_of(run.log.latest(8))
        if rtts and min(rtts) > 5_000_000:
            yield Finding(
                kind=FindingKind.SLOWER,
                harm=True,
                sure=Sure.CERTAIN,
                since=run.opened,
                text="the target is slow",
                past="the target was slow",
                run=run.number,
            )


@pytest.fixture
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finders, "QUICK_FINDERS", [*finders.QUICK_FINDERS, find_slow_target])


@pytest.mark.usefixtures("_added")
def test_a_finding_that_was_added_stands_above_the_table_and_becomes_an_episode() -> None:
    there = folded([*path(5), ev.SessionEnded(at=6_000_000_000)])
    assert any("! the target is slow since " in plain(line) for line in heading(there, 120))
    assert [episode.finding.kind for episode in there.episodes] == [FindingKind.SLOWER]
