"""The screen of all paths of the session."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.render.path_lines import paths_lines
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Snapshot


class PathScreen(OverLiveText):
    """When each path was in use, and what changed between paths."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("H", "dismiss", "close", id="paths.close", tooltip="Back to the table")
    ]
    HEADING = "Paths"

    def __init__(self, snapshot: Snapshot, label_mode: LabelMode) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._label_mode = label_mode

    def look_at(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot."""
        self._snapshot = snapshot
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        return paths_lines(self._snapshot, width, HostLabels(self._snapshot.who, self._label_mode))
