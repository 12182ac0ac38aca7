"""The table of hops, drawn line by line: a row is drawn again only if its hop changed."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_trace.app.render.pinned_row import (
    PIN_SIGN,
    PinPlace,
    is_covered,
    pin_place,
    pinned_ttl,
)
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
        self._pinned = range(0)
        """Which of the lines are the row that stays in sight; none while all fit."""
        self._drawn: dict[str | int, Strip] = {}
        """Lines of no row by their words, and, by TTL, the pinned row with a sign before it."""
        self._signed: Strip | None = None
        """The pinned row without that sign."""
        self._title: Strip | None = None
        self._window: int | None = None
        """What the title says that the figures are of."""
        self._palette = StylePalette(self)
        self.selected: int | None = None
        """TTL of the selected hop."""

    @property
    def table_layout(self) -> TableLayout:
        """The columns that fit now."""
        return self._layout_now

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that were chosen but do not fit; what is not known yet needs no room."""
        placed = {one.column.id for one in self._layout_now.placed} | self._demand.unknown
        return tuple(name for name in self._chosen if name not in placed)

    @property
    def labels(self) -> HostLabels:
        """The labels of all hosts."""
        return self._labels

    @property
    def selected_hop(self) -> Hop | None:
        """The selected hop as it is now, if it is still in the table."""
        return next((hop for hop in self._hops if hop.ttl == self.selected), None)

    def show(self, hops: tuple[Hop, ...], labels: HostLabels, *, window: int | None = None) -> None:
        """Draw these hops; their figures are of the last `window` (ns), or of the whole run.

        Those that are the same objects as before, with nothing new about who is there, stay as
        they are.
        """
        self._hops = hops
        if window != self._window:
            self._window = window
            self._title = None
            self.refresh(Region(0, 0, self.size.width, 1))
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
        line = self._line_at(event.y - _HEADER)
        if event.y >= _HEADER and line is not None:
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
                    [(header(self._layout_now, self._window), TextStyle.DIM)], width, over
                )
            return self._title
        return self._strip_at(y - _HEADER)

    def _arrange(self) -> None:
        if not self.size.width:
            return
        room = self.size.width - self._scrolls * self.styles.scrollbar_size_vertical
        self._layout_now = lay_out(self._chosen, room, self._demand)
        self._rows.clear()
        self._drawn.clear()
        self._title = None
        self._rebuild()
        self.refresh()

    def _rebuild(self) -> None:
        if not self.size.width:
            return
        lines: list[tuple[int, Strip]] = []
        for hop in self._hops:
            lines.extend((hop.ttl, strip) for strip in self._strips(hop))
        scrolls = len(lines) + _HEADER > self.size.height
        shown = range(max(self.size.height - _HEADER, 0))
        before = [self._strip_at(line) for line in shown]
        self._lines = lines
        self._pinned = self._lines_of(pinned_ttl(self._hops)) if scrolls else range(0)
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
        for line, old in zip(shown, before, strict=True):
            if self._strip_at(line) is not old:
                self.refresh(Region(0, line + _HEADER, self.size.width, 1))

    # --- what lies where: lines in sight are counted from the first one below the titles

    def _pin(self) -> PinPlace | None:
        """Return where the pinned row lies over others; None: it is in its own place."""
        height = self.size.height - _HEADER
        # where there is one line, it is the selected row's, if one is selected
        if not self._pinned or (height == 1 and self.selected is not None):
            return None
        return pin_place(height, self.scroll_offset.y, self._pinned)

    def _line_at(self, line: int) -> int | None:
        """Return which of all lines is drawn on a line in sight; None: none is."""
        pin = self._pin()
        if pin is not None and line == pin.mark:
            return None
        if pin is not None and 0 <= line - pin.first < pin.lines:
            return self._pinned[line - pin.first]
        index = line + self.scroll_offset.y
        return index if index < len(self._lines) else None

    def _strip_at(self, line: int) -> Strip:
        """Return what is drawn on a line in sight; the same object as long as that is the same."""
        pin, index = self._pin(), self._line_at(line)
        if index is None:
            return self._mark(pin) if pin is not None and line == pin.mark else self._words("")
        ttl, strip = self._lines[index]
        if pin is None or pin.mark is not None or line != pin.first or ttl == self.selected:
            return strip
        signed = self._drawn.get(ttl)
        if signed is None or self._signed is not strip:
            self._signed = strip
            rest = strip.crop(MARGIN, self.size.width)
            signed = self._drawn[ttl] = Strip.join([self._words(PIN_SIGN).crop(0, MARGIN), rest])
        return signed

    def _mark(self, pin: PinPlace) -> Strip:
        """Return the line that says how many rows are left out beside the pinned one."""
        hidden = pin.hidden(self.size.height - _HEADER, self.scroll_offset.y, self._pinned)
        count = len({self._lines[index][0] for index in hidden} - {self._lines[self._pinned[0]][0]})
        more = f" {count} more row{'s' if count > 1 else ''}" if count else ""
        return self._words(f"{PIN_SIGN}{more}")

    def _words(self, text: str) -> Strip:
        if text not in self._drawn:
            self._drawn[text] = self._palette.strip([(text, TextStyle.DIM)], self.size.width, None)
        return self._drawn[text]

    def _lines_of(self, ttl: int | None) -> range:
        """Return which of all lines the row of this TTL has."""
        found = [index for index, (other, _) in enumerate(self._lines) if other == ttl]
        return range(found[0], found[-1] + 1) if found else range(0)

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

    def _is_in_sight(self) -> bool:
        lines = self._lines_of(self.selected)
        height = self.size.height - _HEADER
        return bool(lines) and self.scroll_offset.y == self._top_for(lines, height)

    def _reveal(self) -> None:
        lines = self._lines_of(self.selected)
        height = self.size.height - _HEADER
        if not lines or height <= 0:
            return
        top = self._top_for(lines, height)
        if top != self.scroll_offset.y:
            # forced: the scroll bar of a table that has just grown comes with the next layout
            self.scroll_to(y=top, animate=False, force=True)

    def _top_for(self, lines: range, height: int) -> int:
        """Return the first line in sight, as near to the present one as shows all of `lines`."""
        top = self.scroll_offset.y
        # the figures stand in its first line, whatever else has no room
        for part in (lines, lines[:1]):
            tops = range(max(part[-1] - height + 1, 0), part[0] + 1)
            free = [y for y in tops if not is_covered(height, y, self._pinned, part)]
            if free:
                return min(free, key=lambda y: abs(y - top))
        return lines[0]
