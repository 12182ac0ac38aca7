"""The screen that chooses the columns of the table."""

from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_trace.report.hop_columns import ALWAYS, COLUMNS

_CLOSING = ("enter", "escape", "o", "q")
_KEYS = "Space ticks · Enter closes"


class ColumnChooser(ModalScreen[None]):
    """A list of columns to tick; the table follows at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(_CLOSING),
            "dismiss",
            "close",
            id="chooser.close",
            tooltip="Back to the table",
            priority=True,
        ),
        Binding("space", "tick", "tick", id="chooser.tick", tooltip="Show or hide the column"),
    ]

    def __init__(
        self,
        display: str,
        chosen: Sequence[str],
        choose: Callable[[tuple[str, ...]], None],
        left_out: Callable[[], Collection[str]],
    ) -> None:
        """`choose` takes the columns chosen so far, in the order of the table.

        `left_out` tells those for which the terminal is too narrow.
        """
        super().__init__()
        self._left_out = left_out
        self._display_name = display
        self._chosen = tuple(chosen)
        self._choose = choose
        self._names = [name for name in COLUMNS if name not in ALWAYS]

    def compose(self) -> ComposeResult:
        """Compose the list and its title."""
        with Vertical(id="chooser") as box:
            box.border_title = f"Columns: {self._display_name}"
            box.border_subtitle = _KEYS
            yield OptionList(*(Option(self._line(name)) for name in self._names))

    def _line(self, name: str) -> Content:
        column = COLUMNS[name]
        tick = "x" if name in self._chosen else " "
        about = "no room at this width" if name in self._left_out() else column.explanation
        return Content(f"[{tick}] {column.title.strip():<7} {about}")

    def on_key(self, event: Key) -> None:
        """Say that a key does nothing here."""
        bound = self.active_bindings.get(event.key)
        moves = bound is not None and isinstance(bound.node, OptionList)
        known = moves or event.key in _CLOSING or event.key == "space"
        name = self.app.get_key_display(Binding(event.key, ""))
        words = _KEYS if known else f"{name}: nothing here · {_KEYS}"
        self.query_one("#chooser").border_subtitle = words

    def action_tick(self) -> None:
        """Tick the highlighted column, as the mouse does."""
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show the column, or hide it."""
        name = self._names[event.option_index]
        if name in self._chosen:
            self._chosen = tuple(one for one in self._chosen if one != name)
        else:
            self._chosen = tuple(one for one in COLUMNS if one in (*self._chosen, name))
        self._choose(self._chosen)
        for index, one in enumerate(self._names):
            event.option_list.replace_option_prompt_at_index(index, self._line(one))
