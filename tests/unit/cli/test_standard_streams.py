"""Standard streams that are closed, full, gone or of another encoding, in every output."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

from tests.helpers.app.emulated_terminal import Terminal
from tests.helpers.network.tui_trace_process import command, environment
from tests.helpers.places import DATA

pytestmark = pytest.mark.slow

SESSION = DATA / "lab-turns.session"
PLAYED = ("--replay", str(SESSION))
OUTPUTS = {
    "help": ("--help",),
    "version": ("--version",),
    "completion": ("--completion", "bash"),
    "lab-list": ("--lab", "list"),
    "sessions": ("--sessions",),
    "report": ("-r", *PLAYED),
    "json": ("-j", *PLAYED),
    "csv": ("-C", *PLAYED),
    "markdown": ("--markdown", *PLAYED),
    "jsonl": ("--jsonl", *PLAYED),
    "classic-help": ("--as", "traceroute-nanog", "-h"),
}
EVERY_OUTPUT = pytest.mark.parametrize("output", OUTPUTS)


def run(shell: str, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run tui-trace with the redirections that a shell makes: `"$@" >/dev/full`."""
    return subprocess.run(
        ["sh", "-c", shell, "sh", *command(*words)],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False,
        env={**environment(), **more},
    )  # fmt: skip


@EVERY_OUTPUT
@pytest.mark.parametrize(
    ("redirection", "why"),
    [("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")],
)
def test_what_cannot_be_written_is_one_line(output: str, redirection: str, why: str) -> None:
    done = run(f'"$@" >{redirection}', *OUTPUTS[output])
    assert (done.returncode, done.stderr.decode()) == (1, f"tui-trace: cannot write: {why}\n")


@EVERY_OUTPUT
def test_a_reader_that_goes_away_is_no_trouble(output: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            command(*OUTPUTS[output]), stdout=pipe, stderr=subprocess.PIPE,
            env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("output", ["version", "report", "jsonl"])
def test_all_closed_it_ends_by_itself(output: str) -> None:
    done = run('"$@" <&- >&- 2>&-', *OUTPUTS[output])
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize("output", ["help", "report", "jsonl"])
@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "2>/dev/full"])
def test_output_does_not_need_the_other_streams(output: str, redirection: str) -> None:
    usual = run('"$@"', *OUTPUTS[output])
    done = run(f'"$@" {redirection}', *OUTPUTS[output])
    assert usual.returncode == done.returncode == 0
    assert usual.stdout == done.stdout != b""


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>/dev/null"])
def test_an_error_that_cannot_be_told_has_its_code(redirection: str) -> None:
    assert run(f'"$@" {redirection}', "--no-such-option").returncode == 2
    assert run(f'"$@" {redirection}', "-r", "--replay", "/nonexistent").returncode == 1


def test_a_pipe_that_does_not_block_gets_everything() -> None:
    usual = run('"$@"', *OUTPUTS["jsonl"]).stdout
    assert len(usual) > 1 << 16, "a pipe would take all of it at once"
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, "rb") as reader:
        process = subprocess.Popen(
            command(*OUTPUTS["jsonl"]), stdout=writing, stderr=subprocess.PIPE, env=environment()
        )
        os.close(writing)
        select.select([reader], [], [], 30)
        time.sleep(0.5)  # the pipe fills
        assert reader.read() == usual
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "cp037", "utf-16"])
@pytest.mark.parametrize("output", ["json", "csv", "jsonl"])
def test_what_programs_read_is_utf_8_everywhere(output: str, encoding: str) -> None:
    usual = run('"$@"', *OUTPUTS[output])
    done = run('"$@"', *OUTPUTS[output], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == usual.stdout


def test_what_is_not_ascii_is_utf_8_for_programs() -> None:
    child = (
        "from tui_trace.cli import standard_streams as streams\n"
        "from tui_trace.report.printer import write\n"
        "streams.prepare_streams(); write('ö ± 日\\n', for_programs=True); write('ö ± 日\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, check=True,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.stdout == "ö ± 日\n".encode() + b"o ~ ??\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r"])
@pytest.mark.parametrize("output", ["report", "markdown"])
def test_what_an_encoding_lacks_is_replaced_one_for_one(output: str, encoding: str) -> None:
    usual = run('"$@"', *OUTPUTS[output], PYTHONIOENCODING="utf-8").stdout.decode()
    done = run('"$@"', *OUTPUTS[output], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert len(shown) == len(usual)
    for plain, character in zip(shown, usual, strict=True):
        assert plain == character or (plain.isascii() and not character.isascii())


def test_the_c_locale_without_utf_8() -> None:
    done = run('"$@"', *OUTPUTS["report"], LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b" . TOS 0 . DF off . " in done.stdout


def test_the_live_view_in_ascii_is_whole_and_hears() -> None:
    words = ("-m", "tui_trace", *PLAYED)
    terminal = Terminal(*words, env={**environment(), "PYTHONIOENCODING": "ascii"})
    try:
        terminal.wait_for("www.example.com")
        assert "ICMP echo . TOS 0 . DF off" in terminal.text
        terminal.press(b"?")
        terminal.wait_for("Probe with TCP")
        terminal.press(b"\x1b")
        terminal.wait_until_gone("Probe with TCP")
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert terminal.raw.isascii()
    finally:
        terminal.close()


def test_a_view_whose_terminal_takes_no_more_ends() -> None:
    keyboard, keys = pty.openpty()
    screen, drawn = pty.openpty()
    process = subprocess.Popen(
        command(*PLAYED), stdin=keys, stdout=drawn, stderr=subprocess.PIPE,
        env=environment(), start_new_session=True,
    )  # fmt: skip
    try:
        os.close(drawn)
        seen = b""
        while b"www.example.com" not in seen:
            seen += os.read(screen, 65536)
        os.close(screen)
        assert process.communicate(timeout=30)[1] == (
            b"tui-trace: cannot write to the terminal: Input/output error\n"
        )
        assert process.returncode == 1
    finally:
        process.kill()
        process.wait(10)
        os.close(keyboard)
        os.close(keys)


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-", "<pyproject.toml"])
def test_a_terminal_on_one_side_only_is_none(redirection: str) -> None:
    child = "import os, sys; os.execvp('sh', ['sh', '-c', sys.argv[1], 'sh', *sys.argv[2:]])"
    terminal = Terminal("-c", child, f'"$@" {redirection}', *command(*PLAYED), env=environment())
    try:
        terminal.wait_for("tui-trace: the live view needs a terminal; -r prints a report, -j JSON")
        assert terminal.wait() == 1
        assert b"\x1b[?1049h" not in terminal.raw
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("COLUMNS", "99999999"), ("COLUMNS", "0"), ("COLUMNS", "-5"), ("LINES", "1e9"),
     ("COLUMNS", "²"), ("TERM", ""), ("TERM", "dumb"), ("TERM", "nonesuch")],
)  # fmt: skip
def test_an_odd_environment_opens_the_view_all_the_same(name: str, value: str) -> None:
    terminal = Terminal("-m", "tui_trace", *PLAYED, env={**environment(), name: value})
    try:
        terminal.wait_for("www.example.com")
        terminal.press(b"q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 24), (100, 1)], ids=str)
def test_a_tiny_terminal_is_left_sane(size: tuple[int, int]) -> None:
    terminal = Terminal("-m", "tui_trace", *PLAYED, size=size, env=environment())
    try:
        terminal.wait_for_raw(b"\x1b[?2004h")
        terminal.press(b"q")
        assert terminal.wait() == 0
        assert b"\x1b[?1049l" in terminal.raw
    finally:
        terminal.close()


def test_the_log_of_a_library_is_not_shown() -> None:
    child = (
        "import logging; from tui_trace.cli import entry, main;"
        "main.main = lambda: logging.getLogger('hashlib').error('code was not found') or 0;"
        "entry.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
