"""Days of one session are recordings that follow one another, each whole in itself."""

import datetime
from pathlib import Path

import pytest

from tests.helpers.simulated_network import SimNet
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.engine.engine import Engine
from tui_trace.recording import RecordedSource, Recording, list_sessions, rolling_recorder
from tui_trace.recording.rolling_recorder import next_noon


def local(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).astimezone().timestamp()) * NS_PER_S


@pytest.mark.parametrize(
    ("now", "noon"),
    [
        ("2026-03-04T00:00:00", "2026-03-04T12:00:00"),
        ("2026-03-04T10:59:59", "2026-03-04T12:00:00"),
        ("2026-03-04T11:30:00", "2026-03-05T12:00:00"),
        ("2026-03-04T12:00:00", "2026-03-05T12:00:00"),
        ("2026-12-31T23:00:00", "2027-01-01T12:00:00"),
    ],
)
def test_the_next_noon(now: str, noon: str) -> None:
    assert next_noon(local(now)) == local(noon)


class Nothing:
    def event(self, event: object) -> None:
        pass

    def pulse(self, at: int) -> None:
        pass


def test_a_session_of_two_noons_is_three_recordings_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    begin = SimNet().wall()
    noons = iter([begin + 40 * NS_PER_S, begin + 80 * NS_PER_S, begin + 9999 * NS_PER_S])
    monkeypatch.setattr(rolling_recorder, "next_noon", lambda _wall: next(noons))
    net = SimNet(length=4)
    engine = Engine(net, target="t.example", settings=ProbeSettings(), pace=Pace(), version="0")
    net.at.append((net.now + 120 * NS_PER_S, engine.stop))
    RecordedSource(engine, rolls=True).run(Nothing())
    sessions = list_sessions(tmp_path / "tui-trace" / "sessions")[::-1]
    assert [each.ended for each in sessions] == [True] * 3
    sent = rounds = 0
    last_end = begin
    for session in sessions:
        with Recording(session.path) as recording:
            snapshot = recording.snapshot(recording.end)
            assert abs(snapshot.wall - last_end) < NS_PER_S
            last_end = snapshot.wall_at(recording.end)
            assert len(snapshot.run.hops) == 4
            assert snapshot.run.egress is not None
            assert snapshot.run.reached
            assert snapshot.run.rounds == pytest.approx(40, abs=1)
            assert all(hop.lost == 0 and hop.figures.count <= hop.sent for hop in snapshot.run.hops)
            rounds += snapshot.run.rounds
            sent += snapshot.run.hops[0].sent
    assert rounds == 120
    assert sent == 120
