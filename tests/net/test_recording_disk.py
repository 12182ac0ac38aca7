"""Recording to a disk that is full or cannot be written: one line, and tracing goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.recorded import Kept, Told, rounds
from tui_trace.recording import Recorded, Recording, RecordingError


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_disk_that_fills_up(disk: Path) -> None:
    path = disk / "a.session"
    events = rounds(1000)
    source, sink = Told(events, pause=0.003), Kept()
    Recorded(source, path).run(sink)
    assert sink.events == events
    assert source.notices == ["not recorded any more: the disk is full"]
    with Recording(path) as recording:
        kept = list(recording.events())
        assert len(kept) > 1000
        assert kept == events[: len(kept)]
        recording.snapshot(recording.end)


def test_a_disk_that_is_full_from_the_start(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    with (disk / "other").open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(1 << 20))
    events = rounds(20)
    source, sink = Told(events, pause=0.05), Kept()
    Recorded(source).run(sink)
    assert sink.events == events
    assert len(source.notices) == 1
    assert source.notices[0].startswith("not recorded")


def test_a_disk_that_is_read_only(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = disk / "a.session"
    Recorded(Told(rounds(20)), path).run(Kept())
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    events = rounds(20)
    source, sink = Told(events, pause=0.05), Kept()
    Recorded(source).run(sink)
    assert sink.events == events
    assert source.notices == [f"not recorded: {disk}/tui-trace: Read-only file system"]

    with pytest.raises(RecordingError, match="Read-only file system"):
        Recorded(Told(events), disk / "b.session").run(Kept())
    # what is there already is read all the same
    with Recording(path) as recording:
        assert list(recording.events()) == events
