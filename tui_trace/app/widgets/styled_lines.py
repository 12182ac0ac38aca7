"""Widgets drawn line by line from toned text."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.report.cell_text import TextStyle

CURSOR = "tone--cursor"
TITLE = "tone--title"
CLASSES = frozenset({f"tone--{tone.value}" for tone in TextStyle} | {CURSOR, TITLE})


class StylePalette:
    """The styles of a widget's tones, looked up once and kept until the theme changes."""

    def __init__(self, widget: Widget) -> None:
        """`widget` has `CLASSES` among its component classes."""
        self._widget = widget
        self._styles: dict[TextStyle | str, Style] = {}

    def forget(self) -> None:
        """The theme or a style sheet changed."""
        self._styles.clear()

    def style(self, tone: TextStyle) -> Style:
        """Of a tone."""
        try:
            return self._styles[tone]
        except KeyError:
            style = self._widget.get_component_rich_style(f"tone--{tone.value}")
            return self._styles.setdefault(tone, style)

    def over(self, name: str) -> Style:
        """Of `CURSOR` or `TITLE`, to be laid over a tone: all of it but the colour of the text."""
        try:
            return self._styles[name]
        except KeyError:
            full = self._widget.get_component_rich_style(name)
            style = Style(
                bgcolor=full.bgcolor,
                bold=full.bold or None,
                underline=full.underline or None,
                reverse=full.reverse or None,
            )
            return self._styles.setdefault(name, style)

    def strip(self, line: StyledLine, width: int, over: Style | None = None) -> Strip:
        """One line, exactly `width` cells, with `over` laid over every tone."""
        base = self._widget.rich_style
        if over is not None:
            base += over
            segments = [Segment(text, self.style(tone) + over) for text, tone in line]
        else:
            segments = [Segment(text, self.style(tone)) for text, tone in line]
        return Strip(segments).adjust_cell_length(width, base)


class StyledLines(Widget):
    """A widget that shows some lines, and draws only when they change."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        """Empty."""
        super().__init__(id=id)
        self._lines: list[StyledLine] = []
        self._palette = StylePalette(self)

    def show(self, lines: list[StyledLine]) -> None:
        """Draw these lines."""
        before, self._lines = self._lines, lines
        for y in range(max(len(before), len(lines))):
            if before[y : y + 1] != lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._palette.forget()

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._palette.strip(self._lines[y], width)
