"""`--replay` of results: every report, several sessions, standard input, and what is refused."""

import contextlib
import gc
import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.app.emulated_terminal import Terminal
from tests.helpers.network.tui_trace_process import environment
from tests.helpers.places import ROOT
from tests.helpers.recordings.recording_builders import record, rounds
from tests.helpers.results import FOLDER
from tui_trace.cli import main
from tui_trace.core import events as ev
from tui_trace.core import privileges
from tui_trace.core.settings import NS_PER_S

ATLAS = FOLDER / "atlas.json"
SESSION = ROOT / "tests" / "data" / "lab-turns.session"
PROGRAM = [sys.executable, "-m", "tui_trace"]


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


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("output", ["-r", "-w", "-j", "-C", "--markdown", "--jsonl"])
def test_every_report_of_every_format(command, path: Path, output: str) -> None:
    code, out, err = command("--replay", str(path), output)
    assert (code, err) == (0, "")
    assert "198.18.4.2" in out or "2001:db8:0:4::2" in out or "203.0.113.80" in out


def test_several_sessions_are_printed_one_after_another(command) -> None:
    _, text, _ = command("--replay", str(ATLAS), "-r")
    assert text.count("Start: ") == 5
    _, text, _ = command("--replay", str(ATLAS), "-j")
    reports = json.loads(text)
    assert [one["report"]["mtr"]["src"] for one in reports] == [
        f"RIPE Atlas probe {number}" for number in range(11, 16)
    ]
    _, text, _ = command("--replay", str(ATLAS), "--jsonl")
    kinds = [json.loads(line)["event"] for line in text.splitlines()]
    assert kinds.count("session-began") == kinds.count("session-ended") == 5


def test_one_session_is_one_object(command) -> None:
    _, text, _ = command("--replay", str(FOLDER / "mtr.json"), "-j")
    assert json.loads(text)["report"]["mtr"]["src"] == "client"


def test_the_name_of_the_file_says_nothing(command, tmp_path: Path) -> None:
    path = tmp_path / "a.session"
    shutil.copy(ATLAS, path)
    assert command("--replay", str(path), "-r") == command("--replay", str(ATLAS), "-r")
    moved = record(rounds(2), tmp_path / "b.json")
    assert "192.0.2.30" in command("--replay", str(moved), "-r")[1]


def test_json_lines_give_the_report_of_the_recording(command, tmp_path: Path) -> None:
    events = [*rounds(20), ev.SessionEnded(at=30 * NS_PER_S)]
    recorded = str(record(events, tmp_path / "a.session"))
    lines = tmp_path / "a.jsonl"
    lines.write_text(command("--replay", recorded, "--jsonl")[1])
    for output in ("-r", "-j", "-C", "--markdown", "--jsonl"):
        told = command("--replay", str(lines), output)
        assert told == command("--replay", recorded, output)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{}", "none of JSON lines"),
        ('{"report":{}}', "mtr"),
        ('{"msm_id":1}', "no traceroute"),
        ("[" * 1000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_one_line(command, tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "x"
    path.write_text(content)
    for output in ("-r", "-j", "--jsonl"):
        code, out, err = command("--replay", str(path), output)
        assert (code, out) == (1, "")
        assert why in err
        assert len(err.splitlines()) == 1


def test_check_wants_every_session_to_be_fine(command, tmp_path: Path) -> None:
    fine = (FOLDER / "mtr.json").read_text()
    unreached = fine.replace('"dst": "198.18.4.2"', '"dst": "198.18.4.3"')
    path = tmp_path / "x"
    for texts, code in (([fine, fine], 0), ([fine, unreached], 3), ([unreached, fine], 3)):
        path.write_text("\n".join(texts))
        assert command("--replay", str(path), "-r", "--check")[0] == code
    assert command("--replay", str(FOLDER / "mtr.json"), "-r", "--check")[0] == 0
    assert command("--replay", str(ATLAS), "-r", "--check")[0] == 3


def test_the_live_view_does_not_play_standard_input(command) -> None:
    code, out, err = command("--replay", "-")
    assert (code, out) == (1, "")
    assert "give a file" in err
    assert len(err.splitlines()) == 1


def replay(*words: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, "--replay", *words], input=given, capture_output=True, timeout=60, check=False
    )


@pytest.mark.slow
def test_standard_input_of_the_program() -> None:
    mtr = (FOLDER / "mtr.json").read_bytes()
    done = replay("-", "-r", given=mtr)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"198.18.4.2" in done.stdout
    for given, why in ((b"", b"empty"), (mtr[:100], b"cut off"), (SESSION.read_bytes(), b"file")):
        done = replay("-", "-r", given=given)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"tui-trace: standard input: ")
        assert why in done.stderr
        assert done.stderr.count(b"\n") == 1


@pytest.mark.slow
def test_lines_pass_through_a_pipe_one_by_one() -> None:
    events = rounds(1)
    with subprocess.Popen(
        [*PROGRAM, "--replay", "-", "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for event in events[:20]:
            process.stdin.write(ev.encode(event) + b"\n")
            process.stdin.flush()
            # it comes out before the next one is written
            assert process.stdout.readline() == ev.encode(event) + b"\n"
        process.stdin.close()
        assert process.wait(20) == 0


@pytest.mark.slow
def test_an_interrupted_report_of_a_pipe_shows_what_came() -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        [*PROGRAM, "--replay", "-", "-r"], stdin=reading, stdout=subprocess.PIPE
    ) as process:
        os.close(reading)
        os.write(writing, b"".join(ev.encode(event) + b"\n" for event in rounds(1)))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        process.terminate()
        out, _ = process.communicate(timeout=20)
        os.close(writing)
    assert b"192.0.2.30" in out
    assert io.BytesIO(out).readline().startswith(b"Start: ")


@pytest.mark.slow
def test_the_live_view_goes_on_as_the_file_grows(tmp_path: Path) -> None:
    events = [event for event in rounds(20) if not isinstance(event, ev.SessionEnded)]
    half = len(events) // 2
    lines = [ev.encode(event) + b"\n" for event in events]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines[:half]))
    terminal = Terminal("-m", "tui_trace", "--replay", str(path), env=environment())
    try:
        terminal.wait_for("192.0.2.2")
        with path.open("ab") as file:
            file.writelines(lines[half:])
            file.write(ev.encode(ev.Notice(at=events[-1].at, text="it has grown")) + b"\n")
        for _ in range(100):
            terminal.press(b"\x1b[F")
            with contextlib.suppress(AssertionError):
                terminal.wait_for("it has grown", seconds=0.3)
                break
        assert "it has grown" in terminal.text
        terminal.press(b"q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (FOLDER / "mtr.json", "no single RTTs"),
        (FOLDER / "scamper-icmp-paris.json", "198.18.4.2"),
        (ATLAS, "the file has 5 sessions"),
    ],
)
def test_the_live_view_of_each_format(path: Path, shown: str) -> None:
    terminal = Terminal("-m", "tui_trace", "--replay", str(path), size=(160, 30), env=environment())
    try:
        terminal.wait_for(shown)
        for key in (b"c", b"\x1b", b"g", b"\x1b", b"H", b"\x1b", b"q"):
            terminal.press(key)
            time.sleep(0.2)
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text
    finally:
        terminal.close()
