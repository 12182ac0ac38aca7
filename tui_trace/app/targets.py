"""The targets of the live view, one of which is in the table."""

from collections.abc import Callable
from typing import NamedTuple

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.probe_controls import ControlResult, ProbeControls
from tui_trace.app.render.target_lines import TargetRow
from tui_trace.app.source_thread import SourceThread
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.stream import Reset, Source


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

    def state(self, what: str) -> object:
        """Return what a key of the probe changes: a protocol, or whether something is on."""
        match what:
            case "df":
                return self.controls.settings.df
            case "pause":
                return self.controls.pace.paused
        return self.controls.settings.protocol

    def act(self, what: str) -> None:
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


class TracedTargets:
    """All targets, and which of them is in the table."""

    def __init__(self, first: TracedTarget, *others: TracedTarget) -> None:
        """`first` is in the table."""
        self.all = [first, *others]
        self.place = 0
        """That of the target in the table, from 0 on."""
        for other in others:
            other.tracing.show(False)
        for each in self.all:
            each.controls.is_alone = not others

    @property
    def now(self) -> TracedTarget:
        """Return the target in the table."""
        return self.all[self.place]

    def rows(self) -> list[TargetRow]:
        """Return what the overview shows."""
        return [target.row(place) for place, target in enumerate(self.all)]

    def go_to(self, place: int) -> None:
        """Put this target into the table."""
        self.now.tracing.show(False)
        self.place = place
        self.now.tracing.show(True)

    def act_on_all(self, what: str) -> str:
        """Do what a key does with one, so that all are alike; return how many it changed."""
        if what in ("df", "pause"):
            off = [target for target in self.all if not target.state(what)]
            changed = off or self.all
        elif what == "reset":
            changed = self.all
        else:
            changed = [target for target in self.all if target.state(what) != what]
        for target in changed:
            target.act(what)
        return f"{what}: {len(changed)} of {len(self.all)} targets changed"
