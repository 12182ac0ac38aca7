"""The screen of all targets."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.target_lines import TargetRow, ordered, target_lines
from tui_trace.app.screens.several_screen import KEYS_OF_ALL, SeveralControls, SeveralScreen

_FILTER = "filter"


class TargetsScreen(SeveralScreen):
    """A row for each target; keys of the probe act on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("T", "dismiss", "close", id="targets.close", tooltip="Back to the table"),
        Binding("slash", "filter", "filter", id="targets.filter", tooltip="Show some of them"),
    ]
    HEADING = "Targets"
    HINT = f" ↑ ↓ select · Enter opens · / filters · {KEYS_OF_ALL} · Escape"

    def __init__(
        self, rows: Callable[[], Sequence[TargetRow]], *, now: int, controls: SeveralControls
    ) -> None:
        """`now` is the place of the target in the table."""
        super().__init__(now, controls)
        self._rows = rows
        self._wanted = ""

    def lines(self, width: int) -> list[StyledLine]:
        return target_lines(self._rows(), width, self._selected, self._wanted)

    def choices(self) -> Sequence[int]:
        return [row.place for row in ordered(self._rows(), self._wanted)]

    def action_filter(self) -> None:
        """Ask which targets to show (`/`)."""
        self.open_prompt(_FILTER, self._wanted)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the targets that contain what is typed."""
        if self.prompt.question == _FILTER:
            self._wanted = event.value.strip()
            self.refresh_lines()

    def answer(self, text: str) -> None:
        """Keep the filter, and let the keys act again; or set what was asked for."""
        if self.prompt.question == _FILTER:
            self.shut_prompt()
        else:
            super().answer(text)
