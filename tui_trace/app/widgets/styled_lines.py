"""Widgets drawn line by line from styled text."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.report.cell_text import TextStyle

CURSOR = "style--cursor"
TITLE = "style--title"
CLASSES = frozenset({f"style--{style.value}" for style in TextStyle} | {CURSOR, TITLE})


class StylePalette:
    """The colours of a widget's styles, looked up once and kept until the theme changes."""

    def __init__(self, widget: Widget) -> None:
        """`widget` has `CLASSES` among its component classes."""
        self._widget = widget
        self._found: dict[TextStyle | str, Style] = {}

    def reset(self) -> None:
        """Forget the colours: the theme or a style sheet changed."""
        self._found.clear()

    def rich_style(self, style: TextStyle) -> Style:
        """Return the colours and attributes of a style."""
        try:
            return self._found[style]
        except KeyError:
            found = self._widget.get_component_rich_style(f"style--{style.value}")
            return self._found.setdefault(style, found)

    def over(self, name: str) -> Style:
        """Return `CURSOR` or `TITLE` without a colour of its text, to be laid over a style."""
        try:
            return self._found[name]
        except KeyError:
            full = self._widget.get_component_rich_style(name)
            style = Style(
                bgcolor=full.bgcolor,
                bold=full.bold or None,
                underline=full.underline or None,
                reverse=full.reverse or None,
            )
            return self._found.setdefault(name, style)

    def strip(self, line: StyledLine, width: int, over: Style | None = None) -> Strip:
        """Return a line of exactly `width` cells, with `over` laid over every style."""
        base = self._widget.rich_style
        if over is not None:
            base += over
            segments = [Segment(text, self.rich_style(style) + over) for text, style in line]
        else:
            segments = [Segment(text, self.rich_style(style)) for text, style in line]
        return Strip(segments).adjust_cell_length(width, base)


class StyledLines(Widget):
    """A widget that shows some lines, and draws only when they change."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[StyledLine] = []
        self._palette = StylePalette(self)

    def show(self, lines: list[StyledLine]) -> None:
        """Draw these lines, where they differ from those before."""
        before, self._lines = self._lines, lines
        for y in range(max(len(before), len(lines))):
            if before[y : y + 1] != lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.reset()

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._palette.strip(self._lines[y], width)
