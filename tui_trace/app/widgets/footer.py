"""The footer: as many keys as fit, always with those for help and quit."""

from typing import NamedTuple

from textual import events
from textual.timer import Timer

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle

_ALWAYS = ("app.help", "app.quit")
_MOMENT = 6.0
"""Seconds that a message stays."""


class Hint(NamedTuple):
    """A key as the footer shows it."""

    id: str
    key: str
    label: str
    action: str
    tooltip: str

    @property
    def width(self) -> int:
        """Cells of the hint and of the gap behind it."""
        return len(self.key) + len(self.label) + 3


class Footer(StyledLines):
    """One line of hints, each of which can be clicked."""

    def __init__(self, hints: list[Hint], *, id: str | None = None) -> None:
        """`hints` are all that can be shown, the most important first."""
        super().__init__(id=id)
        self._hints = hints
        self._spots: list[tuple[range, Hint]] = []
        self._said: str | None = None
        self._fading: Timer | None = None

    def show_message(self, text: str) -> None:
        """Show a message in place of the hints, for a few seconds."""
        self._said = sanitize(text)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(_MOMENT, self.clear_message)
        self.on_resize()

    def clear_message(self) -> None:
        """Remove the message, and show the hints again."""
        if self._fading is not None:
            self._fading.stop()
            self._fading = None
        if self._said is not None:
            self._said = None
            self.on_resize()

    def on_resize(self) -> None:
        """Show as many hints as fit."""
        self._spots.clear()
        if self._said is not None:
            self.show([[(pad_or_truncate(f" {self._said}", self.size.width), TextStyle.WARN)]])
            return
        last = [hint for hint in self._hints if hint.id in _ALWAYS]
        room = self.size.width - 1 - sum(hint.width for hint in last)
        first: list[Hint] = []
        for hint in self._hints:
            if hint.id in _ALWAYS:
                continue
            room -= hint.width
            if room < 0:
                break
            first.append(hint)
        line: StyledLine = [(" ", TextStyle.PLAIN)]
        at = 1
        for hint in (*first, *last):
            line.append((hint.key, TextStyle.STRONG))
            line.append((f" {hint.label}  ", TextStyle.DIM))
            self._spots.append((range(at, at + hint.width - 2), hint))
            at += hint.width
        self.show([line])

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain what is under the mouse."""
        hint = self._under(event.x)
        self.tooltip = hint.tooltip if hint else None

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does."""
        hint = self._under(event.x)
        if hint is not None:
            await self.screen.run_action(hint.action)

    def _under(self, x: int) -> Hint | None:
        return next((hint for spot, hint in self._spots if x in spot), None)
