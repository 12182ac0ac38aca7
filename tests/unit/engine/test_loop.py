"""The loop of many targets: what ends one of them ends no other."""

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable

import pytest

from tests.helpers.simulated_engine import Tape
from tui_trace.core.stream import SourceError
from tui_trace.engine.loop import ProbingLoop
from tui_trace.wire.network import Received

MS = 1_000_000


class Silence:
    """A network in which nothing comes; its clock is the machine's."""

    def __init__(self) -> None:
        self.handle = os.eventfd(0, os.EFD_NONBLOCK)
        self.closed = 0

    @property
    def wire(self) -> object:
        return self

    def monotonic(self) -> int:
        return time.monotonic_ns()

    def handles(self, *, wake_on_reply: bool) -> list[int]:  # noqa: ARG002
        return [self.handle]

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received:  # noqa: ARG002
        time.sleep(min(timeout, 5 * MS) / 1e9)
        return Received([])

    def collect(self) -> list:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.handle)
        return []

    def wake(self) -> None:
        os.eventfd_write(self.handle, 1)

    def close(self) -> None:
        self.closed += 1


class Turns:
    """Has so many turns, a millisecond after one another, and fails in the last if asked to."""

    step = 0

    def __init__(self, turns: int, failure: Exception | None = None, early: bool = False) -> None:
        self.network = Silence()
        self.turns, self.failure, self.early = turns, failure, early
        self.had = 0
        self.ended = False
        self.wake: Callable[[], None] = lambda: None
        self.asked = False

    @property
    def is_over(self) -> bool:
        return self.had >= self.turns or self.asked

    def begin(self, _sink: Tape) -> None:
        if self.failure is not None and self.early:
            raise self.failure

    def send_due(self) -> None:
        self.had += 1
        if self.failure is not None and self.had == self.turns:
            raise self.failure

    def wake_at(self, now: int) -> int:
        return now + MS

    def take(self, received: Received) -> None:
        pass

    def pass_time(self, read_at: int) -> None:
        pass

    def end(self) -> None:
        self.ended = True

    def call_when_asked(self, wake: Callable[[], None]) -> None:
        self.wake = wake


def probed(loop: ProbingLoop, each: list[Turns]) -> list[Exception | None]:
    """Probe them at the same time; what was raised for each."""
    raised: list[Exception | None] = [None] * len(each)

    def run(place: int) -> None:
        try:
            loop.probe(each[place], Tape(), place * MS)
        except Exception as error:
            raised[place] = error

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(len(each))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return raised


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("failure", [SourceError("no route"), RuntimeError("a mistake")])
def test_what_breaks_one_target_is_told_there_and_ends_no_other(failure, early: bool) -> None:
    each = [Turns(20), Turns(5, failure, early), Turns(40)]
    raised = probed(ProbingLoop(), each)
    assert raised == [None, failure, None]
    assert [one.ended for one in each] == [True, False, True]
    assert (each[0].had, each[2].had) == (20, 40)
    assert [one.network.closed for one in each] == [1, 1, 1]


def test_a_loop_that_has_ended_begins_again() -> None:
    loop = ProbingLoop()
    for _ in range(3):
        assert probed(loop, [Turns(3), Turns(3)]) == [None, None]


def test_who_is_asked_to_end_ends_at_once() -> None:
    loop = ProbingLoop()
    patient = Turns(1_000_000)
    patient.wake_at = lambda now: now + 60_000 * MS  # type: ignore[method-assign]

    def ask() -> None:
        time.sleep(0.2)
        patient.asked = True
        patient.wake()

    threading.Thread(target=ask, daemon=True).start()
    assert probed(loop, [patient, Turns(2)]) == [None, None]
    assert patient.ended


def test_replies_are_read_though_more_is_due_than_can_be_done() -> None:
    overdue = Turns(40)
    now, read_at = 0, []

    def work() -> None:
        nonlocal now
        now += 5 * MS
        overdue.had += 1

    def receive(_timeout: int, *, wake_on_reply: bool = True) -> Received:  # noqa: ARG001
        read_at.append(now)
        return Received([])

    overdue.network.monotonic = lambda: now  # type: ignore[method-assign]
    overdue.network.receive = receive  # type: ignore[method-assign]
    overdue.send_due = work  # type: ignore[method-assign]
    overdue.wake_at = lambda _now: 0  # type: ignore[method-assign]
    ProbingLoop().probe_alone(overdue, Tape())
    assert overdue.ended
    gaps = [after - before for before, after in itertools.pairwise([0, *read_at])]
    assert max(gaps) <= 25 * MS
