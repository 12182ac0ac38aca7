"""How far a report has come: on a terminal, after two seconds, and gone at its end."""

import io
import os
import pty
import subprocess
import sys

import pytest

from tests.helpers.event_builders import began, opened, reply, sent
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_MS, NS_PER_S, Pace
from tui_trace.report.collector import Collector
from tui_trace.report.progress import Progress


def shown(*steps):
    """What stands on the terminal after events and, as numbers, pulses in ns."""
    terminal = io.StringIO()
    progress = Progress(Collector(), terminal)
    for step in steps:
        if isinstance(step, int):
            progress.pulse(step)
        else:
            progress.event(step)
    return terminal.getvalue()


BEGIN = (began(), ev.PaceSet(at=0, pace=Pace(rounds=10)), opened())
ROUND = ev.RoundBegan(at=1, run=1, round=3)
END = ev.SessionEnded(at=9 * NS_PER_S)


def test_a_quick_report_says_nothing():
    assert shown(*BEGIN, ROUND, 1_999 * NS_PER_MS, END, 9 * NS_PER_S) == ""


def test_a_long_one_says_how_far_it_is_and_cleans_up():
    path = ev.PathEnd(at=1, run=1, ttl=7, reached=True)
    text = shown(*BEGIN, ROUND, path, 2_500 * NS_PER_MS, 2_600 * NS_PER_MS, END)
    assert text == "\r\x1b[Kround 3 of 10, 7 hops, 2 s\r\x1b[K"


def test_a_terminal_that_goes_away_is_no_trouble():
    class Gone(io.StringIO):
        def write(self, _text):
            raise OSError(5, "Input/output error")

    collector = Collector()
    progress = Progress(collector, Gone())
    for event in (*BEGIN, sent(1, 1), reply(1, 1)):
        progress.event(event)
        progress.pulse(3 * NS_PER_S)
    assert len(collector.snapshot().run.hops) == 1


@pytest.mark.slow
def test_in_a_pipe_there_is_no_word_of_progress_and_on_a_terminal_there_is():
    words = ["--lab", "plain", "-r", "-n", "-c", "3", "-i", "1.2"]
    command = [sys.executable, "-m", "tui_trace", *words]
    piped = subprocess.run(command, capture_output=True, text=True, check=True)
    assert piped.stderr == ""
    assert piped.stdout.count("|--") == 12
    ours, theirs = pty.openpty()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    assert b"of 3, 12 hops" in os.read(ours, 65_536)
    os.close(ours)
    assert "\x1b" not in done.stdout
    assert done.stdout.count("|--") == 12
