"""The screen that compares runs."""

import threading
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui_trace.app.render.comparison import comparison_lines, most_sides
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.text_screen import TextScreen
from tui_trace.core.settings import ProbeSettings
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.compare import RunComparison, compare_runs
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Run, Snapshot

PAUSE = 1.0
"""Seconds from one comparison to the next."""


class Compared(Message):
    """A comparison was computed."""

    def __init__(self, runs: tuple[Run, ...], comparison: RunComparison) -> None:
        super().__init__()
        self.runs = runs
        self.comparison = comparison


class CompareScreen(TextScreen):
    """Runs side by side; what compares them is slow, and runs in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "dismiss", "close", id="compare.close", tooltip="Back to the table"),
        Binding("left", "other(-1)", "earlier", id="compare.earlier", tooltip="An earlier run"),
        Binding("right", "other(1)", "later", id="compare.later", tooltip="A later run"),
        Binding("plus", "more", "more", id="compare.more", tooltip="One more run beside these"),
        Binding("minus", "less", "less", id="compare.less", tooltip="One run fewer"),
        Binding(
            "b", "alternate", "turns", id="compare.turns", tooltip="Alternate these two settings"
        ),
    ]
    HEADING = "Runs compared"
    HINT = " ← → another run · + - more, fewer · b alternates · ↑ ↓ scroll · Escape leaves"

    def __init__(
        self,
        snapshot: Snapshot,
        label_mode: LabelMode,
        watch: Callable[[tuple[int, ...]], None],
        alternate: Callable[[tuple[ProbeSettings, ProbeSettings] | None], None],
    ) -> None:
        """`watch` asks for runs by their numbers; `look_at` then brings them.

        `alternate` has two settings take turns; None: if they do, no more.
        """
        super().__init__()
        self._snapshot = snapshot
        self._label_mode = label_mode
        self._watch = watch
        self._alternate = alternate
        now = snapshot.run
        self.shown = self._beside(now)
        """Numbers of the runs side by side."""
        self._runs: tuple[Run, ...] = ()
        self._comparison: RunComparison | None = None
        self._comparing = False

    def on_mount(self) -> None:
        """Ask for the runs that are compared."""
        super().on_mount()
        self._watch(self.shown)

    def on_unmount(self) -> None:
        """Ask for no runs any more."""
        self._watch(())

    def _show(self, numbers: tuple[int, ...]) -> None:
        self.shown = tuple(sorted(numbers))
        self._watch(self.shown)

    def look_at(self, snapshot: Snapshot, runs: tuple[Run, ...]) -> None:
        """Take newer runs, and compare them."""
        before, now = self._snapshot.run, snapshot.run
        self._snapshot = snapshot
        if now.number != before.number:
            if now.turns_with:
                self._show(self._beside(now))
            elif not before.turns_with and now.number not in self.shown:
                self._show((*(one for one in self.shown if one != before.number), now.number))
        if len(self._known) > 1 and not set(self.shown) <= set(self._known):
            # a recording went back to where these runs were not yet
            self._show(self._known[-2:])
        self._runs = runs
        self._compare()

    def _beside(self, now: Run) -> tuple[int, ...]:
        """Return the run in force, and one that it takes turns with, or the last one before it."""
        other = now.turns_with[-1] if now.turns_with else max(self._snapshot.earlier)
        return tuple(sorted((other, now.number)))

    @property
    def _known(self) -> tuple[int, ...]:
        return tuple(sorted((*self._snapshot.earlier, self._snapshot.run.number)))

    @property
    def _changing(self) -> int:
        """The run that gives way to another: the first that is not the run in force."""
        now = self._snapshot.run.number
        return next((one for one in self.shown if one != now), self.shown[0])

    def action_other(self, step: int) -> None:
        """Compare with the next later (1) or earlier (-1) run."""
        gone = self._changing
        kept = tuple(one for one in self.shown if one != gone)
        others = [one for one in self._known if one not in kept]
        if len(others) > 1:
            self._show((*kept, others[(others.index(gone) + step) % len(others)]))

    def action_more(self) -> None:
        """Add a run (`+`)."""
        others = [one for one in self._known if one not in self.shown]
        if others and len(self.shown) < most_sides(self.size.width):
            self._show((*self.shown, others[-1]))
        else:
            self.hint("No other run" if not others else "No room for another run")

    def action_less(self) -> None:
        """Remove a run (`-`)."""
        if len(self.shown) > 2:
            gone = self._changing
            self._show(tuple(one for one in self.shown if one != gone))

    def action_alternate(self) -> None:
        """Let the two runs alternate from here on, or stop that (`b`)."""
        if self._snapshot.run.turns_with:
            self._alternate(None)
        elif len(self._runs) == 2:
            self._alternate((self._runs[0].settings, self._runs[1].settings))

    def _compare(self) -> None:
        runs = self._runs
        if self._comparing or tuple(run.number for run in runs) != self.shown:
            return
        if self._comparison is not None and self._comparison.runs == runs:
            return
        self._comparing = True
        threading.Thread(target=self._work, args=(runs,), daemon=True).start()

    def _work(self, runs: tuple[Run, ...]) -> None:
        self.post_message(Compared(runs, compare_runs(runs)))

    def on_compared(self, message: Compared) -> None:
        """Show the comparison, and after a pause look for newer runs."""
        self._comparison = message.comparison
        self.refresh_lines()
        self.set_timer(PAUSE, self._again)

    def _again(self) -> None:
        self._comparing = False
        self._compare()

    def lines(self, width: int) -> list[StyledLine]:
        if self._comparison is None:
            return [[(" comparing …", TextStyle.DIM)]]
        labels = HostLabels(self._snapshot.who, self._label_mode)
        return comparison_lines(self._comparison, width, labels)
