"""Two runs side by side."""

import threading
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui_trace.app.columns import Tone
from tui_trace.app.people import Calling, People
from tui_trace.app.reading import ReadingScreen
from tui_trace.app.rows import Line
from tui_trace.app.sideways import comparison_lines
from tui_trace.session.compare import Comparison, compare
from tui_trace.session.model import Run, Snapshot

_PAUSE = 1.0
"""Seconds from one comparison to the next."""


class Compared(Message):
    """A comparison is done."""

    def __init__(self, runs: tuple[Run, ...], comparison: Comparison) -> None:
        """Of these runs."""
        super().__init__()
        self.runs = runs
        self.comparison = comparison


class CompareScreen(ReadingScreen):
    """The run in force and another one; left and right choose the other.

    What is slow, the tests on the samples, happens in a thread; the view goes on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "dismiss", "close", id="compare.close", tooltip="Back to the table"),
        Binding("left", "other(-1)", "earlier", id="compare.earlier", tooltip="An earlier run"),
        Binding("right", "other(1)", "later", id="compare.later", tooltip="A later run"),
    ]
    HEADING = "Runs compared"
    HINT = " ← → another run · ↑ ↓ scroll · Escape leaves"

    def __init__(
        self, snapshot: Snapshot, calling: Calling, watch: Callable[[tuple[int, ...]], None]
    ) -> None:
        """`watch` asks for runs by their numbers; `look_at` then brings them."""
        super().__init__()
        self._snapshot = snapshot
        self._calling = calling
        self._watch = watch
        self._other = max(snapshot.earlier)
        self._runs: tuple[Run, ...] = ()
        self._comparison: Comparison | None = None
        self._comparing = False

    @property
    def _pair(self) -> tuple[int, ...]:
        return tuple(sorted({self._other, self._snapshot.run.number}))

    def on_mount(self) -> None:
        """Ask for the runs."""
        super().on_mount()
        self._watch(self._pair)

    def on_unmount(self) -> None:
        """They are needed no more."""
        self._watch(())

    def look_at(self, snapshot: Snapshot, runs: tuple[Run, ...]) -> None:
        """How things stand now."""
        before, self._snapshot = self._pair, snapshot
        if self._other == snapshot.run.number or self._other not in snapshot.earlier:
            self._other = max(snapshot.earlier, default=snapshot.run.number)
        if self._pair != before:
            self._watch(self._pair)
        self._runs = runs
        self._compare()

    def action_other(self, step: int) -> None:
        """Left and right."""
        others = self._snapshot.earlier
        if not others:
            return
        self._other = others[(others.index(self._other) + step) % len(others)]
        self._watch(self._pair)

    def _compare(self) -> None:
        runs = self._runs
        if self._comparing or tuple(run.number for run in runs) != self._pair or len(runs) < 2:
            return
        if self._comparison is not None and self._comparison.runs == runs:
            return
        self._comparing = True
        threading.Thread(target=self._work, args=(runs,), daemon=True).start()

    def _work(self, runs: tuple[Run, ...]) -> None:
        self.post_message(Compared(runs, compare(runs)))

    def on_compared(self, message: Compared) -> None:
        """Show it, and after a while look whether there is something newer."""
        self._comparison = message.comparison
        self.tell()
        self.set_timer(_PAUSE, self._again)

    def _again(self) -> None:
        self._comparing = False
        self._compare()

    def lines(self, width: int) -> list[Line]:
        """What there is to read, in `width` cells."""
        if self._comparison is None:
            return [[(" comparing …", Tone.DIM)]]
        people = People(self._snapshot.who, self._calling)
        return comparison_lines(self._comparison, width, people)
