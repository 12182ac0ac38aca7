"""What a recording is called is a name and nothing else; and what becomes of one that is moved."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.recordings.recording_builders import Kept, Told, record, rounds
from tui_trace.core.events import SessionEnded
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording import (
    RecordedSource,
    Recording,
    RecordingError,
    find_recording,
    list_sessions,
)
from tui_trace.recording.sessions import DEFAULT_RETENTION, default_folder, prune_recordings

pytestmark = pytest.mark.slow

EVENTS = [*rounds(2), SessionEnded(at=5 * NS_PER_S)]
NAMES = [
    "file:x",
    "file:x?mode=memory",
    "file:///tmp/x?immutable=1",
    ":memory:",
    "",
    "a?mode=memory&cache=shared",
    "a#b",
    "100%",
    "%41%00",
    "new\nline",
    "\x1b[2J",
    "-r",
    "--",
    " ",
    "\\",
    os.fsdecode(b"\xff\xfe latin-1 \xe9"),
    "é中🛰",
    "'; DROP TABLE block; --",
    "x" * 239,
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, so that names without one stand for themselves."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_a_name(place: Path, name: str) -> None:
    name += ".session"
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    record(EVENTS, path)
    assert [Path(folder, *files) for folder, _, files in os.walk(place) if files] == [place / path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Recording(find_recording(name)) as recording:
        assert list(recording.events()) == EVENTS
        recording.note("x", 0)
    with pytest.raises(RecordingError, match="file exists"):
        RecordedSource(Told(EVENTS), path).run(Kept())
    assert len(list_sessions(place)) == (path.parent == Path())
    prune_recordings(place, DEFAULT_RETENTION._replace(files=1))
    assert path.exists(), "a name that we did not give"


@pytest.mark.parametrize("name", [":memory:", "file:x", "file:x?mode=memory"])
def test_names_that_sqlite_knows(place: Path, name: str) -> None:
    record(EVENTS, Path(name))
    assert os.listdir(place) == [name]
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    with Recording(find_recording(name)) as recording:
        assert list(recording.events()) == EVENTS


def test_a_name_that_no_file_can_have_is_one_line(place: Path) -> None:
    for name in ("x" * 300, "x" * 5000, "a/" * 3000):
        with pytest.raises(RecordingError, match="File name too long") as refused:
            RecordedSource(Told(EVENTS), Path(name)).run(Kept())
        assert "\n" not in str(refused.value)
        with pytest.raises(RecordingError, match="File name too long"):
            Recording(find_recording(name))
    deep = place / "x" / ("y" * 200) / ("z" * 200)
    deep.mkdir(parents=True)
    # the kernel takes it, SQLite does not: nothing is left
    with pytest.raises(RecordingError, match="unable to open"):
        RecordedSource(Told(EVENTS), deep / ("a" * 200)).run(Kept())
    assert os.listdir(deep) == []


def test_the_line_about_a_name_is_fit_for_a_terminal(place: Path) -> None:
    for made in (Recording, lambda path: RecordedSource(Told([]), path).run(Kept())):
        with pytest.raises(RecordingError) as refused:
            made(place / "\x1b[2J\n" / "x\udcff")
        assert str(refused.value).isprintable()


# --- moved, replaced, deleted


class Disturbed(Told):
    """In the middle something happens to the file."""

    def __init__(self, events, happens) -> None:
        super().__init__(events, pause=0.1)
        self._happens = happens
        self._recorded = None

    def recorded(self, path: Path) -> RecordedSource:
        self._recorded = RecordedSource(self, path)
        return self._recorded

    def run(self, sink) -> None:
        super().run(sink)
        assert self._recorded is not None
        assert self._recorded.path is not None
        self._happens(self._recorded.path)
        super().run(sink)
        self.path_after = self._recorded.path


def disturbed(path: Path, happens) -> Disturbed:
    source, sink = Disturbed(rounds(12), happens), Kept()
    source.recorded(path).run(sink)
    assert sink.events == rounds(12) * 2, "tracing goes on"
    return source


LOST = ["not recorded any more: its file was moved, replaced or deleted"]


def test_a_file_that_is_moved_is_whole_and_it_is_said_once(tmp_path: Path) -> None:
    path, other = tmp_path / "a.session", tmp_path / "b.session"
    source = disturbed(path, lambda path: path.rename(other))
    assert source.notices == LOST
    assert source.path_after is None, "there is no past to go to"
    assert os.listdir(tmp_path) == ["b.session"]
    with Recording(other) as recording:
        kept = list(recording.events())
    assert len(kept) > len(rounds(12)), "up to when it was noticed"
    assert kept == (rounds(12) * 2)[: len(kept)]


def test_a_file_that_is_deleted_is_said_once(tmp_path: Path) -> None:
    source = disturbed(tmp_path / "a.session", Path.unlink)
    assert source.notices == LOST
    assert os.listdir(tmp_path) == []


def test_what_takes_the_place_of_the_file_is_left_alone(tmp_path: Path) -> None:
    def replace(path: Path) -> None:
        path.rename(tmp_path / "b.session")
        path.write_text("mine")

    source = disturbed(tmp_path / "a.session", replace)
    assert source.notices == LOST
    assert (tmp_path / "a.session").read_text() == "mine"
    with Recording(tmp_path / "b.session") as recording:
        assert len(list(recording.events())) > len(rounds(12))


def test_a_folder_that_is_moved(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    source = disturbed(
        tmp_path / "x" / "a.session", lambda path: path.parent.rename(tmp_path / "y")
    )
    assert source.notices == LOST
    with Recording(tmp_path / "y" / "a.session") as recording:
        assert len(list(recording.events())) > len(rounds(12))


def test_one_that_never_began_takes_nobody_elses_file_away(tmp_path: Path) -> None:
    class Replacing(Told):
        def run(self, _sink) -> None:
            path.unlink()
            path.write_text("mine")

    path = tmp_path / "a.session"
    RecordedSource(Replacing([]), path).run(Kept())
    assert path.read_text() == "mine"


# --- the oldest go


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = default_folder()
    place.mkdir(parents=True)
    return place


def test_that_the_oldest_were_deleted_is_said_once(folder: Path) -> None:
    for day in range(1, 6):
        record(EVENTS, folder / f"2026010{day}T000000Z-t.session")
    source = Told(EVENTS, pause=0.5)
    RecordedSource(source, limits=DEFAULT_RETENTION._replace(files=4)).run(Kept())
    assert source.notices == [
        "the 2 oldest recordings were deleted: 4 of 2048 MiB in all are kept"
        " ([recordings] in config.toml)"
    ]
    assert [info.path.name[:8] for info in list_sessions()] == [
        *("20260105", "20260104", "20260103", "19700101")
    ]
    source = Told(EVENTS, pause=0.5)
    RecordedSource(source, limits=DEFAULT_RETENTION._replace(files=5)).run(Kept())
    assert source.notices == []


def test_only_recordings_of_ours_are_deleted(folder: Path, tmp_path: Path) -> None:
    ours = record(EVENTS, folder / "20260101T000000Z-t.session")
    text = folder / "20260102T000000Z-t.session"
    text.write_text("the letters of somebody else")
    empty = folder / "20260103T000000Z-t.session"
    empty.touch()
    other = folder / "20260104T000000Z-t.session"
    done = [sys.executable, "-c", "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]);"]
    done[-1] += "d.execute('create table session (x)'); d.commit(); d.close()"
    subprocess.run([*done, str(other)], check=True)
    renamed = folder / "incident.session"
    shutil.copy(ours, renamed)
    away = record(EVENTS, tmp_path / "20260105T000000Z-t.session")
    link = folder / away.name
    link.symlink_to(away)
    assert prune_recordings(folder, DEFAULT_RETENTION._replace(files=1)) == 1
    assert not ours.exists()
    assert all(path.exists() for path in (text, empty, other, renamed, away, link))
    assert text.read_text() == "the letters of somebody else"
