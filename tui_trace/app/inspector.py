"""One hop looked at closely: RTT over time, who answered, all the figures."""

from rich.cells import cell_len

from tui_trace.app.columns import BLOCKS, Tone, ms, percent, responders
from tui_trace.app.rows import Line, fit
from tui_trace.app.toned import Lines
from tui_trace.session.model import LOST, PENDING, Hop
from tui_trace.settings import NS_PER_MS
from tui_trace.text import clean

_AXIS = 9
_TEXT_LINES = 4


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
    return [
        " · ".join(counted),
        _named(("last", "min", "avg", "sd", "max"), times),
        f"{_named(('jitter', 'p50', 'p90', 'p99'), spread)}   {marks}".strip(),
    ]


def _named(names: tuple[str, ...], times: tuple[float | None, ...]) -> str:
    known = zip(names, times, strict=True)
    text = "  ".join(f"{name} {time / NS_PER_MS:.3f}" for name, time in known if time is not None)
    return f"{text} ms" if text else ""


def inspect(hop: Hop, width: int, height: int) -> list[Line]:
    """The panel's lines, `height` of them."""
    title = f"─ hop {hop.ttl} "
    who = [f"{clean(one.address)} ×{one.answers}" for one in responders(hop)]
    if who:
        title += f" {who[0].rpartition(' ')[0]} "
    title += "─" * (width - cell_len(title))
    lines: list[Line] = [[(fit(title, width), Tone.DIM)]]
    rows = max(height - 1 - _TEXT_LINES, 1)
    lines += [[(line, Tone.SPARK)] for line in chart(hop.recent, width - 1, rows)]
    texts = _figures(hop)
    texts.append("answered by " + ", ".join(who) if who else "nothing answered here")
    lines += [[(fit(f" {text}", width), Tone.PLAIN)] for text in texts]
    return lines[:height]


class Inspector(Lines):
    """The panel of the selected hop."""

    def __init__(self, *, id: str | None = None) -> None:
        """Hidden."""
        super().__init__(id=id)
        self._hop: Hop | None = None
        self.display = False

    def look_at(self, hop: Hop | None) -> None:
        """Show this hop; None: there is nothing to show."""
        self._hop = hop
        self.on_resize()

    def on_resize(self) -> None:
        """Use the room there is."""
        if self._hop is None:
            self.show([[(" no hop is selected: up and down do", Tone.DIM)]])
        elif self.size.height:
            self.show(inspect(self._hop, self.size.width, self.size.height))
