"""One hop looked at closely: RTT over time, who answers, what it received, all the figures."""

from rich.cells import cell_len

from tui_trace.app.charts import AROUND, series, window
from tui_trace.app.columns import Tone, loss_tone, percent, responders, sparkline
from tui_trace.app.late import PlotsReady, Seldom, load_plots
from tui_trace.app.people import NO_PEOPLE, People
from tui_trace.app.rows import Line, fit
from tui_trace.app.toned import Lines
from tui_trace.events import Registered
from tui_trace.session.model import Hop, Responder, Snapshot, Who
from tui_trace.settings import NS_PER_MS
from tui_trace.text import clean

_PLOT_LEAST = 6
"""Lines below which a plot tells less than a line of blocks."""
_CONFIRMED = {True: " (forward-confirmed)", False: " (not forward-confirmed)", None: ""}


def _figures(hop: Hop) -> list[str]:
    f = hop.figures
    lost = f"{hop.lost} lost" + (f" ({percent(hop.lost, f.count)} %)" if hop.lost else "")
    counted = [f"{hop.sent} sent", f"{f.count} answered", lost]
    for number, word in (
        (hop.pending, "in flight"),
        (hop.late, "late"),
        (hop.duplicates, "duplicate"),
    ):
        if number:
            counted.append(f"{number} {word}")
    if hop.user_stamped:
        counted.append(f"~ {hop.user_stamped} not stamped by the kernel")
    times = (f.last, f.min, f.mean, f.sd, f.max)
    spread = (f.jitter, f.p50, f.p90, f.p99)
    marks = "  ".join(clean(mark) for mark in hop.marks)
    lines = [
        f"{' · '.join(counted)}   {marks}".strip(),
        _named(("last", "min", "avg", "sd", "max"), times),
        _named(("jitter", "p50", "p90", "p99"), spread),
    ]
    return [line for line in lines if line]


def _named(names: tuple[str, ...], times: tuple[float | None, ...]) -> str:
    known = zip(names, times, strict=True)
    text = "  ".join(f"{name} {time / NS_PER_MS:.3f}" for name, time in known if time is not None)
    return f"{text} ms" if text else ""


def _joined(*parts: str) -> str:
    return " · ".join(clean(part) for part in parts if part)


def _named_as(one: Responder, who: Who) -> str:
    """`203.0.113.1 ×42  fw.example (forward-confirmed), www.example`."""
    line = f"{clean(one.address)} ×{one.answers}"
    if not who.names or who.named is None:
        return line
    first, *others = (clean(name) for name in who.names)
    return f"{line}  {', '.join((first + _CONFIRMED[who.named.confirmed], *others))}"


def _announced(who: Who) -> str:
    """`AS64496 EXAMPLE-NET · 203.0.113.0/24 · DE · ripencc · owner hostmaster@example`."""
    parts: list[str] = []
    if who.origin is not None:
        names = (*who.origin.names, *[""] * len(who.origin.asns))
        known = zip(who.origin.asns, names, strict=False)
        parts += [f"AS{asn} {name}".strip() for asn, name in known]
        parts += [who.origin.prefix, who.origin.country, who.origin.registry]
    return _joined(*parts, f"owner {who.owner}" if who.owner else "")


def registered_words(record: Registered) -> str:
    """`whois EXAMPLE-NET · 203.0.113.0/24 · Example Ltd · DE · abuse a@example · ripencc`."""
    if record.error:
        return f"whois: {clean(record.error)}"
    abuse = f"abuse {record.abuse}" if record.abuse else ""
    parts = (record.network, record.range, record.organisation, record.country, abuse)
    return f"whois {_joined(*parts, record.registry) or 'knows nothing'}"


def _about(one: Responder, people: People) -> list[str]:
    who = people.of(one.address)
    lines = [_named_as(one, who), _announced(who)]
    if who.registered is not None:
        lines.append(registered_words(who.registered))
    return [line for line in lines if line]


def _texts(hop: Hop, people: People) -> list[str]:
    """What there is to say, the most important first."""
    texts = _figures(hop)
    if not hop.responders:
        return [*texts, "nothing answered here"]
    first, *others = responders(hop)
    texts += _about(first, people)
    if hop.received:
        texts.append(f"received {_joined(*hop.received)}")
    for one in others:
        texts += _about(one, people)
    return texts


def _title(hop: Hop, people: People) -> str:
    title = f"─ hop {hop.ttl} "
    if hop.responders:
        address = responders(hop)[0].address
        who = people.of(address)
        called = (*who.names[:1], address, who.asn)
        title += f" {'  '.join(clean(part) for part in called if part)} "
    return title


def plot_lines(hop: Hop, height: int, people: People = NO_PEOPLE) -> int:
    """Lines that a panel of `height` has for a plot; 0: too few."""
    left = height - 1 - len(_texts(hop, people))
    return left if hop.responders and left >= _PLOT_LEAST else 0


def inspect(
    hop: Hop, width: int, height: int, people: People = NO_PEOPLE, *, plot: int = 0
) -> list[Line]:
    """The panel's lines, `height` at most; `plot` of them are left to a plot."""
    title = _title(hop, people)
    title += "─" * (width - cell_len(title))
    lines: list[Line] = [[(fit(title, width), Tone.DIM)]]
    if plot:
        lines += [[]] * plot
    elif hop.responders:
        blocks = sparkline(hop.recent, hop.figures.min, width - 2)
        lines.append([(f" {blocks}", Tone.SPARK)])
    lines += [[(fit(f" {text}", width), Tone.PLAIN)] for text in _texts(hop, people)]
    return lines[:height]


class Inspector(Lines):
    """The panel of the selected hop; where there is room, a plot lies over the lines left to it."""

    def __init__(self, *, id: str | None = None) -> None:
        """Hidden."""
        super().__init__(id=id)
        self._hop: Hop | None = None
        self._snapshot: Snapshot | None = None
        self._people = NO_PEOPLE
        self._wanted = False
        self._seldom = Seldom(self, self._draw_plot)
        self.display = False

    def look_at(self, hop: Hop | None, people: People, snapshot: Snapshot | None) -> None:
        """Show this hop of `snapshot`; None: there is nothing to show."""
        if hop is None or self._hop is None or hop.ttl != self._hop.ttl:
            self._seldom.hurry()
        self._hop = hop
        self._snapshot = snapshot
        self._people = people
        self.on_resize()

    def on_resize(self) -> None:
        """Use the room there is."""
        width, height = self.size
        plot = 0
        if self._hop is None:
            self.show([[(" no hop is selected: up and down do", Tone.DIM)]])
        elif height:
            plot = self._place_plot(plot_lines(self._hop, height, self._people))
            self.show(inspect(self._hop, width, height, self._people, plot=plot))
        for shown in self.query("#inspector-rtt"):
            shown.display = bool(plot)

    def _place_plot(self, lines: int) -> int:
        """How many of the lines it takes: none before its library is there."""
        if not lines:
            return 0
        for plot in self.query("#inspector-rtt"):
            plot.styles.height = lines
            self._seldom.ask()
            return lines
        if not self._wanted:
            self._wanted = True
            load_plots(self)
        return 0

    async def on_plots_ready(self, message: PlotsReady) -> None:
        """Draw from now on; without the library the line of blocks stays."""
        if not message.why_not:
            from tui_trace.app.plots import RttPlot  # noqa: PLC0415

            await self.mount(RttPlot(id="inspector-rtt"))
            self.on_resize()

    def _draw_plot(self) -> None:
        from tui_trace.app.plots import RttPlot  # noqa: PLC0415

        if self._hop is not None and self._snapshot is not None:
            shown = window(self._snapshot, self.size.width - AROUND)
            drawn = series(self._hop, shown), loss_tone(self._hop)
            self.query_one(RttPlot).draw(shown, drawn, None)
