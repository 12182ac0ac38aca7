"""Recordings that earlier versions made: every later one opens them and tells the same."""

import pytest

from tests.helpers.places import DATA
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Protocol
from tui_trace.recording import Playback, Recording
from tui_trace.report.collector import Collector
from tui_trace.session.compare import compare_runs
from tui_trace.session.comparison_text import describe_comparison
from tui_trace.session.snapshot import Balance


@pytest.mark.parametrize(
    ("name", "version", "events", "runs"),
    [("lab-path-change", "0.1.0", 967, 1), ("lab-turns", "0.1.0", 3020, 5)],
)
def test_it_opens_and_plays(name: str, version: str, events: int, runs: int) -> None:
    with Recording(DATA / f"{name}.session") as recording:
        told = recording.info()
        assert (told.version, told.events, told.runs) == (version, events, runs)
        collector = Collector()
        Playback(recording, speed=None).run(collector)
        played = collector.snapshot()
        assert played == recording.snapshot(recording.end)
        middle = recording.snapshot(recording.end // 2)
        assert middle.at <= recording.end // 2
        assert middle.run.hops


def test_turns_flows_and_a_note_of_a_session_in_the_lab() -> None:
    with Recording(DATA / "lab-turns.session") as recording:
        stream = list(recording.events())
        session, _ = recording.at(recording.end)
    snapshot = session.snapshot()
    assert [note.text for note in snapshot.timeline.notes] == ["the provider was called"]
    pair = session.run(4), session.run(5)
    assert [run.turns_with for run in pair] == [(5,), (4,)]
    assert [run.settings.protocol for run in pair] == [Protocol.ICMP, Protocol.UDP]
    assert describe_comparison(compare_runs(pair)).endswith(", measured in turns")
    turns = [e.run for e in stream if isinstance(e, ev.RoundBegan) and e.run > 3]
    assert turns == [4, 5] * (len(turns) // 2) + [4] * (len(turns) % 2)
    (bundle,) = [path for path in snapshot.paths if any(v.run == 2 for v in path.visits)]
    balanced = {hop.ttl for hop in bundle.hops if hop.balanced is Balance.FLOW}
    assert balanced == {6, 7}
    assert snapshot.run.number == 3, "after the turns the run of before goes on"
    assert session.run(2).rounds == 3
    (note,) = [event for event in stream if isinstance(event, ev.Note)]
    assert 0 < note.moment <= note.at < 40 * NS_PER_S
