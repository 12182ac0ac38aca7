"""Since when nobody has watched, by the recordings that are there."""

from pathlib import Path

from tests.helpers.recordings.recording_builders import record, rounds
from tui_trace.alerts.last_recording import describe_gap
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import Recording


def end_of(path: Path) -> int:
    with Recording(path) as recording:
        return recording.snapshot(recording.end).wall_at(recording.end)


def test_the_newest_recording_of_the_target_says_since_when(tmp_path: Path) -> None:
    old = tmp_path / "20200101T000000Z-t.session"
    new = tmp_path / "20200102T000000Z-t-2.session"
    record(rounds(3), old)
    record(rounds(9), new)
    record(rounds(20), tmp_path / "20200103T000000Z-other-t.session")
    (tmp_path / "20200104T000000Z-t.session").write_bytes(b"no recording")
    with Recording(new) as recording:
        target = recording.info().target
    told = describe_gap(tmp_path, target, "", end_of(new) + 75 * NS_PER_S)
    assert told is not None
    assert told.startswith("not watched since 1970-01-0")
    assert "(1:15)" in told


def test_no_recording_of_the_target_and_no_gap_are_no_word(tmp_path: Path) -> None:
    path = tmp_path / "20200101T000000Z-t.session"
    record(rounds(3), path)
    assert describe_gap(tmp_path, "other.example", "", end_of(path) + NS_PER_S * 99) is None
    assert describe_gap(tmp_path, "t", "firewall", end_of(path) + NS_PER_S * 99) is None
    assert describe_gap(tmp_path, "t", "", end_of(path) + NS_PER_S // 2) is None
    # a clock that was not set yet
    assert describe_gap(tmp_path, "t", "", end_of(path) - NS_PER_S * 99) is None
    assert describe_gap(tmp_path / "none", "t", "", 1 << 60) is None
