"""Exports that cannot be written: one line in the view, and no file left behind."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.helpers.app.fake_source import folded
from tests.helpers.network import tui_trace_process
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.params import NOBODY
from tests.helpers.network.terminals import Terminal
from tests.helpers.recordings.recording_builders import record, rounds
from tests.helpers.run_scripts import switched
from tui_trace.app.control.export import ENDINGS, ExportError, View, export
from tui_trace.session.host_labels import LabelMode

Start = Callable[..., Terminal]


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    """Nothing but a loopback; the lab is inside the program."""
    (made,) = make_all(["export"])
    yield made
    made.delete()


def view_of(recording: Path) -> View:
    picture = "<svg>" + "x" * 400_000
    return View(folded(switched()), picture, ("loss", "sent"), LabelMode.NAME, recording)


@pytest.mark.parametrize("ending", [".svg", ".jsonl"])
def test_a_full_disk_leaves_no_file(tmp_path: Path, disk: Path, ending: str) -> None:
    view = view_of(record(rounds(300), tmp_path / "a.session"))
    with pytest.raises(ExportError, match=r"^No space left on device: .*/out"):
        export(view, str(disk / f"out{ending}"))
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_never_written_over(tmp_path: Path, ending: str) -> None:
    view = view_of(record(rounds(3), tmp_path / "a.session"))
    for number, make in enumerate((Path.touch, Path.mkdir, lambda it: it.symlink_to("/dev/null"))):
        path = tmp_path / f"{number}{ending}"
        make(path)
        with pytest.raises(ExportError, match="file exists"):
            export(view, str(path))
        assert path.is_symlink() or path.is_dir() or path.read_bytes() == b""
    with pytest.raises(ExportError, match="there is no such file"):
        export(view._replace(recording=tmp_path / "gone"), str(tmp_path / "new.jsonl"))
    assert not (tmp_path / "new.jsonl").exists()


def test_a_recording_that_is_damaged_leaves_no_half(tmp_path: Path) -> None:
    recording = record(rounds(2000), tmp_path / "a.session")
    with closing(sqlite3.connect(recording)) as database:
        ((events,),) = database.execute("SELECT events FROM block WHERE events NOT NULL LIMIT 1")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(recording.read_bytes())
    # a large value begins on the page of its row
    middle = content.index(events[:32]) + 16
    content[middle : middle + 64] = bytes(64)
    recording.write_bytes(content)
    with pytest.raises(ExportError, match="damaged"):
        export(view_of(recording), str(tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/nowhere/x.svg", "No such file or directory: /nowhere/x.svg"),
        ("/proc/x.svg", "No such file or directory|Permission denied"),
        ("~nobody-of-that-name/x.svg", "home"),
        ("x" * 300 + ".svg", "File name too long"),
        ("a\0b.svg", r"null byte: a\\x00b\.svg$"),
        ("half\ud800.svg", r"surrogates not allowed: half\\ud800\.svg$"),
        ("/nowhere/\x1b[31m\n\u202e.svg", r": /nowhere/\\x1b\[31m\\n\\u202e\.svg$"),
        ("x.png", "file extension selects"),
        (".svg", "file extension selects"),
        ("", "file extension selects"),
    ],
)
def test_names_that_are_none(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(ExportError, match=says) as caught:
        export(view_of(tmp_path / "gone"), name)
    assert str(caught.value).isprintable()


def test_a_name_of_bytes_is_written_and_said(tmp_path: Path) -> None:
    said = export(view_of(tmp_path / "gone"), str(tmp_path / "caf\udce9\x1b[31m.svg"))
    assert said.endswith(r"caf\udce9\x1b[31m.svg")
    assert [len(path.read_bytes()) for path in tmp_path.iterdir()] == [400_005]


def test_the_view_says_why_and_goes_on(space: Netns) -> None:
    with TemporaryDirectory() as closed:
        Path(closed).chmod(0o755)
        args = [
            "env",
            "-C",
            closed,
            *NOBODY,
            *tui_trace_process.command("--lab", "-n", "--no-record"),
        ]
        with Terminal(space, args, env=tui_trace_process.environment()) as terminal:
            terminal.wait_for(r"203\.0\.113\.80")
            terminal.write(b"e")
            terminal.wait_for("Write to file ›")
            terminal.write(b"\r")
            terminal.wait_for(re.escape("! Permission denied: www.example.com-"))
            terminal.write(b"\x1b[200~~nobody-of-that-name/\x1b[201~")
            terminal.write(b"\x1b[27u")
            terminal.wait_for("q quit")
            terminal.write(b"q")
            assert terminal.wait(30) == 0
            assert b"Traceback" not in terminal.raw
        assert list(Path(closed).iterdir()) == []
