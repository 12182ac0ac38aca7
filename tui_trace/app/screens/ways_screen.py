"""The screen of the ways through the network."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.way_lines import selectable_flows, ways_lines
from tui_trace.app.screens.over_live import OverLiveText
from tui_trace.app.screens.selecting_screen import SelectingScreen
from tui_trace.core.probe_text import five_tuple
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Snapshot
from tui_trace.session.ways import WayFlow, WaySearch


class WaysScreen(SelectingScreen, OverLiveText):
    """Where ways part and join, and how each of them does; one row can be selected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("G", "dismiss", "close", id="ways.close", tooltip="Back to the table"),
        Binding("up", "select(-1)", "up", id="ways.up", tooltip="Select the way above"),
        Binding("down", "select(1)", "down", id="ways.down", tooltip="Select the way below"),
        Binding("enter", "pin", "pin", id="ways.pin", tooltip="Pin the table to this way"),
        Binding("y", "copy", "copy", id="ways.copy", tooltip="Copy addresses and ports"),
        Binding("space", "fold", "fold", id="ways.fold", tooltip="Fold or unfold ways"),
    ]
    HEADING = "Ways through the network"
    HINT = " x find · W watch · ↑ ↓ · Enter pins · y copies · t u i P …: probe · Escape"

    def __init__(
        self,
        snapshot: Snapshot,
        label_mode: LabelMode,
        *,
        pin: Callable[[WaySearch, WayFlow], object],
    ) -> None:
        """`pin` probes one flow in the table."""
        super().__init__()
        self._snapshot = snapshot
        self._label_mode = label_mode
        self._pin = pin
        self._folded = True

    def look_at(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot."""
        self._snapshot = snapshot
        self.refresh_lines()

    def lines(self, width: int) -> list[StyledLine]:
        labels = HostLabels(self._snapshot.who, self._label_mode)
        return ways_lines(
            self._snapshot, width, labels, selected=self._selected, folded=self._folded
        )

    def _flow(self) -> WayFlow | None:
        search = self._snapshot.ways.latest
        if search is None or self._selected is None:
            self.show_message("select a way first (up, down)")
            return None
        return search.flow(self._selected)

    def choices(self) -> Sequence[int]:
        return selectable_flows(self._snapshot, folded=self._folded)

    def action_pin(self) -> None:
        """Probe the selected way in the table (Enter)."""
        flow, search = self._flow(), self._snapshot.ways.latest
        if flow is not None and search is not None:
            self._pin(search, flow)

    def action_copy(self) -> None:
        """Copy protocol, addresses and ports of the selected way (`y`)."""
        flow, search = self._flow(), self._snapshot.ways.latest
        if flow is not None and search is not None:
            text = five_tuple(
                search.settings, self._snapshot.source, flow.source_port, self._snapshot.address
            )
            self.app.copy_to_clipboard(text)
            self.show_message(f"copied: {text}")

    def action_fold(self) -> None:
        """Show all ways, or of many only those that are bad (space)."""
        self._folded = not self._folded
        self.refresh_lines()
