"""The options of recordings, and what the command line says when there is nothing to play."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.recordings.recording_builders import record, rounds
from tui_trace.cli import main
from tui_trace.core import events as ev
from tui_trace.core import privileges
from tui_trace.core.settings import NS_PER_S, UsageError
from tui_trace.options.command_line import parse_command_line
from tui_trace.recording import schema


@pytest.mark.parametrize(
    ("words", "recorded", "file"),
    [
        ("h", True, None),
        ("h --no-record", False, None),
        ("h -r", False, None),
        ("h --jsonl --no-record", False, None),
        ("h -r --record a", True, Path("a")),
        ("h --record a", True, Path("a")),
    ],
)
def test_live_sessions_are_recorded_and_reports_on_demand(
    words: str, recorded: bool, file: Path | None
) -> None:
    options = parse_command_line(words.split())
    assert (options.recorded, options.record) == (recorded, file)


@pytest.mark.parametrize(
    "words",
    [
        "h --record a --no-record",
        "h --replay a",
        "--replay a --lab",
        "--replay a --record b",
        "--replay",
        "--record",
    ],
)
def test_what_makes_no_sense_is_one_line(words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_command_line(words.split())
    assert "\n" not in str(refused.value)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs the command line here, with its rights: exit code, output, errors."""
    monkeypatch.setattr(privileges, "give_up_rights", lambda _preload: None)

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main.main(words)
        finally:
            gc.enable()
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_a_recording_that_is_none_is_one_line(tmp_path: Path, command) -> None:
    newer = record(rounds(2), tmp_path / "newer")
    with newer.open("r+b") as file:
        file.seek(60)  # user_version, in SQLite's file format §1.3
        file.write((schema.VERSION + 1).to_bytes(4, "big"))
    (tmp_path / "text").write_text("hello")
    for name, why in (("none", "no such file"), ("newer", "newer"), ("text", "no recording")):
        code, out, err = command("--replay", str(tmp_path / name), "-r")
        assert (code, out) == (1, "")
        assert why in err
        assert len(err.splitlines()) == 1


def test_every_output_works_on_a_recording(tmp_path: Path, command) -> None:
    events = [*rounds(20), ev.SessionEnded(at=30 * NS_PER_S)]
    path = str(record(events, tmp_path / "a.session"))
    code, out, err = command("--replay", path, "-r")
    assert (code, err) == (0, "")
    assert "30.|-- 192.0.2.30" in out
    code, out, err = command("--replay", path, "-w")
    assert (code, err) == (0, "")
    code, out, err = command("--replay", path, "-j")
    assert (code, err) == (0, "")
    assert '"192.0.2.30"' in out


def test_what_a_replay_leaves_behind_is_collected(tmp_path: Path) -> None:
    path = str(record(rounds(2), tmp_path / "a.session"))
    lines = f"import gc; from tui_trace.cli.main import main; main(['--replay', {path!r}, '-r'])"
    told = subprocess.run(
        [sys.executable, "-c", f"{lines}; print(gc.isenabled())"], capture_output=True, check=True
    )
    assert told.stdout.endswith(b"\nTrue\n")


def test_sessions_need_no_host(tmp_path: Path, monkeypatch, command) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert command("--sessions") == (0, "no recorded sessions\n", "")
    folder = tmp_path / "tui-trace" / "sessions"
    folder.mkdir(parents=True)
    record(rounds(2), folder / "20260101T000000Z-t.session")
    code, out, err = command("--sessions")
    assert (code, err) == (0, "")
    assert "20260101T000000Z-t  " in out
    code, out, err = command("--replay", "20260101T000000Z-t", "-r")
    assert (code, err) == (0, "")
