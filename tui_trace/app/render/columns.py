"""What the table can show of a hop, as data. Pure text: no widget, no colour."""

from collections.abc import Callable
from typing import NamedTuple

from tui_trace.app.render.cells import TextStyle, ms, percent, short_ms, sparkline
from tui_trace.app.render.host_labels import NO_LABELS, HostLabels
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.loss import LIMITED
from tui_trace.session.snapshot import Hop, Responder

NO_REPLY = "(no reply)"
EXTRA_RESPONDERS = 4
"""Addresses of one TTL that get a line of their own below the first."""
STALE = 10 * NS_PER_S
"""Nanoseconds after which an address that others answered in place of is listed last."""


class CellContext(NamedTuple):
    """What a cell has to keep to."""

    width: int
    """Cells."""
    fine: bool
    """Times with microseconds: all in the table are below `FINE`."""
    people: HostLabels = NO_LABELS


class Column(NamedTuple):
    """One column. `width` is the least it needs, in cells."""

    id: str
    title: str
    width: int
    right: bool
    """Aligned to the right."""
    cell: Callable[[Hop, CellContext], str]
    """Its text for a hop."""
    about: str
    tone: Callable[[Hop], TextStyle] = lambda _: TextStyle.PLAIN
    of: Callable[[str, CellContext], str] | None = None
    """Its text for one of several addresses at a hop."""


def responders(hop: Hop) -> tuple[Responder, ...]:
    """Who answered here, in an order that does not jump: by address, long silent ones last."""
    if len(hop.responders) < 2:
        return hop.responders
    newest = max(responder.seen for responder in hop.responders)
    return tuple(
        sorted(
            hop.responders,
            key=lambda one: (newest - one.seen > STALE, len(one.address), one.address),
        )
    )


def notes_cell(hop: Hop) -> str:
    """What the answers said, and the counters that are zero where all is well.

    Whether a port is open comes first, then what carries a number: the end may be cut off.
    """
    parts = sorted(map(sanitize, hop.marks), key=lambda mark: (mark[:1] != "[", not _number(mark)))
    if hop.late:
        parts.append(f"late {hop.late}")
    if hop.duplicates:
        parts.append(f"dup {hop.duplicates}")
    return " ".join(parts)


def _number(mark: str) -> bool:
    return any(sign.isdigit() for sign in mark)


def host_cell(hop: Hop, room: CellContext) -> str:
    """Who answered first, or that nothing did."""
    if hop.responders:
        return _named(responders(hop)[0].address, room)
    return NO_REPLY if hop.lost else "" if not hop.sent else "…"


def _named(address: str, room: CellContext) -> str:
    return room.people.host(address, room.width)


def _asn(hop: Hop, room: CellContext) -> str:
    return room.people.asn(responders(hop)[0].address) if hop.responders else ""


def _asn_of(address: str, room: CellContext) -> str:
    return room.people.asn(address)


def _host_tone(hop: Hop) -> TextStyle:
    if not hop.responders:
        return TextStyle.DIM
    return TextStyle.STRONG if hop.is_target else TextStyle.PLAIN


def _loss(hop: Hop, _: CellContext) -> str:
    share = percent(hop.lost, hop.figures.count)
    return f"!{share}" if hop.is_target and hop.lost else share


def loss_tone(hop: Hop) -> TextStyle:
    """How loud its losses are: those of the target loudest, those of answers alone not at all."""
    if not hop.lost or not hop.responders:
        return TextStyle.DIM
    if LIMITED in hop.marks:
        return TextStyle.PLAIN
    return TextStyle.BAD if hop.is_target else TextStyle.WARN


def _sent(hop: Hop, _: CellContext) -> str:
    return str(hop.sent) if hop.sent < 100_000 else f"{hop.sent // 1000}k"


def _marked(hop: Hop, time: float | None, fine: bool) -> str:
    text = ms(time, fine)
    return f"~{text}" if text and hop.user_stamped else text


def _average(hop: Hop, room: CellContext) -> str:
    mean, sd = hop.figures.mean, hop.figures.sd
    if mean is None:
        return ""
    if room.fine:
        return f"{ms(mean, True):>5}{'' if sd is None else f'±{ms(sd, True)}':<6}"
    return f"{ms(mean):>6}{'' if sd is None else f'±{short_ms(sd)}':<5}"


def _recent(hop: Hop, room: CellContext) -> str:
    return sparkline(hop.recent, hop.figures.min, room.width) if hop.responders else ""


_ALL = (
    Column("ttl", "#", 2, True, lambda hop, _: str(hop.ttl), "TTL", lambda _: TextStyle.DIM),
    Column("host", "Host", 15, False, host_cell, "Who answered", _host_tone, _named),
    Column(
        "asn", "ASN", 6, False, _asn, "Who announces the address", lambda _: TextStyle.DIM, _asn_of
    ),
    Column("loss", "Loss%", 6, True, _loss, "Lost of the probes that were decided", loss_tone),
    Column("sent", "Snt", 5, True, _sent, "Probes sent", lambda _: TextStyle.DIM),
    Column(
        "last",
        "Last",
        7,
        True,
        lambda hop, room: _marked(hop, hop.figures.last, room.fine),
        "Last RTT",
    ),
    Column("min", "Min", 6, True, lambda hop, room: ms(hop.figures.min, room.fine), "Smallest RTT"),
    Column("avg", "Avg±SD  ", 11, True, _average, "Mean RTT and standard deviation"),
    Column("mean", "Avg", 6, True, lambda hop, room: ms(hop.figures.mean, room.fine), "Mean RTT"),
    Column(
        "sd", "SD", 6, True, lambda hop, room: ms(hop.figures.sd, room.fine), "Standard deviation"
    ),
    Column("max", "Max", 6, True, lambda hop, room: ms(hop.figures.max, room.fine), "Largest RTT"),
    Column(
        "jitter",
        "Jitter",
        6,
        True,
        lambda hop, room: ms(hop.figures.jitter, room.fine),
        "Mean difference of successive RTTs",
    ),
    Column(
        "p50",
        "p50",
        7,
        True,
        lambda hop, room: _marked(hop, hop.figures.p50, room.fine),
        "Median RTT",
    ),
    Column(
        "p90",
        "p90",
        6,
        True,
        lambda hop, room: ms(hop.figures.p90, room.fine),
        "90 % were no slower",
    ),
    Column(
        "p99",
        "p99",
        6,
        True,
        lambda hop, room: ms(hop.figures.p99, room.fine),
        "99 % were no slower",
    ),
    Column(
        "recent",
        "Recent",
        8,
        True,
        _recent,
        "Recent RTTs; a gap is a loss",
        lambda _: TextStyle.SPARK,
    ),
    Column(
        "notes",
        "Notes",
        6,
        False,
        lambda hop, _: notes_cell(hop),
        "What came back",
        lambda _: TextStyle.MARK,
    ),
)
COLUMNS: dict[str, Column] = {column.id: column for column in _ALL}

ALWAYS = ("ttl", "host")
DISPLAYS: dict[str, tuple[str, ...]] = {
    "latency": ("asn", "loss", "sent", "last", "min", "avg", "max", "recent", "notes"),
    "jitter": ("asn", "loss", "sent", "last", "jitter", "mean", "sd", "max", "recent", "notes"),
    "percentiles": ("asn", "loss", "sent", "p50", "p90", "p99", "max", "recent", "notes"),
}
"""The columns of each display, after `ALWAYS`; the user may choose others."""
