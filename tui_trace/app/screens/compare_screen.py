"""The screen that compares runs, of this session and of others."""

import threading
from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui_trace.app.control.history import SessionHistory
from tui_trace.app.control.run_choice import RunChoice, RunKey
from tui_trace.app.control.saved_sessions import SavedSessions, origin_of
from tui_trace.app.render.comparison import comparison_lines, most_sides
from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.app.screens.sessions_screen import SessionsScreen
from tui_trace.core.durations import local_minute
from tui_trace.core.settings import ProbeSettings
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.compare import RunComparison, compare_runs
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.run_origin import Origin
from tui_trace.session.snapshot import Run, Snapshot

PAUSE = 1.0
"""Seconds from one comparison to the next."""
_ALONE = "Only one run so far: o chooses another session; another setting opens another run."


class Compared(Message):
    """A comparison was computed."""

    def __init__(self, runs: tuple[Run, ...], comparison: RunComparison) -> None:
        super().__init__()
        self.runs = runs
        self.comparison = comparison


class CompareScreen(OverLiveText):
    """Runs side by side; what compares them is slow, and runs in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "dismiss", "close", id="compare.close", tooltip="Back to the table"),
        Binding("left", "other(-1)", "earlier", id="compare.earlier", tooltip="An earlier run"),
        Binding("right", "other(1)", "later", id="compare.later", tooltip="A later run"),
        Binding(
            "greater_than_sign", "more", "more", id="compare.more", tooltip="One more run beside"
        ),
        Binding("less_than_sign", "less", "less", id="compare.less", tooltip="One run fewer"),
        Binding(
            "o",
            "sessions",
            "session",
            id="compare.sessions",
            tooltip="Runs of another session: a recording, or a file",
        ),
        Binding(
            "b", "alternate", "turns", id="compare.turns", tooltip="Alternate these two settings"
        ),
    ]
    HEADING = "Runs compared"
    HINT = " ← → run · > < more, fewer · o session · b turns · t u i P …: probe · Escape"

    def __init__(
        self,
        snapshot: Snapshot,
        label_mode: LabelMode,
        *,
        watch: Callable[[tuple[int, ...]], None],
        alternate: Callable[[tuple[ProbeSettings, ProbeSettings] | None], None],
        sessions: SavedSessions,
        history: SessionHistory,
    ) -> None:
        """`watch` asks for runs by their numbers; `look_at` then brings them.

        `alternate` has two settings take turns; None: if they do, no more. `sessions` has the
        other sessions, `history` is the past of this one.
        """
        super().__init__()
        self._snapshot = snapshot
        self._label_mode = label_mode
        self._watch = watch
        self._alternate = alternate
        self._sessions = sessions
        self._history = history
        self._choice = RunChoice(snapshot)
        self._others: dict[RunKey, tuple[Run, Origin]] = {}
        """Runs of other sessions."""
        self._put_beside()
        self._choice.show_turns()
        self._asked: tuple[int, ...] = ()
        self._runs: tuple[Run, ...] = ()
        """Of this session."""
        self._comparison: RunComparison | None = None
        self._comparing = False

    @property
    def shown(self) -> tuple[RunKey, ...]:
        """The runs side by side."""
        return self._choice.shown

    def on_mount(self) -> None:
        """Ask for the runs that are compared."""
        super().on_mount()
        self._ask()

    def on_unmount(self) -> None:
        """Ask for no runs any more."""
        self._watch(())

    def _ask(self) -> None:
        if self._asked != self._choice.own:
            self._asked = self._choice.own
            self._watch(self._asked)

    def _chosen(self) -> None:
        self._ask()
        self._compare()
        self.refresh_lines()

    def look_at(self, snapshot: Snapshot, runs: tuple[Run, ...]) -> None:
        """Take newer runs, and compare them."""
        self._snapshot = snapshot
        self._choice.follow(snapshot)
        self._ask()
        self._runs = runs
        self._compare()

    def action_other(self, step: int) -> None:
        """Compare with the next later (1) or earlier (-1) run."""
        before = self._choice.shown
        self._choice.other(step)
        if self._choice.shown == before:
            self.show_message("No other run")
        self._chosen()

    def action_more(self) -> None:
        """Add a run (`>`)."""
        if why_not := self._choice.more(most_sides(self.size.width)):
            self.show_message(why_not)
        self._chosen()

    def action_less(self) -> None:
        """Remove a run (`<`)."""
        self._choice.less()
        self._chosen()

    def action_alternate(self) -> None:
        """Let the two runs alternate from here on, or stop that (`b`)."""
        if self._snapshot.run.turns_with:
            self._alternate(None)
        elif not self._choice.is_own:
            self.show_message("Only runs of this session can alternate")
        elif len(self._runs) == 2:
            self._alternate((self._runs[0].settings, self._runs[1].settings))

    # --- other sessions

    def action_sessions(self) -> None:
        """Choose another session (`o`)."""
        before = self._sessions.chosen

        def close(_: None) -> None:
            if self._sessions.chosen is not before:
                self._put_beside()
                self._chosen()

        self.app.push_screen(SessionsScreen(self._sessions, self._snapshot, self._history), close)

    def _put_beside(self) -> None:
        """Offer the runs of the sessions that were chosen."""
        present = self._snapshot.wall
        ordered = sorted(self._sessions.chosen, key=lambda one: one.origin.began)
        before = sum(one.origin.began <= present for one in ordered)
        self._others = {
            RunKey(place - before + (place >= before), run.number): (run, one.origin)
            for place, one in enumerate(ordered)
            for run in one.runs
        }
        if self._others:
            self._choice.put_beside([(key, run) for key, (run, _) in self._others.items()])

    def _present(self) -> Origin:
        is_replay = self._history.playback is not None
        snapshot = self._snapshot
        name = local_minute(snapshot.wall) if is_replay else ""
        return origin_of(snapshot, name, 1 + len(snapshot.earlier))

    # --- comparing

    def _sides(self) -> list[tuple[Run, Origin]]:
        """Return the runs that are shown, as far as they are there."""
        present = self._present()
        own = {RunKey(0, run.number): (run, present) for run in self._runs}
        known = own | self._others
        return [known[key] for key in self.shown if key in known]

    def _compare(self) -> None:
        sides = self._sides()
        if self._comparing or len(sides) < max(len(self.shown), 2):
            return
        runs = tuple(run for run, _ in sides)
        if self._comparison is not None and self._comparison.runs == runs:
            return
        origins = () if self._choice.is_own else tuple(origin for _, origin in sides)
        self._comparing = True
        threading.Thread(target=self._work, args=(runs, origins), daemon=True).start()

    def _work(self, runs: tuple[Run, ...], origins: tuple[Origin, ...]) -> None:
        self.post_message(Compared(runs, compare_runs(runs, origins)))

    def on_compared(self, message: Compared) -> None:
        """Show the comparison, and after a pause look for newer runs."""
        self._comparison = message.comparison
        self.refresh_lines()
        self.set_timer(PAUSE, self._again)

    def _again(self) -> None:
        self._comparing = False
        self._compare()

    def lines(self, width: int) -> list[StyledLine]:
        if len(self.shown) < 2:
            return wrapped(_ALONE, width, TextStyle.PLAIN)
        if self._comparison is None:
            return [[(" comparing …", TextStyle.DIM)]]
        named = [one.who for one in self._sessions.chosen]
        who = {
            address: info for each in (*named, self._snapshot.who) for address, info in each.items()
        }
        return comparison_lines(self._comparison, width, HostLabels(who, self._label_mode))
