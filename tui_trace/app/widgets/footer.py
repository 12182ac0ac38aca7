"""The line at the bottom: keys, or a message for a moment."""

from typing import NamedTuple

from textual import events
from textual.timer import Timer

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.report.cell_text import TextStyle

_ALWAYS = ("app.help", "app.quit")
_MOMENT = 6.0
"""Seconds that a message stays."""
_MOST_LINES = 3
"""Of a message that one line has no room for."""


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


class KeyLine(StyledLines):
    """One line of keys in words, in place of which a message can be shown."""

    def __init__(self, keys: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._said: str | None = None
        self._fading: Timer | None = None

    def show_keys(self, keys: str) -> None:
        """Show other keys."""
        self._keys = keys
        self.on_resize()

    def keys_line(self) -> StyledLine:
        """Return the keys, in `self.size.width` cells."""
        return [(pad_or_truncate(self._keys, self.size.width), TextStyle.DIM)]

    @property
    def message(self) -> str | None:
        """The message that is shown, if one is."""
        return self._said

    def show_message(self, text: str, *, lasting: bool = False) -> None:
        """Show a message in place of the keys, for a few seconds, or until it is removed."""
        self._said = sanitize(text, MESSAGE_LIMIT)
        if self._fading is not None:
            self._fading.stop()
            self._fading = None
        if not lasting:
            self._fading = self.set_timer(_MOMENT, self.clear_message)
        self.on_resize()

    def clear_message(self) -> None:
        """Remove the message, and show the keys again."""
        if self._fading is not None:
            self._fading.stop()
            self._fading = None
        if self._said is not None:
            self._said = None
            self.on_resize()

    def on_resize(self) -> None:
        """Show what there is room for."""
        width = self.size.width
        if self._said is None or not width:
            lines = [self.keys_line()]
        else:
            lines = wrapped(self._said, width - 1, TextStyle.WARN)[:_MOST_LINES]
        height = self.styles.height
        if height is not None and height.value != len(lines):
            self.styles.height = len(lines)
        self.show(lines)


class Footer(KeyLine):
    """As many keys as fit, always with those for help and quit; each can be clicked."""

    def __init__(self, hints: list[Hint], *, id: str | None = None) -> None:
        """`hints` are all that can be shown, the most important first."""
        super().__init__(id=id)
        self._hints = hints
        self._spots: list[tuple[range, Hint]] = []

    def keys_line(self) -> StyledLine:
        self._spots.clear()
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
        return line

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
        if self.message is not None:
            return None
        return next((hint for spot, hint in self._spots if x in spot), None)
