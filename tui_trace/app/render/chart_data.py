"""What a chart of the last outcomes shows, and where. Pure text and numbers: no widget, no library.

All charts share one window of time, cut into cells: what stands in one column happened at once.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.percentages import format_loss
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.report.cell_text import TextStyle, ms
from tui_trace.report.finding_lines import day_clock
from tui_trace.report.formatting import time_of
from tui_trace.report.hop_columns import loss_style
from tui_trace.session.finding_text import Clock
from tui_trace.session.snapshot import LOST, Hop, Snapshot

AXIS = 8
"""Cells that the numbers left of a plot take."""
AROUND = AXIS + 2
"""With the box."""
SHADES = "░▒▓█"
STEPS = (2, 10, 50)
"""Milliseconds above the smallest RTT of a hop, at which the next shade begins."""
_STYLES = (TextStyle.DIM, TextStyle.SPARK, TextStyle.WARN, TextStyle.BAD_MARK)
CALM = 0.2
"""Decades of an axis at least."""
_ROUND: tuple[Sequence[int], ...] = (
    *(range(10, 100, 1), range(10, 100, 2), range(10, 100, 5), range(10, 100, 10)),
    *((10, 15, 20, 30, 50, 70), (10, 20, 50), (10, 30), (10,)),
)
"""Digits of round numbers, the densest first."""
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
_TICK = 10
"""Cells between two ticks of the time axis at least."""


class Window(NamedTuple):
    """The stretch of time that a chart shows."""

    cells: int
    """Columns; the newest outcome is in the last."""
    step: int
    """Outcomes in a cell."""
    total: int
    """Probes that each hop was sent so far, the one under way counted."""
    queries: int
    period: float | None
    """Seconds from one outcome to the next; None where it was not the same throughout."""
    start: float
    """Seconds from the start of the session to the first outcome of the run."""
    day_start: float = 0.0
    """Seconds of the day at which the session began, so that ticks are at round times of day."""
    clock: Clock = format_duration
    """What gives the time of day, if that is known, of a time of the session (ns)."""

    def cell(self, index: float) -> float:
        """Return the position of an outcome in the window, in cells; below 0 it is too old."""
        return index / self.step - ((self.total - 1) // self.step + 1 - self.cells)

    def outcomes(self, hop: Hop) -> Iterator[tuple[float, int]]:
        """Yield the middle of each outcome in cells, and the outcome, oldest first.

        A hop whose turn in this round is still to come leaves the place of it empty.
        """
        waits = self.total - hop.sent
        end = self.total - (waits if 0 < waits <= self.queries else 0)
        for index, outcome in enumerate(hop.recent, end - len(hop.recent)):
            at = self.cell(index + 0.5)
            if at >= 0:
                yield at, outcome

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return the ticks of the time axis, in cells, and their labels.

        By the time of day, or, without a steady pace, by how many probes ago it was.
        """
        if self.period is None:
            ago = range(0, self.cells - _TICK // 2, _TICK)
            return (
                [float(self.cells - cells) for cells in ago],
                [f"−{cells * self.step}" if cells else "now" for cells in ago],
            )
        second = 1 / (self.period * self.step)
        every = next((s for s in _SECONDS if s * second >= _TICK), _SECONDS[-1])
        first = self.start - self.cell(0) / second
        last = first + self.cells / second
        ahead = self.day_start
        round_times = range(
            math.ceil((max(first, 0) + ahead) / every) * every, math.floor(last + ahead) + 1, every
        )
        times = [time - ahead for time in round_times]
        return [(time - first) * second for time in times], [
            self.clock(round(time * NS_PER_S)) for time in times
        ]

    @property
    def words(self) -> str:
        """How much time a cell covers: `cell = 5 s`."""
        if self.period is None:
            return f"cell = {self.step} probes" if self.step > 1 else "cell = 1 probe"
        return f"cell = {self.step * self.period:g} s"


def window(snapshot: Snapshot, cells: int) -> Window:
    """Return the window of all remembered outcomes, in so many cells."""
    run, queries = snapshot.run, max(snapshot.pace.queries, 1)
    cells = max(cells, 1)
    most = max((len(hop.recent) for hop in run.hops), default=0)
    return Window(
        cells=cells,
        step=max(-(-most // cells), 1),
        total=run.rounds * queries,
        queries=queries,
        period=_period(snapshot, queries),
        start=run.opened / NS_PER_S,
        day_start=_day_start(snapshot),
        clock=day_clock(snapshot),
    )


def _day_start(snapshot: Snapshot) -> float:
    if not snapshot.wall:
        return 0.0
    began = time_of(snapshot, 0)
    whole = (began.hour * 60 + began.minute) * 60 + began.second
    return whole + snapshot.wall_at(0) % NS_PER_S / NS_PER_S


def _period(snapshot: Snapshot, queries: int) -> float | None:
    """Seconds between outcomes, which carry no times; None unless the pace was constant."""
    run = snapshot.run
    turns = len(run.turns_with) + 1
    each = snapshot.pace.interval * turns
    seen = (one.seen for hop in run.hops for one in hop.responders[:1])
    lasted = max(seen, default=snapshot.at) - run.opened
    if abs(lasted - (run.rounds - 1) * each) > max(2 * each, 2 * NS_PER_S, lasted // 20):
        return None
    return each / queries / NS_PER_S


def strip(hop: Hop, shown: Window) -> StyledLine:
    """Return a hop's outcomes, one cell each: a shade by the largest RTT, `×` if any was lost."""
    cells: list[int | None] = [None] * shown.cells
    for at, outcome in shown.outcomes(hop):
        before = cells[int(at)]
        if LOST in (outcome, before):
            cells[int(at)] = LOST
        else:
            cells[int(at)] = outcome if before is None else max(before, outcome)
    least = hop.figures.min or 0
    lost = loss_style(hop)
    line: StyledLine = []
    text, style = "", TextStyle.DIM
    for worst in cells:
        if worst is None:
            sign, own = " ", style
        elif worst < 0:
            sign, own = ("×", lost) if worst == LOST else ("·", TextStyle.DIM)
        else:
            over = (worst - least) / NS_PER_MS
            level = sum(over >= step for step in STEPS)
            sign, own = SHADES[level], _STYLES[level]
        if own is not style:
            line.append((text, style))
            text, style = "", own
        text += sign
    line.append((text, style))
    return line


def strip_header(shown: Window, label: int) -> StyledLine:
    """Return the titles above `strip_row`, and the meaning of the shades."""
    line: StyledLine = [
        (
            pad_or_truncate(f"  # {pad_or_truncate('Host', label - 12)}    Min ", label),
            TextStyle.DIM,
        )
    ]
    lost = "any lost" if shown.step > 1 else "lost"
    ends = (*(f"<{step}" for step in STEPS), f"≥{STEPS[-1]} ms over Min")
    room = shown.cells
    for sign, style, words in (
        *zip(SHADES, _STYLES, ends, strict=True),
        ("×", TextStyle.WARN, lost),
    ):
        if len(words) + 1 <= room:
            gap = "  "[: room - len(words) - 1]
            line += [(sign, style), (words + gap, TextStyle.DIM)]
            room -= len(words) + 1 + len(gap)
    return [*line, (" " * room + " Loss%", TextStyle.DIM)]


def strip_row(hop: Hop, host: str, shown: Window, label: int, selected: bool) -> StyledLine:
    """Return `▶ 4 ix.example   7.80 ░░░×░`: `label` cells, the strip, and the loss."""
    mark = "▶" if selected else " "
    called = f"{mark}{hop.ttl:>2} {pad_or_truncate(host, label - 12)} {ms(hop.figures.min):>6} "
    share = format_loss(hop.lost, hop.figures.count)
    return [
        (pad_or_truncate(called, label), TextStyle.STRONG if selected else TextStyle.PLAIN),
        *strip(hop, shown),
        (f" {share:>5}", loss_style(hop)),
    ]


def figures(hop: Hop) -> list[tuple[str, str, TextStyle]]:
    """Return name, value and style of each statistic, the most useful first."""
    f = hop.figures
    share = format_loss(hop.lost, f.count)
    return [
        ("lost", f"{share} %" if share else "", loss_style(hop)),
        ("p50", ms(f.p50), TextStyle.PLAIN),
        ("p90", ms(f.p90), TextStyle.PLAIN),
        ("p99", ms(f.p99), TextStyle.PLAIN),
        ("max", ms(f.max), TextStyle.PLAIN),
        ("min", ms(f.min), TextStyle.PLAIN),
        ("jitter", ms(f.jitter), TextStyle.PLAIN),
        ("answers", str(f.count), TextStyle.DIM),
    ]


class Series(NamedTuple):
    """A hop's outcomes in the units of a plot: cells across, decades of a millisecond up."""

    stretches: list[list[tuple[float, float]]]
    """Answers without a loss between them."""
    lost: list[float]

    @property
    def heights(self) -> list[float]:
        """The heights of all answers, in decades."""
        return [height for stretch in self.stretches for _, height in stretch]


def decades(rtt: float) -> float:
    """Return the logarithm of an RTT in ns: 0 is 1 ms, 1 is 10 ms; the least is 1 µs."""
    return math.log10(max(rtt, NS_PER_MS / 1000) / NS_PER_MS)


def series(hop: Hop, shown: Window) -> Series:
    """Return a hop's outcomes for a plot; probes in flight are left out."""
    found = Series([], [])
    stretch: list[tuple[float, float]] = []
    for at, outcome in shown.outcomes(hop):
        if outcome >= 0:
            stretch.append((at, decades(outcome)))
        elif outcome == LOST:
            found.lost.append(at)
            found.stretches.append(stretch)
            stretch = []
    found.stretches.append(stretch)
    return found._replace(stretches=[stretch for stretch in found.stretches if stretch])


def scale(heights: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis in decades; small differences do not fill it."""
    low, high = min(heights, default=0.0), max(heights, default=0.0)
    return low, max(high, low + CALM)


def decade_ticks(low: float, high: float, gap: float) -> tuple[list[float], list[str]]:
    """Return round numbers of milliseconds that stand `gap` apart; all in decades."""
    for digits in _ROUND:
        ticks = [
            (math.log10(digit / 10) + power, digit / 10 * 10.0**power)
            for power in range(math.floor(low), math.floor(high) + 1)
            for digit in digits
        ]
        ticks = [(at, value) for at, value in ticks if low <= at <= high]
        if all(one[0] - other[0] >= gap for other, one in pairwise(ticks)):
            break
    else:
        ticks = ticks[:: math.ceil(gap)]
    if len(ticks) < 2:
        ticks = [(at, float(f"{10**at:.3g}")) for at in (low, high)]
    return [at for at, _ in ticks], [amount(value) for _, value in ticks]


def amount(value: float) -> str:
    """Return milliseconds in at most seven cells: `0.35`, `12`, `1500`, `2e+07`."""
    if value < 1000:
        return f"{value:.3g}"
    return f"{value:.0f}" if value < 9_999_999 else f"{value:.2g}"


def count_ticks(top: int, most: int) -> tuple[list[float], list[str]]:
    """Return round whole numbers from 0 on, at most `most` of them above 0."""
    step = next(
        digit * 10**power
        for power in range(len(str(top)) + 1)
        for digit in (1, 2, 5)
        if digit * 10**power * max(most, 1) >= top
    )
    counts = range(0, top + 1, step)
    return [float(count) for count in counts], [str(count) for count in counts]
