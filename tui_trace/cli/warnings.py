"""Warnings beside a report: only once it is sure that there will be one."""

import sys
from collections.abc import Sequence

from tui_trace.core.events import Event, RunOpened
from tui_trace.core.sanitize import error_line
from tui_trace.core.stream import Command, Sink, Source


class WarningsSource:
    """A source that prints lines to standard error as its first run opens.

    What keeps it from that is told in a line of its own, and no other shall stand beside it.
    """

    def __init__(self, source: Source, warnings: Sequence[str]) -> None:
        """Nothing is printed yet."""
        self._source = source
        self._warnings = warnings

    def run(self, sink: Sink) -> None:
        """As the source does; blocks."""
        self._source.run(_Heard(sink, self._warnings))

    def command(self, command: Command) -> None:
        """Ask the source."""
        self._source.command(command)

    def stop(self) -> None:
        """End the source."""
        self._source.stop()


class _Heard:
    def __init__(self, sink: Sink, warnings: Sequence[str]) -> None:
        self._warnings = warnings
        self._sink = sink
        self.pulse = sink.pulse

    def event(self, event: Event) -> None:
        if self._warnings and isinstance(event, RunOpened):
            for warning in self._warnings:
                sys.stderr.write(error_line(warning))
            self._warnings = ()
        self._sink.event(event)
