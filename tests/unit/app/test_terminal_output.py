"""In a real terminal: what it looks like from outside, and how it is left."""

import os
import re
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.app.emulated_terminal import Terminal

pytestmark = pytest.mark.slow

ALTERNATE_SCREEN_LEFT = b"\x1b[?1049l"
CURSOR_SHOWN = b"\x1b[?25h"
MOUSE_OFF = b"\x1b[?1000l"


@pytest.fixture
def demo() -> Iterator[Callable[..., Terminal]]:
    """The live view over a made-up path; nothing is sent."""
    begun: list[Terminal] = []

    def start(kind: str = "", shows: str = "● live", **more: object) -> Terminal:
        terminal = Terminal("-m", "tests.helpers.app.demo_view", *filter(None, [kind]), **more)
        begun.append(terminal)
        if shows:
            terminal.wait_for("203.0.113.80")
            terminal.wait_for(shows)
        return terminal

    yield start
    for terminal in begun:
        terminal.close()


def assert_sane(terminal: Terminal) -> None:
    for wanted in (ALTERNATE_SCREEN_LEFT, CURSOR_SHOWN, MOUSE_OFF):
        assert wanted in terminal.raw
    local = terminal.modes[3]
    assert isinstance(local, int)
    assert local & termios.ECHO
    assert local & termios.ICANON


def after(terminal: Terminal) -> str:
    return terminal.raw.rpartition(ALTERNATE_SCREEN_LEFT)[2].decode()


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_the_last_table_stays(demo: Callable[..., Terminal], key: bytes) -> None:
    terminal = demo()
    terminal.press(key)
    assert terminal.wait() == 0
    assert_sane(terminal)
    left = after(terminal)
    assert "203.0.113.80" in left
    assert "TCP port 443 · TOS 0" in left
    assert "Traceback" not in left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(
    demo: Callable[..., Terminal], number: signal.Signals
) -> None:
    terminal = demo()
    terminal.signal(number)
    assert terminal.wait() == 128 + number
    assert_sane(terminal)
    assert "203.0.113.80" in after(terminal)


def test_a_terminal_that_goes_away_ends_it(demo: Callable[..., Terminal]) -> None:
    terminal = demo()
    terminal.hang_up()
    assert ended_unread(terminal, 10), "it lives on without a terminal"


def ended_unread(terminal: Terminal, seconds: float) -> bool:
    """Whether it ends while nobody reads what it writes."""
    end = time.monotonic() + seconds
    while terminal.code is None and time.monotonic() < end:
        pid, status = os.waitpid(terminal.pid, os.WNOHANG)
        if pid:
            terminal.code = os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    return terminal.code is not None


def test_a_terminal_that_takes_nothing_does_not_hold_it(demo: Callable[..., Terminal]) -> None:
    terminal = demo(size=(200, 60))
    terminal.press(b"------")
    terminal.wait_for("every 0.1 s")
    time.sleep(5)  # the pipe to the terminal fills
    terminal.signal(signal.SIGTERM)
    assert ended_unread(terminal, 20)
    assert terminal.code == 128 + signal.SIGTERM
    local = terminal.modes[3]
    assert isinstance(local, int)
    assert local & termios.ECHO


def test_a_source_that_does_not_stop_is_left_behind(demo: Callable[..., Terminal]) -> None:
    terminal = demo("stubborn")
    terminal.press(b"q")
    assert terminal.wait() == 0
    assert_sane(terminal)


def test_a_crash_of_the_source_is_one_line(demo: Callable[..., Terminal]) -> None:
    terminal = demo("crashing", shows="! tracing stopped: RuntimeError: the wire melted")
    assert "203.0.113.80" in terminal.text
    terminal.press(b"q")
    assert terminal.wait() == 1
    assert_sane(terminal)
    left = after(terminal)
    assert "tui-trace: tracing stopped: RuntimeError: the wire melted" in left
    assert "Traceback" not in left


def test_standard_error_may_go_to_a_file(demo: Callable[..., Terminal], tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    terminal = demo("crashing", shows="! tracing stopped", errors=str(errors))
    terminal.press(b"q")
    assert terminal.wait() == 1
    assert_sane(terminal)
    line = "tui-trace: tracing stopped: RuntimeError: the wire melted\n"
    assert errors.read_text() == line


def test_a_traceback_for_those_who_ask(demo: Callable[..., Terminal]) -> None:
    terminal = demo("crashing", shows="! tracing stopped", env={"TUI_TRACE_DEBUG": "1"})
    terminal.press(b"q")
    assert terminal.wait() == 1
    assert "Traceback" in after(terminal)


def test_a_crash_of_the_view_is_one_line(demo: Callable[..., Terminal]) -> None:
    terminal = demo("view-breaks", shows="")
    assert terminal.wait() == 1
    assert_sane(terminal)
    left = after(terminal)
    assert "tui-trace: display failed (internal error): TypeError" in left
    assert "Traceback" not in left


def test_no_color_means_none(demo: Callable[..., Terminal]) -> None:
    terminal = demo(env={"NO_COLOR": "1"})
    terminal.press(b"\x1b[B")
    terminal.wait_for("› 1")
    terminal.press(b"q")
    terminal.wait()
    codes = {
        code
        for sequence in re.findall(rb"\x1b\[([0-9;]*)m", terminal.raw)
        for code in sequence.split(b";")
    }
    assert codes <= {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"}
    assert codes & {b"1", b"4", b"7"}


def test_with_colours_there_are_some(demo: Callable[..., Terminal]) -> None:
    terminal = demo()
    terminal.press(b"q")
    terminal.wait()
    assert re.search(rb"\x1b\[[0-9;]*38;2;", terminal.raw)


def test_nothing_is_imported_once_rights_are_given_up(demo: Callable[..., Terminal]) -> None:
    # modules in a private home could not be read any more
    terminal = demo("no-imports", env={"TUI_TRACE_DEBUG": "1"})
    for keys, shows, escape in (
        (b"\x1b[B", "› 1", False),
        (b"\r", "hop 1", False),
        (b"y", "copied", False),
        (b"u", "UDP port 33434", False),
        (b"P", "Destination port", False),
        (b"x\r", "--port takes", True),
        (b"/", "New target", False),
        (b".invalid\r", "unknown host", True),
        (b"o", "Columns: latency", False),
        (b" ", "[ ] ASN", True),
        (b"n", "hosts by address", False),
        (b"w", "in the registry", False),
        (b"z", "AS numbers: shown", False),
        (b"H", " path A ", True),
        (b"c", "Runs compared", True),
        (b"\x1b[D", "this session is not recorded", False),
        (b"e", "Write to file", False),
        (b"\x15", "Write to file ›   ", False),
        (b"/nowhere/x.svg\r", "No such file or directory", True),
        (b"?", "Probe with TCP", True),
        (b"\x10", "Search for commands", False),
        (b"reset", "Reset the statistics", False),
        (b"\r", "run 3", False),
    ):
        terminal.press(keys)
        terminal.wait_for(shows)
        if escape:
            terminal.press(b"\x1b")
            terminal.wait_until_gone(shows)
    terminal.press(b"q")
    assert terminal.wait() == 0
