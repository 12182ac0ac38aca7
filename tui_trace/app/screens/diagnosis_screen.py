"""The screen of Diagnose: settings in turns, a table that fills, and a sentence."""

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.control.diagnosis import DiagnosisTurns
from tui_trace.app.render.diagnosis_table import diagnosis_lines
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.core.stream import Command, TakeTurns
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Run, Snapshot


class DiagnosisScreen(OverLiveText):
    """The settings take turns while it is open; what was in force before comes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "dismiss", "close", id="diagnosis.close", tooltip="Back to the table")
    ]
    HEADING = "Diagnosis: settings in turns"
    HINT = " ↑ ↓ scroll · Escape ends it and goes on as before"

    def __init__(
        self,
        asked: TakeTurns,
        snapshot: Snapshot,
        label_mode: LabelMode,
        *,
        watch: Callable[[tuple[int, ...]], None],
        send: Callable[[Command], None],
    ) -> None:
        """`watch` asks for runs by their numbers; `look_at` then brings them."""
        super().__init__()
        self._turns = DiagnosisTurns(asked, snapshot)
        self._snapshot = snapshot
        self._label_mode = label_mode
        self._watch = watch
        self._send = send

    def on_unmount(self) -> None:
        """Go on as before."""
        self._watch(())
        if command := self._turns.leave():
            self._send(command)

    def look_at(self, snapshot: Snapshot, runs: tuple[Run, ...]) -> None:
        """Show newer runs, and end the turns if they are sure enough."""
        self._snapshot = snapshot
        known = self._turns.numbers
        command = self._turns.look_at(snapshot, runs)
        if self._turns.numbers != known:
            self._watch(self._turns.numbers)
        if command is not None:
            self._send(command)
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        trouble = self._snapshot.trouble
        why = [[(f" {trouble}", TextStyle.WARN)]] if trouble else []
        if self._snapshot.pace.paused:
            why.append([(" paused: Escape, then p", TextStyle.WARN)])
        if self._snapshot.ended:
            why.append([(" the session has ended: nothing is sent any more", TextStyle.WARN)])
        if self._turns.diagnosis is None:
            return [[(" trying settings in turns …", TextStyle.DIM)], *why]
        labels = HostLabels(self._snapshot.who, self._label_mode)
        return [*diagnosis_lines(self._turns.diagnosis, width, labels), *why]
