"""The inspector: RTT over time, addresses and all statistics of one hop."""

from tui_trace.app.render.chart_data import AROUND, series, window
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.widgets.lazy_plots import PlotsReady, Throttle, load_plots
from tui_trace.app.widgets.styled_lines import StyledLines
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.events import EgressFound, RegistryRecord
from tui_trace.core.percentages import format_loss
from tui_trace.core.probe_text import describe_egress
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.cell_text import TextStyle, blocks_to_scale, scale_words
from tui_trace.report.hop_columns import loss_style
from tui_trace.report.hop_notes import local_reason, mark_words, quic_versions
from tui_trace.session.host_labels import NO_LABELS, HostLabels, responders
from tui_trace.session.last_minute import describe_window
from tui_trace.session.snapshot import AddressInfo, Hop, Responder, Snapshot

_PLOT_LEAST = 6
"""Lines below which a plot tells less than a line of blocks."""
_CONFIRMED = {True: " (forward-confirmed)", False: " (not forward-confirmed)", None: ""}


def _figures(hop: Hop, window: int | None) -> list[str]:
    f = hop.figures
    lost = f"{hop.lost} lost" + (f" ({format_loss(hop.lost, f.count)} %)" if hop.lost else "")
    counted = [f"{hop.sent} sent", f"{f.count} answered", lost]
    for number, word in (
        (hop.refused, "of them refused"),
        (hop.given_up, "of them given up by this machine"),
        (hop.pending, "in flight"),
        (hop.late, "late"),
        (hop.duplicates, "duplicate"),
        (hop.repeats, "repeated"),
    ):
        if number:
            counted.append(f"{number} {word}")
    if hop.spare_ports:
        counted.append(
            f"from {hop.spare_ports + 1} source ports, the other hops' from one each flow"
        )
    if hop.user_stamped:
        counted.append(f"~ {hop.user_stamped} with user-space timestamps")
    times = (f.last, f.min, f.mean, f.sd, f.max)
    spread = (f.jitter, f.p50, f.p90, f.p99)
    marks = "  ".join([*mark_words(hop), *local_reason(hop)])
    since = "" if window is None else f"{describe_window(window)}: "
    lines = [
        f"{since}{' · '.join(counted)}   {marks}".strip(),
        _named(("last", "min", "avg", "sd", "max"), times),
        _named(("jitter", "p50", "p90", "p99"), spread),
    ]
    return [line for line in lines if line]


def _named(names: tuple[str, ...], times: tuple[float | None, ...]) -> str:
    known = zip(names, times, strict=True)
    text = "  ".join(f"{name} {time / NS_PER_MS:.3f}" for name, time in known if time is not None)
    return f"{text} ms" if text else ""


def _joined(*parts: str) -> str:
    return " · ".join(sanitize(part) for part in parts if part)


def _named_as(one: Responder, who: AddressInfo) -> str:
    """Return `203.0.113.1 ×42  fw.example (forward-confirmed), www.example`."""
    count = f" ×{one.answers}" if one.answers else ""
    line = f"{sanitize(one.address)}{count}"
    if not who.names or who.named is None:
        return line
    first, *others = (sanitize(name) for name in who.names)
    return f"{line}  {', '.join((first + _CONFIRMED[who.named.confirmed], *others))}"


def _announced(who: AddressInfo) -> str:
    """Return `AS64496 EXAMPLE-NET · 203.0.113.0/24 · DE · ripencc · owner hostmaster@example`."""
    parts: list[str] = []
    if who.origin is not None:
        names = (*who.origin.names, *[""] * len(who.origin.asns))
        known = zip(who.origin.asns, names, strict=False)
        parts += [f"AS{asn} {name}".strip() for asn, name in known]
        parts += [who.origin.prefix, who.origin.country, who.origin.registry]
    return _joined(*parts, f"owner {who.owner}" if who.owner else "")


def _located(who: AddressInfo) -> str:
    """Return `at DE-CIX Frankfurt · Frankfurt am Main, DE (GeoLite2-City of 2026-11-03)`."""
    where = who.located
    if where is None:
        return ""
    city = f"{who.city} ({where.database})" if who.city else ""
    return _joined(f"at {who.exchange}" if who.exchange else "", city)


def registered_words(record: RegistryRecord) -> str:
    """Return `whois EXAMPLE-NET · 203.0.113.0/24 · Example Ltd · DE · abuse a@example`."""
    if record.error:
        return f"whois: {sanitize(record.error)}"
    abuse = f"abuse {record.abuse}" if record.abuse else ""
    parts = (record.network, record.range, record.organisation, record.country, abuse)
    return f"whois {_joined(*parts, record.registry) or 'no record'}"


def _about(one: Responder, labels: HostLabels) -> list[str]:
    who = labels.info(one.address)
    lines = [_named_as(one, who), _announced(who), _located(who)]
    if who.registered is not None:
        lines.append(registered_words(who.registered))
    return [line for line in lines if line]


def _texts(
    hop: Hop, labels: HostLabels, egress: EgressFound | None, window: int | None = None
) -> list[str]:
    """Return all lines about a hop, the most important first."""
    texts = _figures(hop, window)
    if egress is not None:
        texts.append(f"probes leave {sanitize(describe_egress(egress))}")
    if not hop.responders:
        return [*texts, "nothing answered at this TTL"]
    first, *others = responders(hop)
    texts += _about(first, labels)
    texts += quic_versions(hop)
    if hop.received:
        texts.append(f"received {_joined(*hop.received)}")
    for one in others:
        texts += _about(one, labels)
    return texts


def _title(hop: Hop, labels: HostLabels) -> str:
    title = f"─ hop {hop.ttl} "
    if hop.responders:
        address = responders(hop)[0].address
        who = labels.info(address)
        called = (*who.names[:1], address, who.asn)
        title += f" {'  '.join(sanitize(part) for part in called if part)} "
    return title


def egress_at(hop: Hop, snapshot: Snapshot | None) -> EgressFound | None:
    """Return how probes leave, where that is told: at the first row of the table."""
    if snapshot is None or [first.ttl for first in snapshot.run.hops[:1]] != [hop.ttl]:
        return None
    return snapshot.run.egress


def plot_height(
    hop: Hop,
    height: int,
    labels: HostLabels = NO_LABELS,
    *,
    egress: EgressFound | None = None,
) -> int:
    """Return the lines that a panel of `height` has for a plot; 0 if they are too few."""
    left = height - 1 - len(_texts(hop, labels, egress))
    return left if hop.responders and left >= _PLOT_LEAST else 0


def inspect(
    hop: Hop,
    width: int,
    height: int,
    labels: HostLabels = NO_LABELS,
    *,
    plot: int = 0,
    egress: EgressFound | None = None,
    scale: int = 0,
    window: int | None = None,
) -> list[StyledLine]:
    """Return the panel's lines, at most `height`; `plot` of them are left to a plot.

    `egress`: how the probes of the run leave, if that is to be told here. `scale` (ns) is that of
    the table's blocks; the figures are of the last `window` (ns), or of the whole run.
    """
    title = _title(hop, labels)
    title += "─" * (width - cell_width(title))
    lines: list[StyledLine] = [[(pad_or_truncate(title, width), TextStyle.DIM)]]
    if plot:
        lines += [[]] * plot
    elif hop.responders and scale:
        told = f" {scale_words(scale)} "
        blocks = blocks_to_scale(hop.recent, scale, max(width - 1 - len(told), 0))
        lines.append([(told, TextStyle.DIM), (blocks, TextStyle.SPARK)])
    lines += [
        [(pad_or_truncate(f" {text}", width), TextStyle.PLAIN)]
        for text in _texts(hop, labels, egress, window)
    ]
    return lines[:height]


class HopInspector(StyledLines):
    """The panel of the selected hop, with a plot where there is room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hop: Hop | None = None
        self._snapshot: Snapshot | None = None
        self._labels = NO_LABELS
        self._scale = 0
        self._window: int | None = None
        self._wanted = False
        self._throttle = Throttle(self, self._draw_plot)
        self.display = False

    def look_at(
        self,
        hop: Hop | None,
        labels: HostLabels,
        snapshot: Snapshot | None,
        *,
        scale: int = 0,
        window: int | None = None,
    ) -> None:
        """Show this hop of `snapshot`; None: there is nothing to show.

        `scale` and `window` are those of the table; see `inspect`.
        """
        if hop is None or self._hop is None or hop.ttl != self._hop.ttl:
            self._throttle.reset()
        self._hop = hop
        self._snapshot = snapshot
        self._labels = labels
        self._scale, self._window = scale, window
        self.on_resize()

    def on_resize(self) -> None:
        width, height = self.size
        plot = 0
        if self._hop is None:
            self.show([[(" select a hop first (up, down)", TextStyle.DIM)]])
        elif height:
            egress = egress_at(self._hop, self._snapshot)
            room = plot_height(self._hop, height, self._labels, egress=egress)
            plot = self._place_plot(room)
            self.show(
                inspect(
                    self._hop,
                    width,
                    height,
                    self._labels,
                    plot=plot,
                    egress=egress,
                    scale=self._scale,
                    window=self._window,
                )
            )
        for shown in self.query("#inspector-rtt"):
            shown.display = bool(plot)

    def _place_plot(self, lines: int) -> int:
        """Return the lines that the plot takes: none before its library is loaded."""
        if not lines:
            return 0
        for plot in self.query("#inspector-rtt"):
            plot.styles.height = lines
            self._throttle.request()
            return lines
        if not self._wanted:
            self._wanted = True
            load_plots(self)
        return 0

    async def on_plots_ready(self, message: PlotsReady) -> None:
        """Draw from now on; without the library the line of blocks stays."""
        if not message.why_not:
            from tui_trace.app.widgets.plots import RttPlot

            await self.mount(RttPlot(id="inspector-rtt"))
            self.on_resize()

    def _draw_plot(self) -> None:
        from tui_trace.app.widgets.plots import RttPlot

        if self._hop is not None and self._snapshot is not None:
            shown = window(self._snapshot, self.size.width - AROUND)
            # it shows all outcomes, whatever the figures are of
            of_run = (hop for hop in self._snapshot.run.hops if hop.ttl == self._hop.ttl)
            drawn = series(next(of_run, self._hop), shown), loss_style(self._hop)
            self.query_one(RttPlot).draw(shown, drawn, None)
