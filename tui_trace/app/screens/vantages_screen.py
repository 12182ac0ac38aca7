"""The screen of one target from several vantages."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.vantage_lines import VantageState, both_ways_lines, vantage_lines
from tui_trace.app.screens.several_screen import KEYS_OF_ALL, SeveralControls, SeveralScreen
from tui_trace.session.host_labels import LabelMode


class VantagesScreen(SeveralScreen):
    """The paths from all vantages, merged; keys of the probe act on all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "dismiss", "close", id="vantages.close", tooltip="Back to the table"),
        Binding("left", "select(-1)", "left", id="vantages.left", tooltip="The vantage before"),
        Binding("right", "select(1)", "right", id="vantages.right", tooltip="The next vantage"),
    ]
    HINT = f" ← → select · Enter: this one alone · {KEYS_OF_ALL} · Escape"

    def __init__(
        self,
        states: Callable[[], Sequence[VantageState]],
        mode: Callable[[], LabelMode],
        *,
        now: int,
        controls: SeveralControls,
        reverse: bool = False,
    ) -> None:
        """`now` is the place of the session in the table, `mode` how hosts are called.

        `reverse`: it is the way to a place, and the way back.
        """
        super().__init__(now, controls)
        self._states = states
        self._mode = mode
        self._show = both_ways_lines if reverse else vantage_lines
        self.HEADING = "There and back" if reverse else "Vantages"

    def lines(self, width: int) -> list[StyledLine]:
        return self._show(self._states(), width, self._selected, self._mode())

    def _scroll_to_selected(self) -> None:
        """Stay: the selected vantage is a column."""

    def choices(self) -> Sequence[int]:
        return [state.place for state in self._states()]
