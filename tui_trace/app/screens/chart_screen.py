"""Charts: every hop's last outcomes as a strip, and those of one hop as plots."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen

from tui_trace.app.keymap import KEYS
from tui_trace.app.render.cells import StyledLine, TextStyle, clock
from tui_trace.app.render.chart_data import (
    AROUND,
    Window,
    figures,
    series,
    strip_header,
    strip_row,
    window,
)
from tui_trace.app.render.columns import NO_REPLY, loss_tone, responders
from tui_trace.app.render.header import ViewPosition
from tui_trace.app.render.host_labels import HostLabels, LabelMode
from tui_trace.app.widgets.lazy_plots import PlotsReady, Throttle, load_plots
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.session.snapshot import Hop, Snapshot

if TYPE_CHECKING:
    pass

_LOSS = 6
"""Cells right of a strip."""
_PLOT_LEAST = 9
"""Lines of a plot and its title."""
_STRIPS_LEAST = 5
_HISTOGRAM_FROM = 110
"""Cells of a terminal that has room for a histogram beside the plot."""
_HOST_LEAST = 10


class ChartScreen(ModalScreen[None]):
    """Strips of all hops above the RTT over time of one: the same columns, the same time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g", "dismiss", "close", id="charts.close", tooltip="Back to the table"),
        Binding("up", "step(-1)", "up", id="charts.up", tooltip="The hop before"),
        Binding("down", "step(1)", "down", id="charts.down", tooltip="The next hop"),
        *(
            Binding(key.keys, f"travel({key.action!r})", key.label, tooltip=key.about, id=key.id)
            for key in KEYS
            if key.action.startswith(("back", "change", "live"))
        ),
    ]
    AUTO_FOCUS = ""

    def __init__(
        self,
        snapshot: Snapshot,
        ttl: int | None,
        calling: LabelMode,
        place: Callable[[Snapshot], ViewPosition | None],
        travel: Callable[[str], Awaitable[object]],
    ) -> None:
        """Of the hop of this TTL; None: of the last.

        `place` says which time is looked at; `travel` does what a key that changes it does.
        """
        super().__init__()
        self._snapshot = snapshot
        self._ttl = ttl
        self._calling = calling
        self._place = place
        self._travel = travel
        self._seldom = Throttle(self, self._draw)
        self._why_not = "the plots are being loaded …"

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield StyledLines(id="charts-title")
        yield StyledLines(id="charts-header")
        yield StyledLines(id="charts-strips")
        yield StyledLines(id="charts-key")
        with Horizontal(id="charts-plots"):
            yield StyledLines(id="charts-figures")
        yield StyledLines(id="charts-hint")

    def on_mount(self) -> None:
        """The strips at once; the plots when their library is there."""
        load_plots(self)

    async def on_plots_ready(self, message: PlotsReady) -> None:
        """Draw them."""
        self._why_not = message.why_not
        if not message.why_not:
            from tui_trace.app.widgets.plots import Histogram, RttPlot

            box = self.query_one("#charts-plots", Horizontal)
            await box.mount(RttPlot(id="charts-rtt"), Histogram(id="charts-histogram"))
        self._draw()

    def on_resize(self) -> None:
        """Other sizes."""
        self._draw()

    def look_at(self, snapshot: Snapshot) -> None:
        """How things stand now, or stood at the moment that is looked at.

        Of two runs in turns it stays with the one that it shows: the other has other figures.
        """
        before, now = self._snapshot.run, snapshot.run
        other = (now.number, now.turns_with) == (before.turns_with, before.number)
        if other and now.turns_with and self._place(snapshot) is None:
            return
        self._snapshot = snapshot
        self._seldom.ask()

    async def action_travel(self, action: str) -> None:
        """What this key does in the table; what it brings is drawn at once."""
        self._seldom.hurry()
        await self._travel(action)

    def action_step(self, step: int) -> None:
        """Up and down."""
        hops = self._snapshot.run.hops
        hop = self._hop
        if hop is not None:
            self._ttl = hops[min(max(hops.index(hop) + step, 0), len(hops) - 1)].ttl
            self._draw()

    @property
    def _hop(self) -> Hop | None:
        hops = self._snapshot.run.hops
        last = hops[-1] if hops else None
        return next((hop for hop in hops if hop.ttl == self._ttl), last)

    def _draw(self) -> None:
        width, height = self.size
        snapshot, hop = self._snapshot, self._hop
        self.query_one("#charts-title", StyledLines).show([self._title(width)])
        strips = self.query_one("#charts-strips", StyledLines)
        plots = self.query_one("#charts-plots", Horizontal)
        if hop is None:
            strips.styles.height = 1
            strips.show([[(" nothing has been probed yet", TextStyle.DIM)]])
            self.query_one("#charts-key", StyledLines).display = plots.display = False
            return
        hosts = [_host(one, self._people) for one in snapshot.run.hops]
        label = min(max(*map(cell_width, hosts), _HOST_LEAST), max(width // 5, _HOST_LEAST)) + 12
        beside = width * 3 // 10 if width >= _HISTOGRAM_FROM else _LOSS
        shown = window(snapshot, max(width - label - 1 - beside, 1))
        key = self.query_one("#charts-key", StyledLines)
        key.display = plots.display = height - _PLOT_LEAST - 3 >= min(len(hosts), _STRIPS_LEAST)
        room = max(height - 3 - (_PLOT_LEAST if plots.display else 0), 1)
        rows = self._rows(hosts, shown, label, room)
        strips.styles.height = len(rows)
        strips.show(rows)
        self.query_one("#charts-header", StyledLines).show([strip_header(shown, label)])
        part = f" · {len(rows)} of {len(hosts)} hops" if len(rows) < len(hosts) else ""
        hint = f" ↑ ↓ another hop{part} · ← → in time · Escape leaves · {shown.words}, newest right"
        self.query_one("#charts-hint", StyledLines).show(
            [[(pad_or_truncate(hint, width), TextStyle.DIM)]]
        )
        if plots.display:
            self._draw_plots(hop, shown, label, beside)

    def _title(self, width: int) -> StyledLine:
        snapshot = self._snapshot
        place = self._place(snapshot)
        right = place.words if place is not None else clock(snapshot.at)
        tone = place.tone if place is not None else TextStyle.PLAIN
        target = f" Charts  {sanitize(snapshot.target)}"
        settings = sanitize(describe_settings(snapshot.run.settings, snapshot.family))
        room = max(width - cell_width(right) - 3, 0)
        return [
            (pad_or_truncate(f"{target} · {settings}", room), TextStyle.STRONG),
            (" ", TextStyle.PLAIN),
            (f" {right} ", tone),
        ]

    def _rows(self, hosts: list[str], shown: Window, label: int, room: int) -> list[StyledLine]:
        """As many as there is room for, the selected one among them."""
        hops, selected = self._snapshot.run.hops, self._hop
        chosen = next(place for place, hop in enumerate(hops) if hop is selected)
        first = min(max(chosen - room // 2, 0), max(len(hops) - room, 0))
        return [
            strip_row(hop, host, shown, label, hop is selected)
            for hop, host in list(zip(hops, hosts, strict=True))[first : first + room]
        ]

    def _key(self, hop: Hop, target: Hop | None, beside: int) -> StyledLine:
        """What is drawn in the plots; the second is `beside` cells wide."""
        if self._why_not:
            return [
                (pad_or_truncate(f" {sanitize(self._why_not)}", self.size.width), TextStyle.WARN)
            ]
        more: StyledLine = [
            ("   ", TextStyle.DIM),
            ("××", loss_tone(hop)),
            (" lost", TextStyle.DIM),
        ]
        if target is not None:
            more = [("   ••", TextStyle.MARK), (" target", TextStyle.PLAIN), *more]
            more.append((", the target's on top", TextStyle.DIM))
        who = f" hop {hop.ttl}  {_named(hop, self._people)}"
        room = self.size.width - beside - 3 - sum(len(text) for text, _ in more)
        who = pad_or_truncate(who, min(cell_width(who), max(room, _HOST_LEAST)))
        line: StyledLine = [(" ⠒⠒", TextStyle.SPARK), (who, TextStyle.STRONG), *more]
        if beside > _LOSS:
            room = self.size.width - beside - sum(cell_width(text) for text, _ in line)
            title = " answers by RTT, ms  "
            line += [
                (" " * room + title, TextStyle.DIM),
                ("│", TextStyle.WARN),
                (" p50 p90 p99", TextStyle.DIM),
            ]
        return line

    @property
    def _people(self) -> HostLabels:
        return HostLabels(self._snapshot.who, self._calling)

    def _draw_plots(self, hop: Hop, shown: Window, label: int, beside: int) -> None:
        width = label - AROUND + 1
        told = self.query_one("#charts-figures", StyledLines)
        told.styles.width = width
        lines: list[StyledLine] = [[(pad_or_truncate(" RTT, ms", width), TextStyle.STRONG)]]
        for name, value, tone in figures(hop):
            lines.append(
                [
                    (f" {name:<7}", TextStyle.DIM),
                    (pad_or_truncate(value, width - 9, right=True), tone),
                ]
            )
        told.show(lines)
        last = self._snapshot.run.hops[-1]
        target = last if last.is_target and last is not hop else None
        self.query_one("#charts-key", StyledLines).show([self._key(hop, target, beside)])
        if not self.query("#charts-rtt"):
            return
        from tui_trace.app.widgets.plots import Histogram, RttPlot

        plot = self.query_one(RttPlot)
        plot.styles.width = shown.cells + AROUND
        plot.draw(
            shown,
            (series(hop, shown), loss_tone(hop)),
            (series(target, shown), loss_tone(target)) if target is not None else None,
        )
        histogram = self.query_one(Histogram)
        histogram.display = beside > _LOSS
        if histogram.display:
            f = hop.figures
            histogram.draw([rtt for rtt in hop.recent if rtt >= 0], (f.p50, f.p90, f.p99))


def _host(hop: Hop, people: HostLabels) -> str:
    return people.host(responders(hop)[0].address) if hop.responders else NO_REPLY


def _named(hop: Hop, people: HostLabels) -> str:
    """Name and address."""
    if not hop.responders:
        return NO_REPLY
    address = responders(hop)[0].address
    name = people.host(address)
    return name if name == sanitize(address) else f"{name} {sanitize(address)}"
