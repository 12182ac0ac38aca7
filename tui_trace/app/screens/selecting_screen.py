"""A screen of text with rows that can be selected."""

from abc import abstractmethod
from collections.abc import Sequence

from tui_trace.app.screens.text_screen import TextScreen

POINTER = "▶"
"""What the line of the selected row begins with."""


class SelectingScreen(TextScreen):
    """A screen of text in which one row is selected; a number stands for each row."""

    def __init__(self, selected: int | None = None) -> None:
        """Begin with this row; None: with no one."""
        super().__init__()
        self._selected = selected

    @abstractmethod  # for mypy, which checks it; Textual's metaclass rules out `abc.ABC`
    def choices(self) -> Sequence[int]:
        """Return the rows that can be selected, from above to below."""

    def action_select(self, step: int) -> None:
        """Select the row so many rows below, or above; without rows, scroll."""
        rows = list(self.choices())
        if not rows:
            self.action_scroll(step)
            return
        self.clear_message()
        now = rows.index(self._selected) if self._selected in rows else -1 if step > 0 else 0
        self._selected = rows[(now + step) % len(rows)]
        self.refresh_lines()
        self._scroll_to_selected()

    def _scroll_to_selected(self) -> None:
        box = self.query_one("#reading-box")
        lines = self.lines(box.size.width or self.size.width)
        place = next((n for n, line in enumerate(lines) if line and line[0][0][:1] == POINTER), 0)
        above, height = round(box.scroll_y), box.size.height
        if not above <= place < above + height:
            box.scroll_to(y=max(0, place - height // 2), animate=False)
