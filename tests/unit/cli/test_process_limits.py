"""Files, threads and memory that run out: it works, or says in one line why not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.app.emulated_terminal import Terminal
from tests.helpers.network.tui_trace_process import command, environment
from tests.helpers.places import DATA

pytestmark = pytest.mark.slow

SESSION = DATA / "lab-turns.session"
REPORT = ("-r", "--replay", str(SESSION))
VIEW = ("--replay", str(SESSION))
FILES = "cannot open more files (ulimit -n)"
THREADS = "cannot start more threads (ulimit -u and -v)"
MEMORY = "not enough memory (ulimit -v)"
STACK = 4_000_000
"""KiB of address space that a thread takes; with a limit on that, few threads can be started."""
WITH_MEMORY = """
import resource, sys
from tui_trace.cli.entry import run  # whoever tells needs memory, too
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize"))
most = used * 1024 + int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (most, most))
run()
"""


def shell(limits: str, words: tuple[str, ...]) -> list[str]:
    return ["bash", "-c", f'{limits}; exec "$@"', "bash", *command(*words)]


def report(*args: str) -> str:
    """What a report says on standard error; it is whole, or there is one line."""
    done = subprocess.run(
        args, capture_output=True, text=True, check=False, timeout=60, env=environment()
    )
    if done.returncode == 0:
        assert "www.example.com" in done.stdout
        assert done.stderr == ""
    else:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    return done.stderr


def view(limits: str) -> str | None:
    """The line that the live view ends with; None if it works. The terminal is sane after it."""
    terminal = Terminal(
        "-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])", *shell(limits, VIEW),
        env=environment(),
    )  # fmt: skip
    try:
        before = terminal.modes
        terminal.wait_for_any("www.example.com", "tui-trace: ")
        if "tui-trace: " not in terminal.text:
            terminal.press(b"q")
        code = terminal.wait()
        assert terminal.modes == before
        for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h")):
            assert terminal.raw.rfind(on) <= terminal.raw.rfind(off)
        assert not {"Traceback", "Exception", "Warning"} & set(re.findall(r"\w+", terminal.text))
        said = terminal.text.partition("tui-trace: ")[2].strip()
        assert code == int(bool(said))
        return said or None
    finally:
        terminal.close()


@pytest.mark.parametrize("files", [*range(5, 13), 16, 20, 24, 32, 40])
def test_few_files(files: int) -> None:
    said = report(*shell(f"ulimit -n {files}", REPORT))
    assert said in ("", f"tui-trace: {FILES}\n")
    assert files < 20 or not said


@pytest.mark.parametrize("files", [5, 8, 9, 10, 11, 12, 13, 14, 24])
def test_few_files_for_the_view(files: int) -> None:
    said = view(f"ulimit -n {files}")
    assert said is None or FILES in said
    assert said if files == 5 else files < 24 or not said


@pytest.mark.parametrize("threads", range(5))
def test_few_threads_for_the_view(threads: int) -> None:
    room = threads * STACK + 3_000_000
    said = view(f"ulimit -s {STACK}; ulimit -v {room}")
    assert said is None or THREADS in said
    assert said or threads


@pytest.mark.parametrize("megabytes", [1, 2, 4, 8, 16, 32, 256])
def test_little_memory(megabytes: int) -> None:
    said = report(sys.executable, "-c", WITH_MEMORY, str(megabytes << 20), *REPORT)
    # without memory CPython itself may lose the reason: one line it is all the same
    assert said == "" or said.startswith("tui-trace: ")
    assert bool(said) or megabytes > 1
    assert not said or megabytes < 256


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    assert report(*shell(f"cd {gone} && rmdir {gone}", REPORT)) == ""


BROKEN = """
import tui_trace.cli.main
def main():
    raise {error}
tui_trace.cli.main.main = main
from tui_trace.cli.entry import run
run()
"""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ValueError('x\\x1b[31m\\ny')", r"ValueError: x\x1b[31m y"),
        ("RuntimeError()", "RuntimeError: no reason given"),
        ("OSError(24, 'Too many open files')", FILES),
        ("OSError(2, 'Not there', '/proc/x')", "/proc/x: Not there: /proc must be mounted"),
        ("ValueError('not even that') from OSError(24, 'Too many open files')", FILES),
        ("MemoryError()", MEMORY),
        ("ImportError('x.so: failed to map segment from shared object')", MEMORY),
        ("RecursionError('too deep')", "RecursionError: too deep"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("debug", ["", "1"])
def test_what_nobody_expected_is_one_line(error: str, line: str, debug: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN.format(error=error)],
        capture_output=True, text=True, check=False, timeout=60,
        env={**environment(), "TUI_TRACE_DEBUG": debug},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith(f"tui-trace: {line}\n")
    assert ("Traceback" in done.stderr) == (debug == "1")
    assert debug or done.stderr.count("\n") == 1


def test_a_thread_that_breaks_is_one_line() -> None:
    error = "__import__('threading').Thread(target=lambda: 1 / 0).start() or SystemExit(0)"
    done = subprocess.run(
        [sys.executable, "-c", BROKEN.format(error=error)],
        capture_output=True, text=True, check=False, timeout=60, env=environment(),
    )  # fmt: skip
    assert done.stderr == "tui-trace: ZeroDivisionError: division by zero\n"
