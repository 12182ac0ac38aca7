"""A filter between a source and a sink passes on whatever it does not change."""

import pytest

from tui_trace.core.events import Event, Notice, SessionEnded
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Command, Reset, Sink, SourceError


class Inner:
    """A source of one notice, and then the end."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.stops = 0

    def run(self, sink: Sink) -> None:
        sink.event(Notice(at=1, text="inner"))
        sink.pulse(2)
        sink.event(SessionEnded(at=3))
        sink.pulse(3)

    def command(self, command: Command) -> None:
        self.commands.append(command)

    def stop(self) -> None:
        self.stops += 1


class Refusing(Inner):
    def run(self, sink: Sink) -> None:
        super().run(sink)
        raise SourceError("no such network")


class Tape:
    def __init__(self) -> None:
        self.heard: list[Event | int] = []

    def event(self, event: Event) -> None:
        self.heard.append(event)

    def pulse(self, at: int) -> None:
        self.heard.append(at)


def test_everything_passes_in_its_order() -> None:
    tape = Tape()
    SourceFilter(Inner()).run(tape)
    assert tape.heard == [Notice(at=1, text="inner"), 2, SessionEnded(at=3), 3]


def test_commands_and_the_end_reach_the_inner_source() -> None:
    inner = Inner()
    outer = SourceFilter(SourceFilter(inner))
    outer.command(Reset())
    outer.stop()
    assert (inner.commands, inner.stops) == ([Reset()], 1)


def test_an_error_of_the_inner_source_comes_through() -> None:
    with pytest.raises(SourceError, match="no such network"):
        SourceFilter(Refusing()).run(Tape())


def test_a_subclass_changes_only_what_it_overrides() -> None:
    class Shouting(SourceFilter):
        def event(self, event: Event) -> None:
            if isinstance(event, Notice):
                event = Notice(at=event.at, text=event.text.upper())
            super().event(event)

    tape = Tape()
    Shouting(SourceFilter(Inner())).run(tape)
    assert tape.heard == [Notice(at=1, text="INNER"), 2, SessionEnded(at=3), 3]
