"""What the table can show of a hop, as data. Pure text: no widget, no colour."""

import enum
import math
from collections.abc import Callable
from typing import NamedTuple

from tui_trace.app.people import NO_PEOPLE, People
from tui_trace.session.loss import LIMITED
from tui_trace.session.model import LOST, Hop, Responder
from tui_trace.settings import NS_PER_MS, NS_PER_S
from tui_trace.text import clean

NO_REPLY = "(no reply)"
BLOCKS = "▁▂▃▄▅▆▇█"
_LEVELS = BLOCKS + BLOCKS[-1]
EXTRA_RESPONDERS = 4
"""Addresses of one TTL that get a line of their own below the first."""
FINE = 9_999_500
"""Nanoseconds. Where every RTT is below, a hundredth of a millisecond would say too little."""
STALE = 10 * NS_PER_S
"""Nanoseconds after which an address that others answered in place of is listed last."""


class Tone(enum.Enum):
    """How loud a cell is; the theme makes colours of it, and no colour is needed to tell."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    WARN = "warn"
    BAD = "bad"
    SPARK = "spark"
    MARK = "mark"
    FLAG = "flag"
    """What must never be overlooked, though nothing is wrong."""
    BAD_MARK = "bad-mark"
    """Wrong, in a mark of its own: no ground is laid under it."""
    PATH_A = "path-a"
    PATH_B = "path-b"
    PATH_C = "path-c"
    PATH_D = "path-d"


class Room(NamedTuple):
    """What a cell has to keep to."""

    width: int
    """Cells."""
    fine: bool
    """Times with microseconds: all in the table are below `FINE`."""
    people: People = NO_PEOPLE


class Column(NamedTuple):
    """One column. `width` is the least it needs, in cells."""

    id: str
    title: str
    width: int
    right: bool
    """Aligned to the right."""
    cell: Callable[[Hop, Room], str]
    """Its text for a hop."""
    about: str
    tone: Callable[[Hop], Tone] = lambda _: Tone.PLAIN
    of: Callable[[str, Room], str] | None = None
    """Its text for one of several addresses at a hop."""


def ms(time: float | None, fine: bool = False) -> str:
    """Nanoseconds as milliseconds in at most six cells: `0.02`, `123.45`, `1234.5`, `12345`.

    `fine`: what is below `FINE` with three decimals, `0.018`.
    """
    if time is None:
        return ""
    if time < 999_995_000:
        return f"{time / NS_PER_MS:.{3 if fine and time < FINE else 2}f}"
    return f"{time / NS_PER_MS:.{1 if time < 9_999_950_000 else 0}f}"


def short_ms(time: float | None) -> str:
    """Nanoseconds as milliseconds in at most four cells: `0.02`, `12.3`, `123`."""
    if time is None:
        return ""
    if time < 9_995_000:
        return f"{time / NS_PER_MS:.2f}"
    return f"{time / NS_PER_MS:.{1 if time < 99_950_000 else 0}f}"


def percent(lost: int, answered: int) -> str:
    """Lost of the probes that were decided. `0.0` means none was and `100.0` that all were."""
    if not lost + answered:
        return ""
    share = f"{100 * lost / (lost + answered):.1f}"
    if lost and share == "0.0":
        return "<0.1"
    return ">99.9" if answered and share == "100.0" else share


def sparkline(recent: tuple[int, ...], least: int | None, width: int) -> str:
    """The last `width` decided outcomes, newest at the right; a lost probe is a gap.

    The scale is the row's own and logarithmic, so that sub-millisecond hops read as well as slow
    ones: the lowest block is `least` (ns), the highest the largest shown, at least twice `least`.
    """
    shown = [rtt for rtt in recent[-2 * width :] if rtt >= LOST][-width:]
    bottom = max(least or 1, 1)
    top = max(2 * bottom, *shown) if shown else 2 * bottom
    step = len(BLOCKS) / math.log(top / bottom)
    log = math.log
    line = [
        " " if rtt == LOST else _LEVELS[int(log(rtt / bottom) * step) if rtt > bottom else 0]
        for rtt in shown
    ]
    return "".join(line).rjust(width)


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


def notes(hop: Hop) -> str:
    """What the answers said, and the counters that are zero where all is well.

    Whether a port is open comes first, then what carries a number: the end may be cut off.
    """
    parts = sorted(map(clean, hop.marks), key=lambda mark: (mark[:1] != "[", not _number(mark)))
    if hop.late:
        parts.append(f"late {hop.late}")
    if hop.duplicates:
        parts.append(f"dup {hop.duplicates}")
    return " ".join(parts)


def _number(mark: str) -> bool:
    return any(sign.isdigit() for sign in mark)


def host(hop: Hop, room: Room) -> str:
    """Who answered first, or that nothing did."""
    if hop.responders:
        return _named(responders(hop)[0].address, room)
    return NO_REPLY if hop.lost else "" if not hop.sent else "…"


def _named(address: str, room: Room) -> str:
    return room.people.host(address, room.width)


def _asn(hop: Hop, room: Room) -> str:
    return room.people.asn(responders(hop)[0].address) if hop.responders else ""


def _asn_of(address: str, room: Room) -> str:
    return room.people.asn(address)


def _host_tone(hop: Hop) -> Tone:
    if not hop.responders:
        return Tone.DIM
    return Tone.STRONG if hop.is_target else Tone.PLAIN


def _loss(hop: Hop, _: Room) -> str:
    share = percent(hop.lost, hop.figures.count)
    return f"!{share}" if hop.is_target and hop.lost else share


def loss_tone(hop: Hop) -> Tone:
    """How loud its losses are: those of the target loudest, those of answers alone not at all."""
    if not hop.lost or not hop.responders:
        return Tone.DIM
    if LIMITED in hop.marks:
        return Tone.PLAIN
    return Tone.BAD if hop.is_target else Tone.WARN


def _sent(hop: Hop, _: Room) -> str:
    return str(hop.sent) if hop.sent < 100_000 else f"{hop.sent // 1000}k"


def _marked(hop: Hop, time: float | None, fine: bool) -> str:
    text = ms(time, fine)
    return f"~{text}" if text and hop.user_stamped else text


def _average(hop: Hop, room: Room) -> str:
    mean, sd = hop.figures.mean, hop.figures.sd
    if mean is None:
        return ""
    if room.fine:
        return f"{ms(mean, True):>5}{'' if sd is None else f'±{ms(sd, True)}':<6}"
    return f"{ms(mean):>6}{'' if sd is None else f'±{short_ms(sd)}':<5}"


def _recent(hop: Hop, room: Room) -> str:
    return sparkline(hop.recent, hop.figures.min, room.width) if hop.responders else ""


_ALL = (
    Column("ttl", "#", 2, True, lambda hop, _: str(hop.ttl), "TTL", lambda _: Tone.DIM),
    Column("host", "Host", 15, False, host, "Who answered", _host_tone, _named),
    Column("asn", "ASN", 6, False, _asn, "Who announces the address", lambda _: Tone.DIM, _asn_of),
    Column("loss", "Loss%", 6, True, _loss, "Lost of the probes that were decided", loss_tone),
    Column("sent", "Snt", 5, True, _sent, "Probes sent", lambda _: Tone.DIM),
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
        "recent", "Recent", 8, True, _recent, "Recent RTTs; a gap is a loss", lambda _: Tone.SPARK
    ),
    Column(
        "notes", "Notes", 6, False, lambda hop, _: notes(hop), "What came back", lambda _: Tone.MARK
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
