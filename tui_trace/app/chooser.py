"""Which columns the table shows."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from tui_trace.app.columns import ALWAYS, COLUMNS


class ColumnChooser(ModalScreen[None]):
    """A list to tick; the table follows at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,o,q", "dismiss", "close", id="chooser.close", tooltip="Back to the table")
    ]

    def __init__(
        self, display: str, chosen: Sequence[str], choose: Callable[[tuple[str, ...]], None]
    ) -> None:
        """`choose` takes the columns chosen so far, in the order of the table."""
        super().__init__()
        self._display_name = display
        self._chosen = tuple(chosen)
        self._choose = choose

    def compose(self) -> ComposeResult:
        """The list, and how to leave it."""
        with Vertical(id="chooser"):
            yield Static(
                Content(f"Columns of the {self._display_name} display"), id="chooser-title"
            )
            yield SelectionList[str](
                *(
                    Selection(
                        Content(f"{column.title.strip():<7} {column.about}"),
                        column.id,
                        column.id in self._chosen,
                    )
                    for column in COLUMNS.values()
                    if column.id not in ALWAYS
                ),
                id="chooser-list",
            )
            yield Static(Content("Space ticks · Escape leaves"), id="chooser-foot")

    def on_selection_list_selected_changed(self, event: SelectionList.SelectedChanged[str]) -> None:
        """Show the columns that are ticked."""
        ticked = set(event.selection_list.selected)
        kept = [name for name in self._chosen if name in ticked]
        if len(kept) < len(ticked):
            kept = [name for name in COLUMNS if name in ticked]
        self._chosen = tuple(kept)
        self._choose(self._chosen)
