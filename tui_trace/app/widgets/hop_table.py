"""The table of hops, drawn line by line: a row is drawn again only if its hop changed."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_trace.app.render.table_layout import (
    MARGIN,
    ColumnDemand,
    TableLayout,
    header,
    lay_out,
    row,
)
from tui_trace.app.widgets.styled_lines import CLASSES, CURSOR, TITLE, StylePalette
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.hop_columns import columns_of
from tui_trace.session.host_labels import NO_LABELS, HostLabels
from tui_trace.session.snapshot import AddressInfo, Hop

_HEADER = 1
_POINTER = "›"


class _Row(NamedTuple):
    """The lines drawn for a hop, and what they were drawn from."""

    hop: Hop
    who: tuple[AddressInfo, ...]
    strips: list[Strip]


class HopTable(ScrollView):
    """Rows of a run's hops, one of which may be selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    ALLOW_SELECT = False

    class Selected(Message):
        """Another hop was selected with the mouse."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hops: tuple[Hop, ...] = ()
        self._chosen: tuple[str, ...] = columns_of("latency")
        self._demand = ColumnDemand()
        self._layout_now = lay_out(self._chosen, 80, self._demand)
        self._labels = NO_LABELS
        self._rows: dict[int, _Row] = {}
        self._lines: list[tuple[int, Strip]] = []
        self._scrolls = False
        """There are more lines than fit, and a scroll bar."""
        self._title: Strip | None = None
        self._palette = StylePalette(self)
        self.selected: int | None = None
        """TTL of the selected hop."""

    @property
    def table_layout(self) -> TableLayout:
        """The columns that fit now."""
        return self._layout_now

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that were chosen but do not fit; AS numbers not known yet need no room."""
        placed = {one.column.id for one in self._layout_now.placed}
        wanted = (name for name in self._chosen if name != "asn" or self._demand.asn)
        return tuple(name for name in wanted if name not in placed)

    @property
    def labels(self) -> HostLabels:
        """The labels of all hosts."""
        return self._labels

    @property
    def selected_hop(self) -> Hop | None:
        """The selected hop as it is now, if it is still in the table."""
        return next((hop for hop in self._hops if hop.ttl == self.selected), None)

    def show(self, hops: tuple[Hop, ...], labels: HostLabels) -> None:
        """Draw these hops.

        Those that are the same objects as before, with nothing new about who is there, stay as
        they are.
        """
        self._hops = hops
        if labels.mode is not self._labels.mode:
            self._demand = self._demand._replace(host=0)
            self._rows.clear()
        self._labels = labels
        seen = self._is_in_sight()
        demand = self._demand.grown_to(hops, labels)
        if demand != self._demand:
            self._demand = demand
            self._arrange()
        else:
            self._rebuild()
        if seen:
            # lines may have come in above it
            self._reveal()

    def choose(self, columns: Sequence[str]) -> None:
        """Show these columns."""
        self._chosen = tuple(columns)
        self._arrange()

    def reset(self) -> None:
        """Forget widths and selection: another session begins."""
        self._demand = ColumnDemand()
        self.selected = None

    def select(self, ttl: int | None) -> None:
        """Select the hop of this TTL; None: none."""
        changed = {self.selected, ttl} if ttl != self.selected else set()
        self.selected = ttl
        for number in changed:
            if number is not None:
                self._rows.pop(number, None)
        self._rebuild()
        self._reveal()

    def move(self, step: int) -> None:
        """Select a hop so many rows further; the first move goes to the nearer end."""
        if not self._hops:
            return
        ttls = [hop.ttl for hop in self._hops]
        if self.selected not in ttls:
            self.select(ttls[0 if step > 0 and step < len(ttls) else -1 if step > 0 else 0])
            return
        index = ttls.index(self.selected) + step
        self.select(ttls[min(max(index, 0), len(ttls) - 1)])

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        line = event.y - _HEADER + self.scroll_offset.y
        if event.y >= _HEADER and line < len(self._lines):
            self.select(self._lines[line][0])
            self.post_message(self.Selected())

    def on_resize(self) -> None:
        """Arrange the columns anew, and keep the selected hop in sight."""
        self._arrange()
        self._reveal()
        self.call_after_refresh(self._reveal)

    def watch_show_vertical_scrollbar(self, shown: bool) -> None:
        """Let a scroll bar that appears show the present position."""
        if shown:
            self.vertical_scrollbar.position = self.scroll_y

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette.reset()
        self._arrange()

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget; the titles stay on top."""
        width = self.size.width
        if y == 0:
            if self._title is None:
                over = self._palette.over(TITLE)
                self._title = self._palette.strip(
                    [(header(self._layout_now), TextStyle.DIM)], width, over
                )
            return self._title
        line = y - _HEADER + self.scroll_offset.y
        if line < len(self._lines):
            return self._lines[line][1]
        return Strip.blank(width, self.rich_style)

    def _arrange(self) -> None:
        if not self.size.width:
            return
        room = self.size.width - self._scrolls * self.styles.scrollbar_size_vertical
        self._layout_now = lay_out(self._chosen, room, self._demand)
        self._rows.clear()
        self._title = None
        self._rebuild()
        self.refresh()

    def _rebuild(self) -> None:
        if not self.size.width:
            return
        lines: list[tuple[int, Strip]] = []
        for hop in self._hops:
            lines.extend((hop.ttl, strip) for strip in self._strips(hop))
        before, self._lines = self._lines, lines
        scrolls = len(lines) + _HEADER > self.size.height
        if scrolls != self._scrolls:
            self._scrolls = scrolls
            self._arrange()
            return
        # another size lays the whole screen out anew, which nothing needs while all lines fit
        whole = Size(self.size.width, len(lines) + _HEADER if scrolls else _HEADER)
        if whole != self.virtual_size:
            self.virtual_size = whole
            self.refresh()
            return
        for index in range(min(len(before), len(lines)), max(len(before), len(lines))):
            self.refresh_line(index + _HEADER)
        for index, (old, new) in enumerate(zip(before, lines, strict=False)):
            if old[1] is not new[1]:
                self.refresh_line(index + _HEADER)

    def _strips(self, hop: Hop) -> list[Strip]:
        who = self._labels.infos(hop)
        built = self._rows.get(hop.ttl)
        if built is not None and built.hop is hop and built.who == who:
            return built.strips
        selected = hop.ttl == self.selected
        over: Style | None = self._palette.over(CURSOR) if selected else None
        lines = row(hop, self._layout_now, self._labels)
        if selected:
            text, style = lines[0][0]
            lines[0][0] = (_POINTER + text[MARGIN:], style)
        strips = [self._palette.strip(line, self.size.width, over) for line in lines]
        self._rows[hop.ttl] = _Row(hop, who, strips)
        return strips

    def _selected_lines(self) -> list[int]:
        return [index for index, (ttl, _) in enumerate(self._lines) if ttl == self.selected]

    def _is_in_sight(self) -> bool:
        lines = self._selected_lines() if self.selected is not None else []
        top = self.scroll_offset.y
        return bool(lines) and top <= lines[0] and lines[-1] < top + self.size.height - _HEADER

    def _reveal(self) -> None:
        lines = self._selected_lines()
        height = self.size.height - _HEADER
        if not lines or height <= 0:
            return
        top = self.scroll_offset.y
        # the figures stand in its first line, whatever else has no room
        lowest = min(lines[0], lines[-1] - height + 1)
        # forced: the scroll bar of a table that has just grown comes with the next layout
        if lines[0] < top:
            self.scroll_to(y=lines[0], animate=False, force=True)
        elif lowest > top:
            self.scroll_to(y=lowest, animate=False, force=True)
