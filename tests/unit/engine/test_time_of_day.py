"""Times of day, after the clock was set and after the machine slept."""

from dataclasses import dataclass

from tui_trace.core.durations import describe_clock_step
from tui_trace.core.events import ClockStepped
from tui_trace.core.settings import NS_PER_S
from tui_trace.engine.clock_step import ClockChange, TimeOfDay, suspended

HOUR = 3600 * NS_PER_S


@dataclass
class Clocks:
    monotonic: int = 5
    ahead: int = 10**18
    asleep: int = 7

    def time_of_day(self) -> TimeOfDay:
        return TimeOfDay(
            lambda: self.monotonic, lambda: self.monotonic + self.ahead, lambda: self.asleep
        )


def test_a_clock_that_was_set_is_told_once() -> None:
    clocks = Clocks()
    watch = clocks.time_of_day()
    assert watch.change() is None
    clocks.ahead -= HOUR
    assert watch.change() == ClockChange(step=-HOUR, asleep=0)
    assert watch.change() is None


def test_sleep_is_no_step_of_the_clock() -> None:
    clocks = Clocks()
    watch = clocks.time_of_day()
    clocks.ahead += 8 * HOUR
    clocks.asleep += 8 * HOUR
    assert watch.change() == ClockChange(step=0, asleep=8 * HOUR)
    clocks.ahead += 9 * HOUR
    clocks.asleep += 8 * HOUR
    assert watch.change() == ClockChange(step=HOUR, asleep=8 * HOUR)


def test_small_steps_are_told_once_they_make_half_a_second() -> None:
    clocks = Clocks()
    watch = clocks.time_of_day()
    told = []
    for _ in range(8):
        clocks.ahead += NS_PER_S // 5
        told.append(watch.change())
    steps = [change.step for change in told if change is not None]
    assert steps == [3 * NS_PER_S // 5] * 2


def test_this_machine_has_slept_for_some_time_or_not_at_all() -> None:
    assert suspended() >= 0


def test_it_is_said_in_words() -> None:
    assert (
        describe_clock_step(ClockStepped(0, 1, step=-NS_PER_S)) == "the clock was set back by 1.0 s"
    )
    both = ClockStepped(0, 1, step=HOUR, asleep=2 * HOUR)
    assert describe_clock_step(both) == (
        "the machine slept for 2:00:00, the clock was set forward by 1:00:00"
    )
    stopped = ClockStepped(0, 1, stopped=20 * NS_PER_S)
    assert describe_clock_step(stopped) == "this program did not run for 0:20"
