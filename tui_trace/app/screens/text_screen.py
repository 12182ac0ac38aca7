"""A screen of text, kept up to date while it is open."""

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.widgets.footer import KeyLine
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.report.cell_text import TextStyle


class TextScreen(ModalScreen[None]):
    """A screen with a title and text that can be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close", id="reading.close", tooltip="Back to the table"),
        Binding("up", "scroll(-1)", "up", id="reading.up", tooltip="Scroll up"),
        Binding("down", "scroll(1)", "down", id="reading.down", tooltip="Scroll down"),
        Binding("pageup", "page(-1)", "page up", id="reading.page_up", tooltip="A page up"),
        Binding("pagedown", "page(1)", "page down", id="reading.page_down", tooltip="A page down"),
    ]
    AUTO_FOCUS = ""
    HEADING = ""
    HINT = " ↑ ↓ scroll · Escape leaves"

    def compose(self) -> ComposeResult:
        yield StyledLines(id="reading-title")
        with VerticalScroll(id="reading-box", can_focus=False):
            yield StyledLines(id="reading")
        yield KeyLine(self.HINT, id="reading-hint")

    @abstractmethod  # for mypy, which checks it; Textual's metaclass rules out `abc.ABC`
    def lines(self, width: int) -> list[StyledLine]:
        """Return the lines to read, in `width` cells."""

    def on_mount(self) -> None:
        self.query_one("#reading-title", StyledLines).show(
            [[(f" {self.HEADING}", TextStyle.STRONG)]]
        )
        self.refresh_lines()

    def show_message(self, text: str, *, lasting: bool = False) -> None:
        """Show a message in place of the keys, for a moment or until it is removed."""
        self.query_one(KeyLine).show_message(text, lasting=lasting)

    def clear_message(self) -> None:
        """Remove the message."""
        self.query_one(KeyLine).clear_message()

    def on_resize(self) -> None:
        self.refresh_lines()

    def refresh_lines(self) -> None:
        """Draw what has changed."""
        width = self.query_one("#reading-box").size.width or self.size.width
        shown = self.query_one("#reading", StyledLines)
        lines = self.lines(width)
        if shown.styles.height is None or shown.styles.height.value != len(lines):
            shown.styles.height = len(lines)
        shown.show(lines)

    def action_scroll(self, step: int) -> None:
        """Scroll so many lines."""
        self.query_one("#reading-box").scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Scroll a page up or down."""
        box = self.query_one("#reading-box")
        box.scroll_relative(y=step * box.size.height, animate=False)
