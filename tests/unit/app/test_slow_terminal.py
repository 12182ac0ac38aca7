"""The view in a terminal that takes little, or nothing for a while."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.helpers.network.slow_terminal import SlowTerminal
from tests.helpers.places import ROOT

pytestmark = pytest.mark.slow

STORED = 4096
"""Bytes that the kernel stores for the reader of a pseudo-terminal and cannot be told to forget."""


@pytest.fixture
def demo() -> Iterator[Callable[..., SlowTerminal]]:
    """The live view over a made-up path; nothing is sent."""
    begun: list[SlowTerminal] = []

    def start(**more: object) -> SlowTerminal:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        args = [sys.executable, "-m", "tests.helpers.app.demo_view"]
        terminal = SlowTerminal(subprocess.Popen, args, env=environment, **more)
        begun.append(terminal)
        terminal.wait_for(shows("203.0.113.80", "● live"))
        return terminal

    yield start
    for terminal in begun:
        terminal.close()


def shows(*texts: str) -> Callable[[list[str]], bool]:
    return lambda lines: all(text in "\n".join(lines) for text in texts)


def faster(terminal: SlowTerminal) -> None:
    """Ten rounds a second: more to draw than a slow line takes."""
    terminal.press(b"------")
    terminal.wait_for(shows("every 0.1 s"))


@pytest.mark.parametrize("answers", [True, False], ids=["answering", "silent"])
def test_q_is_obeyed_at_once(demo: Callable[..., SlowTerminal], answers: bool) -> None:
    terminal = demo(rate=5000, answers=answers)
    faster(terminal)
    terminal.rate = rate = 960
    time.sleep(6)
    before = len(terminal.raw)
    terminal.press(b"q")
    terminal.wait(30)
    assert terminal.process.returncode == 0
    terminal.rate = None
    terminal.drained(30)
    left = terminal.raw[before:]
    drawn, leave, table = left.partition(b"\x1b[?1049l")
    assert leave
    assert b"203.0.113.80" in table
    # what was on its way, and what goes out until a busy machine has read the key
    assert len(drawn) <= (540 if answers else STORED) + rate


def test_a_terminal_that_takes_nothing_gets_the_newest_picture(
    demo: Callable[..., SlowTerminal],
) -> None:
    terminal = demo()
    faster(terminal)
    terminal.rate = 1
    before = len(terminal.raw)
    time.sleep(4)  # some forty pictures
    terminal.answers = False
    terminal.rate = None
    time.sleep(0.5)
    stored = len(terminal.raw) - before
    assert stored < 8192, "pictures were stored"
    terminal.answers = True
    terminal.press(b" ")
    terminal.wait_for(shows("paused"))


def test_the_whole_picture_comes_back_after_a_change_of_size(
    demo: Callable[..., SlowTerminal],
) -> None:
    terminal = demo()
    terminal.press(b" ")
    terminal.wait_for(shows("paused"))
    before = settled(terminal)
    terminal.screen.reset()
    os.kill(terminal.process.pid, signal.SIGWINCH)
    terminal.wait_for(lambda lines: without_clock(lines) == before)


def settled(terminal: SlowTerminal) -> list[str]:
    """The lines but the clock, once they have stayed as they are for a while."""
    before: list[str] = []
    end = time.monotonic() + 30
    while (now := without_clock(terminal.lines)) != before:
        assert time.monotonic() < end, "it goes on"
        before = now
        time.sleep(1.5)
    return before


def without_clock(lines: list[str]) -> list[str]:
    """The lines but the one that says what time it is."""
    return lines[:2] + lines[3:]
