"""The columns that a table can show of a hop: each is one entry of `COLUMNS`.

The table of the live view, its column chooser, the config file and the JSON report all read these
entries, so that a column is added here and nowhere else.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tui_trace.core.cell_width import cut_middle
from tui_trace.core.percentages import format_loss
from tui_trace.report.cell_text import TextStyle, blocks_to_scale, ms, short_ms
from tui_trace.report.hop_notes import short_notes
from tui_trace.session.hops_back import hops_back
from tui_trace.session.host_labels import NO_LABELS, NO_REPLY, HostLabels, responders
from tui_trace.session.loss import LossPlace, loss_place
from tui_trace.session.snapshot import Hop

EXTRA_RESPONDERS = 4
"""Addresses of one TTL that get a line of their own below the first."""
DISPLAYS = ("latency", "jitter", "percentiles")
"""Sets of columns between which a key switches."""


class CellContext(NamedTuple):
    """The width and the form that a cell has to keep to."""

    width: int
    """Cells."""
    microseconds: bool
    """Times have microseconds: all in the table are below `SUB_10_MS`."""
    labels: HostLabels = NO_LABELS
    scale: int = 0
    """RTT (ns) of the highest block; 0: none is known yet."""


class Column(NamedTuple):
    """One column: what it is called, what it shows, and when it gives way to others."""

    id: str
    """The name in the config file's `[columns]`."""
    title: str
    explanation: str
    """A line for the column chooser."""
    cell: Callable[[Hop, CellContext], str]
    """The text for a hop."""
    width: int = 6
    """Cells that the column needs at least."""
    right: bool = True
    """The text is aligned to the right."""
    displays: Mapping[str, int] = {}
    """The column's position, from the left, in each display that shows it by default."""
    drop: int | None = 0
    """In a narrow terminal the column with the lowest number goes first; None: it always stays."""
    yields_to_hosts: bool = False
    """The column also goes where host names would be cut."""
    style: Callable[[Hop], TextStyle] = lambda _: TextStyle.PLAIN
    address_cell: Callable[[str, CellContext], str] | None = None
    """The text for one of several addresses at a hop; None: it stays blank."""
    value: Callable[[Hop], float | None] | None = None
    """The number behind the text: ns, percent or a count; None before it is known."""
    mtr_letter: str = ""
    """Letter of the same value in `report.mtr_fields`, whose title is its key in `-j`."""
    json_key: str = ""
    """Key of our own in each hub of `-j`, always present: the value in ms, or null."""


def host_cell(hop: Hop, context: CellContext) -> str:
    """Return the label of the first address, or say that nothing answered."""
    if hop.responders:
        return _address_label(responders(hop)[0].address, context)
    return NO_REPLY if hop.lost else "" if not hop.sent else "…"


def _address_label(address: str, context: CellContext) -> str:
    return cut_middle(context.labels.host(address, context.width), context.width)


def _host_style(hop: Hop) -> TextStyle:
    if not hop.responders:
        return TextStyle.DIM
    return TextStyle.STRONG if hop.is_target else TextStyle.PLAIN


def _address_column(
    id: str,
    title: str,
    explanation: str,
    about: Callable[[str, CellContext], str],
    *,
    drop: int,
    width: int = 6,
    displays: Mapping[str, int] | None = None,
) -> Column:
    """Return a column that tells something about each address of a hop."""

    def cell(hop: Hop, context: CellContext) -> str:
        return about(responders(hop)[0].address, context) if hop.responders else ""

    fixed = Column(id, title, explanation, cell, width, False, displays or {}, drop)
    return fixed._replace(style=_dim, address_cell=about)


def _origin(address: str, context: CellContext) -> str:
    """Return the AS numbers; where not all have room, the first, as part of one is another."""
    every = context.labels.asn(address)
    if len(every) <= context.width:
        return every
    first = every.partition("/")[0]
    return f"{first}/…" if len(first) + 2 <= context.width else cut_middle(first, context.width)


def _city(address: str, context: CellContext) -> str:
    return context.labels.city(address)


def _exchange(address: str, context: CellContext) -> str:
    return context.labels.exchange(address)


def _back_cell(hop: Hop, _: CellContext) -> str:
    back = hops_back(hop.reply_ttl, hop.ttl)
    return "" if back is None else str(back)


def _back_style(hop: Hop) -> TextStyle:
    return TextStyle.DIM if hops_back(hop.reply_ttl, hop.ttl) == hop.ttl else TextStyle.MARK


def _loss_cell(hop: Hop, _: CellContext) -> str:
    loss = format_loss(hop.lost, hop.figures.count)
    return f"!{loss}" if hop.is_target and hop.lost else loss


_LOSS_STYLES = {
    LossPlace.NOWHERE: TextStyle.DIM,
    LossPlace.ANSWERS: TextStyle.PLAIN,
    LossPlace.PATH: TextStyle.WARN,
    LossPlace.TARGET: TextStyle.BAD,
}


def loss_style(hop: Hop) -> TextStyle:
    """Return the style of a hop's losses."""
    return _LOSS_STYLES[loss_place(hop)]


def _sent_cell(hop: Hop, _: CellContext) -> str:
    return str(hop.sent) if hop.sent < 100_000 else f"{hop.sent // 1000}k"


def _average_cell(hop: Hop, context: CellContext) -> str:
    mean, sd = hop.figures.mean, hop.figures.sd
    if mean is None:
        return ""
    if context.microseconds:
        return f"{ms(mean, True):>5}{'' if sd is None else f'±{ms(sd, True)}':<6}"
    return f"{ms(mean):>6}{'' if sd is None else f'±{short_ms(sd)}':<5}"


def _recent_cell(hop: Hop, context: CellContext) -> str:
    if not hop.responders or not context.scale:
        return ""
    return blocks_to_scale(hop.recent, context.scale, context.width)


def _dim(_: Hop) -> TextStyle:
    return TextStyle.DIM


def _every_display(position: int) -> dict[str, int]:
    return dict.fromkeys(DISPLAYS, position)


def rtt_column(
    id: str,
    title: str,
    explanation: str,
    value: Callable[[Hop], float | None],
    *,
    marked: bool = False,
    dated: bool = False,
    width: int = 6,
    displays: Mapping[str, int] | None = None,
    drop: int = 0,
    yields_to_hosts: bool = False,
    mtr_letter: str = "",
    json_key: str = "",
) -> Column:
    """Return a column that shows a time in ms; `value` returns it in ns, or None if not known yet.

    `marked` puts `~` before times of which the kernel did not take every stamp, `dated` puts `×`
    before those that are older than the hop's last lost probe.
    """

    def cell(hop: Hop, context: CellContext) -> str:
        text = ms(value(hop), context.microseconds)
        if dated and text and hop.is_silent:
            return f"×{text}"
        return f"~{text}" if marked and text and hop.user_stamped else text

    return Column(
        id=id,
        title=title,
        explanation=explanation,
        cell=cell,
        width=width,
        displays=displays or {},
        drop=drop,
        yields_to_hosts=yields_to_hosts,
        value=value,
        mtr_letter=mtr_letter,
        json_key=json_key,
    )


_ENTRIES = (
    Column("ttl", "#", "TTL", lambda hop, _: str(hop.ttl), width=2, drop=None, style=_dim),
    Column(
        id="host",
        title="Host",
        explanation="Name or address of the host that answered",
        cell=host_cell,
        width=15,
        right=False,
        drop=None,
        style=_host_style,
        address_cell=_address_label,
    ),
    _address_column(
        "asn",
        "ASN",
        "Number of the AS that announces the address",
        _origin,
        drop=60,
        displays=_every_display(10),
    ),
    _address_column(
        "city",
        "City",
        "City and country, by a GeoIP database",
        _city,
        drop=15,
        width=21,
    ),
    _address_column(
        "exchange",
        "IX",
        "Exchange point, by PeeringDB",
        _exchange,
        drop=16,
        width=16,
    ),
    Column(
        id="loss",
        title="Loss%",
        explanation="Lost probes, of those whose outcome is known",
        cell=_loss_cell,
        displays=_every_display(20),
        drop=150,
        style=loss_style,
        value=lambda hop: hop.loss_percent,
        mtr_letter="L",
    ),
    Column(
        id="sent",
        title="Snt",
        explanation="Probes sent",
        cell=_sent_cell,
        width=5,
        displays=_every_display(30),
        drop=80,
        style=_dim,
        value=lambda hop: hop.sent,
        mtr_letter="S",
    ),
    rtt_column(
        "last",
        "Last",
        "Last RTT; × before it: a probe has been lost since",
        lambda hop: hop.figures.last,
        marked=True,
        dated=True,
        width=7,
        displays={"latency": 40, "jitter": 40},
        drop=140,
        mtr_letter="N",
    ),
    rtt_column(
        "min",
        "Min",
        "Smallest RTT",
        lambda hop: hop.figures.min,
        displays={"latency": 50},
        drop=20,
        yields_to_hosts=True,
        mtr_letter="B",
    ),
    Column(
        id="avg",
        title="Avg±SD  ",
        explanation="Mean RTT and standard deviation",
        cell=_average_cell,
        width=11,
        displays={"latency": 60},
        drop=120,
    ),
    rtt_column(
        "mean",
        "Avg",
        "Mean RTT",
        lambda hop: hop.figures.mean,
        displays={"jitter": 60},
        drop=100,
        mtr_letter="A",
    ),
    rtt_column(
        "sd",
        "SD",
        "Standard deviation of the RTT",
        lambda hop: hop.figures.sd,
        displays={"jitter": 70},
        drop=30,
        yields_to_hosts=True,
        mtr_letter="V",
    ),
    rtt_column(
        "max",
        "Max",
        "Largest RTT",
        lambda hop: hop.figures.max,
        displays=_every_display(80),
        drop=70,
        mtr_letter="W",
    ),
    rtt_column(
        "jitter",
        "Jitter",
        "Mean difference of successive RTTs",
        lambda hop: hop.figures.jitter,
        displays={"jitter": 50},
        drop=40,
        yields_to_hosts=True,
        mtr_letter="M",
        json_key="jitter_ms",
    ),
    rtt_column(
        "p50",
        "p50",
        "Median RTT",
        lambda hop: hop.figures.p50,
        marked=True,
        width=7,
        displays={"percentiles": 40},
        drop=110,
        json_key="p50_ms",
    ),
    rtt_column(
        "p90",
        "p90",
        "90 % of the RTTs are not larger",
        lambda hop: hop.figures.p90,
        displays={"percentiles": 50},
        drop=50,
        yields_to_hosts=True,
        json_key="p90_ms",
    ),
    rtt_column(
        "p99",
        "p99",
        "99 % of the RTTs are not larger",
        lambda hop: hop.figures.p99,
        displays={"percentiles": 60},
        drop=90,
        json_key="p99_ms",
    ),
    Column(
        id="back",
        title="Back",
        explanation="Hops that the last answer came back over, by its TTL",
        mtr_letter="K",
        value=lambda hop: hops_back(hop.reply_ttl, hop.ttl),
        cell=_back_cell,
        style=_back_style,
        width=4,
        displays={"latency": 85},
        drop=5,
        yields_to_hosts=True,
    ),
    Column(
        id="recent",
        title="Recent",
        explanation="Recent RTTs, all rows on one scale; a gap is a loss",
        cell=_recent_cell,
        width=8,
        displays=_every_display(90),
        drop=10,
        yields_to_hosts=True,
        style=lambda _: TextStyle.SPARK,
    ),
    Column(
        id="notes",
        title="Notes",
        explanation="What the answers said",
        cell=lambda hop, _: short_notes(hop),
        right=False,
        displays=_every_display(100),
        drop=130,
        style=lambda _: TextStyle.MARK,
    ),
)
COLUMNS: dict[str, Column] = {column.id: column for column in _ENTRIES}
"""Every column by its id, in the order of the column chooser."""
ALWAYS = tuple(column.id for column in _ENTRIES if column.drop is None)
"""Columns that every table begins with: they cannot be chosen, and are never dropped."""


def columns_of(display: str) -> tuple[str, ...]:
    """Return the ids of the columns that a display shows by default, after `ALWAYS`."""
    shown = [column for column in COLUMNS.values() if display in column.displays]
    return tuple(column.id for column in sorted(shown, key=lambda column: column.displays[display]))
