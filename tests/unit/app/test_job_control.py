"""Ctrl-Z, fg and bg, in a shell with job control on a terminal of its own."""

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.app.emulated_terminal import Terminal
from tui_trace.app.job_control import NO_JOB_CONTROL, PROBES_ON, STOPPED, ContinueTimer

pytestmark = pytest.mark.slow

SHELL = ["bash", "--norc", "--noediting", "-i"] if shutil.which("bash") else ["sh", "-i"]
PROMPT = "READY> "
OFF = (
    b"\x1b[?1049l",  # the alternate screen
    b"\x1b[?25h",  # the cursor
    b"\x1b[?2004l",  # bracketed paste
    b"\x1b[?1000l",  # the mouse
    b"\x1b[?1003l",
    b"\x1b[?1004l",  # reports of the focus
    b"\x1b[<u",  # the keyboard protocol
)
ON = (b"\x1b[?1049h", b"\x1b[?25l", b"\x1b[?2004h", b"\x1b[?1000h")


class Shell(Terminal):
    """A shell with job control, in which the view is started."""

    def __init__(self, kind: str = "") -> None:
        script = f"import os; os.execvp({SHELL[0]!r}, {SHELL!r})"
        env = {"PS1": PROMPT, "HISTFILE": "", "ENV": ""}
        super().__init__("-c", script, size=(100, 30), env=env)
        self.kind = kind
        self._asked = 0
        self.wait_for(PROMPT.strip())

    def run(self, line: str) -> None:
        self.press(line.encode() + b"\n")

    def ask(self, command: str) -> str:
        """What a command prints, which has no blanks."""
        self._asked += 1
        before = len(self.raw)
        self.run(f"echo answer{self._asked}=$({command})=")
        # the line that is typed has `$` there
        found = self.until_raw(rb"answer%d=([^$=]+)=" % self._asked, before)
        return found[1].decode()

    def until_raw(self, pattern: bytes, start: int = 0) -> re.Match[bytes]:
        """What the shell or the view has written from there on that matches."""
        end = time.monotonic() + 30
        while (found := re.compile(pattern, re.DOTALL).search(self.raw, start)) is None:
            assert time.monotonic() < end, self.text
            assert self._read(0.1), self.text
        return found

    def leave_view(self) -> None:
        """Quit, and wait for the shell: the emulator has one screen only, and the view stays."""
        before = len(self.raw)
        self.press(b"q")
        self.until_raw(PROMPT.encode(), before)

    def leave_by_ctrl_z(self) -> None:
        before = len(self.raw)
        self.press(b"\x1a")
        self.until_raw(b"Stopped.*" + PROMPT.encode(), before)

    def start_view(self) -> None:
        self.run(f"{sys.executable} -m tests.helpers.app.demo_view {self.kind}")
        self.wait_for("round 2")

    def view(self) -> int:
        """The number of the view's process: the shell's only child."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0])


@contextmanager
def shell(kind: str = "") -> Iterator[Shell]:
    opened = Shell(kind)
    try:
        yield opened
    finally:
        opened.close()


def is_left(written: bytes) -> bool:
    """Whether all is switched off again that the view had switched on."""
    return all(off in written for off in OFF) and all(
        written.rfind(on) < written.rfind(on[:-1] + (b"l" if on[-1:] == b"h" else b"h"))
        for on in ON
    )


def test_ctrl_z_leaves_a_sane_terminal_and_fg_comes_back() -> None:
    with shell() as terminal:
        before = terminal.ask("stty -g")
        terminal.start_view()
        terminal.leave_by_ctrl_z()
        assert STOPPED in terminal.text
        assert is_left(terminal.raw)
        assert terminal.ask("stty -g") == before
        state = Path(f"/proc/{terminal.view()}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "T"
        terminal.run("fg")
        terminal.wait_for("back after 0:")
        terminal.wait_for("q quit")
        terminal.press(b"u")
        terminal.wait_for("UDP port 33434")
        terminal.leave_by_ctrl_z()
        terminal.run("fg")
        terminal.wait_for("back after 0:")
        terminal.leave_view()
        assert terminal.ask("stty -g") == before
        assert is_left(terminal.raw)


def test_bg_probes_on_without_the_view_and_a_signal_ends_it_there() -> None:
    with shell() as terminal:
        before = terminal.ask("stty -g")
        terminal.start_view()
        terminal.leave_by_ctrl_z()
        terminal.run("bg")
        written = len(terminal.raw)
        assert terminal.ask("stty -g") == before
        assert b"\x1b[?1049h" not in terminal.raw[written:], "the terminal is the shell's"
        terminal.run("fg")
        terminal.wait_for("back after 0:")
        terminal.leave_by_ctrl_z()
        terminal.run("bg")
        pid = terminal.view()
        terminal.run("kill -TERM %1; wait %1; echo code=$?=")
        terminal.wait_for("code=143=")
        assert not Path(f"/proc/{pid}").exists()
        assert terminal.ask("stty -g") == before


def test_probing_goes_on_where_the_config_says_so() -> None:
    with shell("probes-on") as terminal:
        terminal.start_view()
        terminal.leave_by_ctrl_z()
        assert PROBES_ON in terminal.text
        pid = terminal.view()
        terminal.run("sleep 2; jobs")
        terminal.wait_for("Running")
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "SRD"
        terminal.run("fg")
        terminal.wait_for("back after 0:")
        terminal.leave_view()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_a_signal_from_elsewhere_stops_it_and_fg_draws_anew(number: signal.Signals) -> None:
    with shell() as terminal:
        before = terminal.ask("stty -g")
        terminal.start_view()
        os.kill(terminal.view(), number)
        terminal.wait_for("Stopped")
        if number == signal.SIGTSTP:
            assert is_left(terminal.raw)
        terminal.run("printf '\\033[H\\033[2J'; fg")
        terminal.wait_for("back after 0:")
        terminal.wait_for("round")
        terminal.wait_for("q quit")
        terminal.leave_view()
        assert terminal.ask("stty -g") == before


def test_who_continues_it_behind_the_shells_back_does_not_draw_over_the_shell() -> None:
    with shell() as terminal:
        terminal.start_view()
        pid = terminal.view()
        terminal.leave_by_ctrl_z()
        os.kill(pid, signal.SIGCONT)
        written = len(terminal.raw)
        terminal.run("sleep 1; echo done=$((1+1))=")
        terminal.wait_for("done=2=")
        assert b"\x1b[?1049h" not in terminal.raw[written:]
        terminal.run("fg")
        terminal.wait_for("back after 0:")


def test_without_a_shell_it_is_not_suspended() -> None:
    terminal = Terminal("-m", "tests.helpers.app.demo_view", size=(100, 30))
    try:
        terminal.wait_for("round 2")
        terminal.press(b"\x1a")
        terminal.wait_for(NO_JOB_CONTROL)
        terminal.wait_for("round 4")
        terminal.press(b"q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_a_timer_of_the_kernels_continues_a_stopped_process() -> None:
    pid = os.fork()
    if pid == 0:
        timer = ContinueTimer.create()
        assert timer is not None
        timer.start(0.2)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0 if timer.has_fired else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
