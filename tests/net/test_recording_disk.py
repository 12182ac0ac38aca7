"""Recording to a disk that is full or cannot be written: one line, and tracing goes on."""

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.terminals import Tmux
from tests.helpers.recordings.recording_builders import Kept, Told, record, rounds
from tui_trace.core.events import SessionEnded
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import RecordedSource, Recording, RecordingError


def test_a_disk_that_fills_up(disk: Path) -> None:
    path = disk / "a.session"
    events = rounds(1000)
    source, sink = Told(events, pause=0.003), Kept()
    RecordedSource(source, path).run(sink)
    assert sink.events == events
    assert source.notices == ["not recorded any more: the disk is full"]
    with Recording(path) as recording:
        kept = list(recording.events())
        assert len(kept) > 1000
        assert kept == events[: len(kept)]
        recording.snapshot(recording.end)


def test_a_disk_that_fills_up_under_the_live_view(plain: Chain, disk: Path) -> None:
    path = disk / "a.session"
    args = ("-n", "-i", "0.1", "--record", str(path), plain.target_address(4))
    with Tmux(plain.client, columns=140) as tmux:
        tmux.start(tui_trace_process.command(*args), tui_trace_process.environment())
        screen = tmux.wait_for("not recorded any more: the disk is full")
        assert screen.count("the disk is full") == 1
        before = _round(screen)
        tmux.wait_for(rf"round ({'|'.join(str(before + n) for n in range(20, 60))}) ")
        tmux.press("q")
        tmux.wait_for("prompt> *$")
    with Recording(path) as recording:
        assert recording.snapshot(recording.end).run.rounds > 5


def test_a_disk_that_is_full_takes_no_note(disk: Path) -> None:
    events = [*rounds(20), SessionEnded(at=200 * NS_PER_S)]
    path = record(events, disk / "a.session")
    with (disk / "junk").open("wb", buffering=0) as junk, contextlib.suppress(OSError):
        while junk.write(bytes(512)):
            pass
    before = path.read_bytes()
    with Recording(path) as recording:
        with pytest.raises(RecordingError, match="the disk is full"):
            recording.note("x", 0)
        assert list(recording.events()) == events
        (disk / "junk").unlink()
        recording.note("x", 0)
    assert path.read_bytes() != before
    assert {file.name for file in disk.iterdir()} == {"a.session"}


def _round(screen: str) -> int:
    found = re.search(r"round (\d+) ", screen)
    assert found is not None, screen
    return int(found[1])


def test_a_disk_that_is_full_from_the_start(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    with (disk / "other").open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(1 << 20))
    events = rounds(20)
    source, sink = Told(events, pause=0.05), Kept()
    RecordedSource(source).run(sink)
    assert sink.events == events
    assert len(source.notices) == 1
    assert source.notices[0].startswith("not recorded")


def test_a_disk_that_is_read_only(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = disk / "a.session"
    RecordedSource(Told(rounds(20)), path).run(Kept())
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    events = rounds(20)
    source, sink = Told(events, pause=0.05), Kept()
    RecordedSource(source).run(sink)
    assert sink.events == events
    assert source.notices == [f"not recorded: {disk}/tui-trace: Read-only file system"]

    with pytest.raises(RecordingError, match="Read-only file system"):
        RecordedSource(Told(events), disk / "b.session").run(Kept())
    # what is there already is read all the same
    with Recording(path) as recording:
        assert list(recording.events()) == events
