"""One hop looked at closely: RTT over time, who answers, what it received, all the figures."""

from rich.cells import cell_len

from tui_trace.app.columns import BLOCKS, Tone, ms, percent, responders
from tui_trace.app.people import NO_PEOPLE, People
from tui_trace.app.rows import Line, fit
from tui_trace.app.toned import Lines
from tui_trace.events import Registered
from tui_trace.session.model import LOST, PENDING, Hop, Responder, Who
from tui_trace.settings import NS_PER_MS
from tui_trace.text import clean

_AXIS = 9
_CHART_LEAST = 2
"""Lines of the chart, however much there is to say."""
_CONFIRMED = {True: " (forward-confirmed)", False: " (not forward-confirmed)", None: ""}


def chart(recent: tuple[int, ...], width: int, height: int) -> list[str]:
    """RTT over time, newest last, as `height` lines of `width` cells with an axis in ms.

    Linear. The axis starts at 0, or just below the smallest RTT where all are far from 0. A lost
    probe is a `×` on the floor, one in flight a `·`.
    """
    shown = recent[-max(width - _AXIS, 1) :]
    answered = [rtt for rtt in shown if rtt >= 0]
    top = max(answered, default=0)
    least = min(answered, default=0)
    floor = 0.0 if least * 2 <= top else least - max((top - least) * 0.25, least * 0.02)
    span = (top - floor) or 1.0
    lines = []
    for level in range(height - 1, -1, -1):
        cells = []
        for rtt in shown:
            if rtt < 0:
                sign = {LOST: "×", PENDING: "·"}[rtt]
                cells.append(sign if level == 0 else " ")
                continue
            eighths = round((rtt - floor) / span * height * 8) - level * 8
            least_mark = 1 if level == 0 else 0
            eighths = min(max(eighths, least_mark), 8)
            cells.append(BLOCKS[eighths - 1] if eighths else " ")
        label = ms(top) if level == height - 1 else ms(floor) if level == 0 else ""
        lines.append(f"{label:>7} {'┤' if label else '│'}{''.join(cells)}")
    return lines


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


def inspect(hop: Hop, width: int, height: int, people: People = NO_PEOPLE) -> list[Line]:
    """The panel's lines, `height` of them."""
    title = _title(hop, people)
    title += "─" * (width - cell_len(title))
    lines: list[Line] = [[(fit(title, width), Tone.DIM)]]
    texts = _texts(hop, people)
    rows = max(height - 1 - len(texts), _CHART_LEAST)
    lines += [[(line, Tone.SPARK)] for line in chart(hop.recent, width - 1, rows)]
    lines += [[(fit(f" {text}", width), Tone.PLAIN)] for text in texts]
    return lines[:height]


class Inspector(Lines):
    """The panel of the selected hop."""

    def __init__(self, *, id: str | None = None) -> None:
        """Hidden."""
        super().__init__(id=id)
        self._hop: Hop | None = None
        self._people = NO_PEOPLE
        self.display = False

    def look_at(self, hop: Hop | None, people: People) -> None:
        """Show this hop; None: there is nothing to show."""
        self._hop = hop
        self._people = people
        self.on_resize()

    def on_resize(self) -> None:
        """Use the room there is."""
        if self._hop is None:
            self.show([[(" no hop is selected: up and down do", Tone.DIM)]])
        elif self.size.height:
            self.show(inspect(self._hop, self.size.width, self.size.height, self._people))
