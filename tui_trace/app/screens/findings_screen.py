"""The screen of all findings with their evidence."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.render.finding_list import findings_list
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.session.snapshot import Snapshot


class FindingsScreen(OverLiveText):
    """What is so, how sure it is and by which numbers; and what is over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("V", "dismiss", "close", id="findings.close", tooltip="Back to the table")
    ]
    HEADING = "Findings"

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def look_at(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot."""
        self._snapshot = snapshot
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        return findings_list(self._snapshot, width)
