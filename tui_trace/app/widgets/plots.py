"""Plots drawn by textual-plot. Import this module late: it brings numpy."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import ClassVar

import numpy as np
from textual.app import RenderResult
from textual_hires_canvas import Canvas
from textual_plot import HiResMode, PlotWidget

from tui_trace.app.render.chart_data import (
    AROUND,
    AXIS,
    Series,
    Window,
    amount,
    count_ticks,
    decade_ticks,
    decades,
    scale,
)
from tui_trace.app.widgets.styled_lines import CLASSES
from tui_trace.report.cell_text import TextStyle

_FRAME = 3
"""Lines of a plot's box and of what is written below it."""


class Plot(PlotWidget, can_focus=False):
    """A plot that only shows: no mouse, no focus, no keys, and our own ticks."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, allow_pan_and_zoom=False)
        self.set_reactive(PlotWidget.margin_top, 0)
        self.set_reactive(PlotWidget.margin_bottom, 1)
        self.set_reactive(PlotWidget.margin_left, AXIS)
        self._again: Callable[[], None] | None = None
        self._written: tuple[tuple[list[float], list[str]], ...] = ()

    @property
    def room(self) -> tuple[int, int]:
        """Cells and lines inside the box."""
        return self.size.width - AROUND, self.size.height - _FRAME

    def on_resize(self) -> None:
        """Draw the same again in the new size."""
        if self._again is not None:
            self._again()

    def style_of(self, style: TextStyle) -> str:
        """Return a style as the library wants it."""
        return str(self.get_component_rich_style(f"style--{style.value}"))

    def set_ticks(
        self, across: tuple[list[float], list[str]], up: tuple[list[float], list[str]]
    ) -> None:
        """Set where the ticks are, and what is written there."""
        self._written = (across, up)
        self.set_xticks(across[0])
        self.set_yticks(up[0])

    def get_labels_for_ticks(
        self, ticks: Sequence[float], decimals: int | None = None
    ) -> list[str]:
        """Return our own labels for our ticks."""
        for own, words in self._written:
            if ticks is own:
                return words
        return super().get_labels_for_ticks(ticks, decimals)

    def render(self) -> RenderResult:
        """Draw if there is room; each canvas is repainted once, not once a pixel."""
        if min(self._scale_rectangle.size) < 1:
            return ""
        with ExitStack() as stack:
            for canvas in self.query(Canvas):
                stack.enter_context(canvas.batch_refresh())
            return super().render()


class RttPlot(Plot):
    """RTT over time: a line for a hop, dots for the target, a `×` for each loss."""

    def draw(
        self, shown: Window, hop: tuple[Series, TextStyle], target: tuple[Series, TextStyle] | None
    ) -> None:
        """Each with the style of its losses: the hop's are on the floor, the target's on top."""
        self._again = partial(self.draw, shown, hop, target)
        (own, own_lost), (other, other_lost) = hop, target or (Series([], []), TextStyle.DIM)
        lines = max(self.room[1], 1)
        floor, top = scale([*own.heights, *other.heights])
        line = (top - floor) / lines
        low = floor - line * (1.0 if own.lost else 0.1)
        high = top + line * (1.0 if other.lost else 0.1)
        self.clear()
        self.set_xlimits(0, shown.cells)
        self.set_ylimits(low, high)
        self.set_ticks(shown.ticks(), decade_ticks(floor, top, 2 * line))
        dots = [point for stretch in other.stretches for point in stretch]
        self._mark(dots, "•", TextStyle.MARK)
        style = self.style_of(TextStyle.SPARK)
        alone = [stretch[0] for stretch in own.stretches if len(stretch) == 1]
        for stretch in own.stretches:
            if len(stretch) > 1:
                across, up = zip(*stretch, strict=True)
                self.plot(across, up, style, HiResMode.BRAILLE)
        if alone:
            across, up = zip(*alone, strict=True)
            self.scatter(across, up, marker_style=style, hires_mode=HiResMode.BRAILLE)
        self._mark([(at, low) for at in own.lost], "×", own_lost)
        self._mark([(at, high - line / 4) for at in other.lost], "×", other_lost)

    def _mark(self, points: list[tuple[float, float]], sign: str, style: TextStyle) -> None:
        if points:
            across, up = zip(*points, strict=True)
            self.scatter(across, up, sign, self.style_of(style))


class Histogram(Plot):
    """The number of answers by RTT, on a logarithmic axis."""

    def draw(self, rtts: Sequence[int], marks: Sequence[int | None]) -> None:
        """`rtts` and `marks`, which are vertical lines, in ns."""
        self._again = partial(self.draw, rtts, marks)
        cells, lines = self.room
        self.clear()
        self.set_xlimits(0, max(cells, 1))
        if not rtts or cells < 1:
            self.set_ylimits(0, 1)
            self.set_ticks(([], []), ([], []))
            return
        values = [decades(rtt) for rtt in rtts]
        low, high = min(values), max(values)
        # all alike: 1 % about it
        low, high = (low, high) if high - low > 0.004 else (low - 0.004, high + 0.004)
        counts, _ = np.histogram(values, bins=max(cells // 2, 1), range=(low, high))
        top = int(counts.max())
        self.set_ylimits(0, top * 1.02)
        bars = []
        for cell in range(cells):
            count = int(counts[min(cell * len(counts) // cells, len(counts) - 1)])
            seen = max(count, top / max(2 * lines, 1)) if count else 0
            middle = cell + 0.5
            bars += [(middle, 0), (middle, seen), (middle, 0)]
        across, up = zip(*bars, strict=True)
        self.plot(across, up, self.style_of(TextStyle.SPARK), HiResMode.HALFBLOCK)
        for mark in marks:
            place = (decades(mark or 0) - low) / (high - low)
            if mark is not None and 0 <= place <= 1:
                self.add_v_line(min(place * cells, cells - 0.5), self.style_of(TextStyle.WARN))
        at = [0.0, cells / 2, float(cells)]
        words = [amount(10 ** (low + (high - low) * tick / cells)) for tick in at]
        self.set_ticks((at, words), count_ticks(top, max(lines // 2, 1)))
