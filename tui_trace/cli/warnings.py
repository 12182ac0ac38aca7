"""Warnings beside a report: only once it is sure that there will be one."""

import sys
from collections.abc import Sequence

from tui_trace.core.events import Event, RunOpened
from tui_trace.core.sanitize import error_line
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Source


class WarningsSource(SourceFilter):
    """A source that prints warnings to standard error when its first run opens.

    If the source fails before its first run, only the error is printed, not these warnings.
    """

    def __init__(self, source: Source, warnings: Sequence[str]) -> None:
        """Each warning is one line of text."""
        super().__init__(source)
        self._warnings = warnings

    def event(self, event: Event) -> None:
        """Print the warnings once, before the first `RunOpened`."""
        if self._warnings and isinstance(event, RunOpened):
            for warning in self._warnings:
                sys.stderr.write(error_line(warning))
            self._warnings = ()
        self._sink.event(event)
