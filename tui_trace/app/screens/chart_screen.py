"""Charts: every hop's last outcomes as a strip, and those of one hop as plots."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tui_trace.app.keymap import KEYS
from tui_trace.app.render.chart_data import (
    AROUND,
    Window,
    figures,
    series,
    strip_header,
    strip_row,
    window,
)
from tui_trace.app.render.header import ViewPosition, time_shown
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.screens.over_live import PROBE_KEYS, OverLive
from tui_trace.app.widgets.footer import KeyLine
from tui_trace.app.widgets.lazy_plots import PlotsReady, Throttle, load_plots
from tui_trace.app.widgets.prompt import Prompt
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.probe_text import describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.hop_columns import loss_style
from tui_trace.session.host_labels import HostLabels, LabelMode
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


class ChartScreen(OverLive):
    """A strip for every hop, and the RTT over time of one hop in the same columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,g", "dismiss", "close", id="charts.close", tooltip="Back to the table"),
        Binding("up", "step(-1)", "up", id="charts.up", tooltip="The previous hop"),
        Binding("down", "step(1)", "down", id="charts.down", tooltip="The next hop"),
        *(
            Binding(
                key.keys, f"travel({key.action!r})", key.label, tooltip=key.description, id=key.id
            )
            for key in KEYS
            if key.action.startswith(("back", "change", "live"))
        ),
    ]
    AUTO_FOCUS = ""

    def __init__(
        self,
        snapshot: Snapshot,
        ttl: int | None,
        label_mode: LabelMode,
        place: Callable[[Snapshot], ViewPosition | None],
        travel: Callable[[str], Awaitable[object]],
    ) -> None:
        """Show the hop with this TTL; None: the last hop.

        `place` says which time is looked at; `travel` does what a key that changes it does.
        """
        super().__init__()
        self._snapshot = snapshot
        self._ttl = ttl
        self._label_mode = label_mode
        self._place = place
        self._travel = travel
        self._throttle = Throttle(self, self._draw)
        self._why_not = "the plots are being loaded …"

    def compose(self) -> ComposeResult:
        yield StyledLines(id="charts-title")
        yield StyledLines(id="charts-header")
        yield StyledLines(id="charts-strips")
        yield StyledLines(id="charts-key")
        with Horizontal(id="charts-plots"):
            yield StyledLines(id="charts-figures")
        yield KeyLine(id="charts-hint")
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Load the library of the plots; the strips do not wait for it."""
        load_plots(self)

    async def on_plots_ready(self, message: PlotsReady) -> None:
        """Mount the plots, if their library could be loaded, and draw."""
        self._why_not = message.why_not
        if not message.why_not:
            from tui_trace.app.widgets.plots import Histogram, RttPlot

            box = self.query_one("#charts-plots", Horizontal)
            await box.mount(RttPlot(id="charts-rtt"), Histogram(id="charts-histogram"))
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def look_at(self, snapshot: Snapshot) -> None:
        """Show a newer snapshot, or one of the moment that the user went to.

        While runs take turns, the screen stays with the one that it shows.
        """
        before, now = self._snapshot.run, snapshot.run
        if before.number in now.turns_with and self._place(snapshot) is None:
            return
        self._snapshot = snapshot
        self._throttle.request()

    async def action_travel(self, action: str) -> None:
        """Do what this key does in the table, and draw at once."""
        self._throttle.reset()
        await self._travel(action)

    async def action_probe(self, id: str) -> None:
        """Do what this key does in the table, and draw at once: a replay may play or pause."""
        await super().action_probe(id)
        self._draw()

    def action_step(self, step: int) -> None:
        """Select the hop below (1) or above (-1)."""
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
        hosts = [self._labels.hop(one) for one in snapshot.run.hops]
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
        keys = f" ↑ ↓ hop{part} · ← → time · {PROBE_KEYS} · Escape"
        self.query_one(KeyLine).show_keys(f"{keys} · {shown.words}, newest right")
        if plots.display:
            self._draw_plots(hop, shown, label, beside)

    def _title(self, width: int) -> StyledLine:
        snapshot = self._snapshot
        place = self._place(snapshot)
        right = place.words if place is not None else format_duration(snapshot.at)
        if snapshot.wall:
            right = f"{right} · {time_shown(snapshot, place)}"
        style = place.style if place is not None else TextStyle.PLAIN
        target = f" Charts  {sanitize(snapshot.target)}"
        settings = sanitize(describe_settings(snapshot.run.settings, snapshot.family))
        room = max(width - cell_width(right) - 3, 0)
        return [
            (pad_or_truncate(f"{target} · {settings}", room), TextStyle.STRONG),
            (" ", TextStyle.PLAIN),
            (f" {right} ", style),
        ]

    def _rows(self, hosts: list[str], shown: Window, label: int, room: int) -> list[StyledLine]:
        """Return as many rows as fit, with the selected one among them."""
        hops, selected = self._snapshot.run.hops, self._hop
        chosen = next(place for place, hop in enumerate(hops) if hop is selected)
        first = min(max(chosen - room // 2, 0), max(len(hops) - room, 0))
        return [
            strip_row(hop, host, shown, label, hop is selected)
            for hop, host in list(zip(hops, hosts, strict=True))[first : first + room]
        ]

    def _key(self, hop: Hop, target: Hop | None, beside: int) -> StyledLine:
        """Return what the plots show; the second plot is `beside` cells wide."""
        if self._why_not:
            return [
                (pad_or_truncate(f" {sanitize(self._why_not)}", self.size.width), TextStyle.WARN)
            ]
        more: StyledLine = [
            ("   ", TextStyle.DIM),
            ("××", loss_style(hop)),
            (" lost", TextStyle.DIM),
        ]
        if target is not None:
            more = [("   ••", TextStyle.MARK), (" target", TextStyle.PLAIN), *more]
            more.append((", the target's on top", TextStyle.DIM))
        who = f" hop {hop.ttl}  {self._name_and_address(hop)}"
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
    def _labels(self) -> HostLabels:
        return HostLabels(self._snapshot.who, self._label_mode)

    def _name_and_address(self, hop: Hop) -> str:
        by_address = self._label_mode is LabelMode.ADDRESS
        mode = LabelMode.ADDRESS if by_address else LabelMode.BOTH
        return HostLabels(self._snapshot.who, mode).hop(hop)

    def _draw_plots(self, hop: Hop, shown: Window, label: int, beside: int) -> None:
        width = label - AROUND + 1
        panel = self.query_one("#charts-figures", StyledLines)
        panel.styles.width = width
        lines: list[StyledLine] = [[(pad_or_truncate(" RTT, ms", width), TextStyle.STRONG)]]
        for name, value, style in figures(hop):
            lines.append(
                [
                    (f" {name:<7}", TextStyle.DIM),
                    (pad_or_truncate(value, width - 9, right=True), style),
                ]
            )
        panel.show(lines)
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
            (series(hop, shown), loss_style(hop)),
            (series(target, shown), loss_style(target)) if target is not None else None,
        )
        histogram = self.query_one(Histogram)
        histogram.display = beside > _LOSS
        if histogram.display:
            f = hop.figures
            histogram.draw([rtt for rtt in hop.recent if rtt >= 0], (f.p50, f.p90, f.p99))
