"""The targets of the live view, one of which is in the table."""

from collections.abc import Callable
from typing import NamedTuple

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.render.target_lines import TargetRow
from tui_trace.app.source_thread import SourceThread
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.stream import Command, Reset, Source


class TargetSource(NamedTuple):
    """A target of the command line."""

    host: str
    source: Source
    settings: ProbeSettings


class TracedTarget:
    """One target that is being traced."""

    def __init__(
        self, host: str, controls: ProbeControls, tracing: SourceThread, history: SessionHistory
    ) -> None:
        """`tracing` has not begun yet."""
        self.host = host
        self.controls = controls
        self.tracing = tracing
        self.history = history

    def row(self, place: int) -> TargetRow:
        """Return what the overview shows of it."""
        return TargetRow(place, self.host, self.tracing.last, self.tracing.failure)

    def act(self, what: str) -> Command | None:
        """Do what a key of the probe does."""
        keys: dict[str, Callable[[], ControlResult]] = {
            "df": self.controls.dont_fragment,
            "pause": self.controls.pause,
            "reset": lambda: ControlResult(Reset()),
        }
        act = keys.get(what)
        done = self.controls.protocol(what) if act is None else act()
        if done.command is not None:
            self.tracing.command(done.command)
        return done.command
