"""The screen of all findings with their evidence."""

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.render.finding_list import findings_list
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.over_live import PROBE_KEYS, OverLiveText
from tui_trace.session.snapshot import Snapshot

_WIDE = 10_000
"""Cells of a line that is to be copied whole."""


class FindingsScreen(OverLiveText):
    """What is so, how sure it is and by which numbers; and what is over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("V", "dismiss", "close", id="findings.close", tooltip="Back to the table"),
        Binding("y", "copy", "copy", id="findings.copy", tooltip="Copy all of it as text"),
    ]
    HEADING = "Findings"
    HINT = f" ↑ ↓ scroll · y copies all · {PROBE_KEYS} · Escape leaves"

    def __init__(self, snapshot: Snapshot, failure: Callable[[], str | None]) -> None:
        """`failure` tells why the source broke; None: it did not."""
        super().__init__()
        self._snapshot = snapshot
        self._failure = failure

    def look_at(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot."""
        self._snapshot = snapshot
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        return findings_list(self._snapshot, width, self._failure())

    def action_copy(self) -> None:
        """Copy all of it as text, no line broken (`y`)."""
        lines = findings_list(self._snapshot, _WIDE, self._failure())
        text = "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
        self.app.copy_to_clipboard(text)
        self.show_message("copied to the clipboard")
