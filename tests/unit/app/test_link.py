"""How much may be on its way to a terminal that takes so many bytes a second."""

from collections.abc import Iterator

import pytest

from tui_trace.app.terminal.link import LEAST, Link


class Line:
    """A terminal that answers, at the end of a line, and a picture that never ends."""

    def __init__(self, rate: float, delay: float = 0) -> None:
        """`rate` in bytes a second, `delay` in seconds, there and back."""
        self.rate, self.delay = rate, delay
        self.now = 100.0
        self.link = Link(self.now)
        self.free = self.now
        """When what was written has come through."""
        self.answers: list[float] = []
        self.drawn = 0
        self._write(50)
        self._ask()

    def _write(self, count: int) -> None:
        self.link.wrote(count, self.now)
        self.free = max(self.free, self.now) + count / self.rate
        self.drawn += count

    def _ask(self) -> None:
        self.link.wrote(4, self.now, asks=True)
        self.free += 4 / self.rate
        self.answers.append(self.free + self.delay)

    def run(self, seconds: float) -> Iterator[float]:
        """The seconds of writing that are on their way, at every look."""
        end = self.now + seconds
        while self.now < end:
            while self.answers and self.answers[0] <= self.now:
                self.link.answer(self.answers.pop(0))
            while room := self.link.room(self.now):
                self._write(room)
                if self.link.should_ask(self.now, waits=True):
                    self._ask()
            if self.link.should_ask(self.now, waits=True):
                self._ask()
            yield max(self.free - self.now, 0)
            self.now += 0.01


@pytest.mark.parametrize("rate", [300, 960, 2000, 9600, 115_200, 10_000_000])
@pytest.mark.parametrize("delay", [0, 0.05, 0.3])
def test_little_is_on_its_way(rate: float, delay: float) -> None:
    line = Line(rate, delay)
    list(line.run(3 + 4096 / rate))  # before the first answer nothing is known
    waits = list(line.run(30))
    assert max(waits) <= max(0.8, 2 * LEAST / rate)


@pytest.mark.parametrize(("rate", "least"), [(960, 0.9), (9600, 0.6), (115_200, 0.5)])
def test_a_line_is_used(rate: float, least: float) -> None:
    line = Line(rate, 0.01)
    list(line.run(2 + 4096 / rate))
    before = line.drawn
    list(line.run(10))
    assert line.drawn - before >= 10 * rate * least


def test_a_line_that_gets_slower_is_noticed() -> None:
    line = Line(100_000)
    list(line.run(3))
    line.rate = 1000
    list(line.run(40))
    assert max(line.run(10)) <= 0.8


def test_an_answer_that_got_lost_does_not_stop_the_view() -> None:
    line = Line(9600)
    list(line.run(2))
    line.answers.clear()
    before = line.drawn
    line.delay = 1e9
    list(line.run(20))
    # a little every few seconds
    assert 2 * LEAST <= line.drawn - before <= 5 * LEAST + 4096


def test_a_silent_terminal_gets_what_the_kernel_takes() -> None:
    link = Link(0)
    assert link.room(0.1)
    assert link.room(2)
    assert link.is_silent(2)
    assert not link.awaits
    assert not link.should_ask(2, waits=True)


def test_a_silent_terminal_that_is_slow_gets_less_than_it_takes() -> None:
    """The kernel stores 19 kB of a pseudo-terminal, and says when that is full."""
    link, rate, stored, now, waits = Link(0), 1000.0, 0.0, 1.0, []
    while now < 120:
        stored = max(stored - rate * 0.01, 0)
        room = link.room(now)
        if room and stored + room <= 19_000:
            link.wrote(room, now)
            stored += room
        elif room:
            link.is_full(now)
        waits.append(stored / rate)
        now += 0.01
    assert max(waits) > 15
    assert min(waits[6000:]) < 1, "it never drains"
