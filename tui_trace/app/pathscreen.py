"""Every path that the session has seen."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.people import Calling, People
from tui_trace.app.reading import ReadingScreen
from tui_trace.app.rows import Line
from tui_trace.app.sideways import paths_lines
from tui_trace.session.model import Snapshot


class PathScreen(ReadingScreen):
    """When each path was taken, and what moved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("H", "dismiss", "close", id="paths.close", tooltip="Back to the table")
    ]
    HEADING = "Paths"

    def __init__(self, snapshot: Snapshot, calling: Calling) -> None:
        """As they are now."""
        super().__init__()
        self._snapshot = snapshot
        self._calling = calling

    def look_at(self, snapshot: Snapshot) -> None:
        """A newer snapshot."""
        self._snapshot = snapshot
        self.tell()

    def lines(self, width: int) -> list[Line]:
        """What there is to read, in `width` cells."""
        return paths_lines(self._snapshot, width, People(self._snapshot.who, self._calling))
