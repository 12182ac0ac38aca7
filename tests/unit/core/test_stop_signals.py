"""What the first signal asks for and the second one does, in a process that is stopped by it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tui_trace.core import stopping

HANGS = 5.0
"""Seconds; a process that is not ended lives on for a minute."""

PROGRAM = """
import signal, sys, threading, time
from tui_trace.core import stopping

stopping.LAST_RESORT = {last_resort}

def stop(number):
    sys.stderr.write("asked " + str(number) + "\\n")
    sys.stderr.flush()
    {stop}

def restore():
    sys.stderr.write("restored\\n")
    sys.stderr.flush()

asked = threading.Event()
with stopping.Stopping(stop, restore, frozenset({{signal.SIGQUIT}})):
    print("ready", flush=True)
    asked.wait(60)
print("after", flush=True)
time.sleep({after})
"""


class Program:
    def __init__(self, stop: str = "", last_resort: float = 60, after: float = 0) -> None:
        code = PROGRAM.format(stop=stop, last_resort=last_resort, after=after)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.output = self.process.stdout
        self.errors = self.process.stderr
        self.expect(b"ready\n")

    def expect(self, line: bytes) -> None:
        assert self.output.readline() == line

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def code(self) -> int:
        return self.process.wait(HANGS)


@pytest.fixture
def started() -> Iterator[type[Program]]:
    programs: list[Program] = []

    class Kept(Program):
        def __init__(self, *args: object, **named: object) -> None:
            super().__init__(*args, **named)  # type: ignore[arg-type]
            programs.append(self)

    yield Kept
    for program in programs:
        program.process.kill()
        program.process.communicate()


@pytest.mark.parametrize("number", sorted(stopping.STOP_SIGNALS))
def test_the_first_asks_and_the_second_ends(started: type[Program], number: signal.Signals) -> None:
    program = started()
    program.send(number)
    assert program.errors.readline() == b"asked %d\n" % number
    time.sleep(0.5)
    assert program.process.poll() is None
    program.send(signal.SIGTERM)
    assert program.code() == 128 + signal.SIGTERM
    assert program.errors.read() == b"restored\n"


def test_what_is_asked_for_may_come_about(started: type[Program]) -> None:
    program = started(stop="asked.set()")
    program.send(signal.SIGINT)
    program.expect(b"after\n")
    assert program.code() == 0


def test_some_signals_do_not_ask(started: type[Program]) -> None:
    program = started()
    program.send(signal.SIGQUIT)
    assert program.code() == 128 + signal.SIGQUIT
    assert program.errors.read() == b"restored\n"


def test_an_end_that_does_not_come_is_not_waited_for_without_end(started: type[Program]) -> None:
    program = started(last_resort=0.5)
    program.send(signal.SIGHUP)
    assert program.code() == 128 + signal.SIGHUP


def test_afterwards_a_signal_ends_it_at_once(started: type[Program]) -> None:
    program = started(stop="asked.set()", after=60)
    program.send(signal.SIGINT)
    program.expect(b"after\n")
    program.send(signal.SIGTERM)
    assert program.code() == -signal.SIGTERM


def test_signals_are_given_back() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with stopping.Stopping(lambda _: None):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= stopping.STOP_SIGNALS
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_full_pipe_takes_nothing_and_a_closed_one_holds_nobody_up() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    assert stopping.takes_output(write)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    assert not stopping.takes_output(write)
    os.close(read)
    assert stopping.takes_output(write)
    os.close(write)
    assert stopping.takes_output(write)
