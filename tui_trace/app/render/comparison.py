"""A comparison of runs as styled lines."""

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.probe_text import short_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle, ms, short_ms
from tui_trace.session.compare import Row, RunComparison, Side, Verdict
from tui_trace.session.comparison_text import describe_comparison, describe_difference
from tui_trace.session.host_labels import NO_REPLY, HostLabels
from tui_trace.session.round_log import WINDOW

_NUMBER = 3
_HOST = 14
_HOST_MOST = 36
_NARROW = 25
"""Cells of a side: loss with its interval, mean and deviation."""
_WIDE = 39
"""Cells of a side that has minimum and maximum too."""
_WORDS = 34


# --- runs


def comparison_lines(comparison: RunComparison, width: int, labels: HostLabels) -> list[StyledLine]:
    """Return the answer in a sentence, then hop by hop; differences are marked and described."""
    count = len(comparison.runs)
    wide = width >= _NUMBER + _HOST + count * (_WIDE + 2)
    side = _WIDE if wide else _NARROW
    host = width - _NUMBER - 1 - count * (side + 2)
    words = host - _HOST_MOST if host >= _HOST + _WORDS else 0
    host = max(min(host, _HOST_MOST), _HOST)
    lines = [*wrapped(describe_comparison(comparison) + ".", width, TextStyle.STRONG), []]
    before = " " * (_NUMBER + host + 1)
    lines += [
        [(before + "".join(f"  {pad_or_truncate(title, side)}" for title in titles), TextStyle.DIM)]
        for titles in _titles(comparison, wide)
    ]
    for row in comparison.rows:
        lines += _row(comparison, row, (host, side, words), wide, labels)
    return [*lines, [], *wrapped(_footnote(comparison), width, TextStyle.DIM)]


def _footnote(comparison: RunComparison) -> str:
    if comparison.alternated:
        turns = "Measured in turns: what the network did to both cancels out."
    elif comparison.origins:
        turns = "Measured at different times: what differs may be the hour."
    else:
        turns = "Not in turns: what the network did in between counts, too; b alternates both."
    sums = ""
    if any(side.is_sums for row in comparison.rows for side in row.sides):
        sums = " Sums of another program are shown as told, and not tested."
    return f"{_HISTORY}: loss of how many probes, RTT in ms. {turns}{sums}"


def most_sides(width: int) -> int:
    """Return how many runs fit beside one another."""
    return max((width - _NUMBER - 1 - _HOST) // (_NARROW + 2), 2)


_HISTORY = f"Figures and tests are over the last {WINDOW} probes or more"
"""What the figures of a comparison are over."""


def _titles(comparison: RunComparison, wide: bool) -> list[list[str]]:
    runs = comparison.runs
    figures = f"{'Loss%':>5} {'':<8}{'Min/Avg±SD/Max' if wide else 'Avg±SD'}"
    if comparison.origins:
        named = [
            f"{origin.name or 'now'} run {run.number}"
            for origin, run in zip(comparison.origins, runs, strict=True)
        ]
        probes = [f"{short_protocol(run.settings)}, {_rounds(run.rounds)}" for run in runs]
        return [[sanitize(name) for name in named], probes, [figures] * len(named)]
    named = [
        f"run {run.number}  {name.removesuffix(f' (run {run.number})')}, {_rounds(run.rounds)}"
        for run, name in zip(runs, comparison.names, strict=True)
    ]
    return [[sanitize(name) for name in named], [figures] * len(named)]


def _rounds(number: int) -> str:
    return "1 round" if number == 1 else f"{number} rounds"


def _row(
    comparison: RunComparison,
    row: Row,
    widths: tuple[int, int, int],
    wide: bool,
    labels: HostLabels,
) -> list[StyledLine]:
    host, side, words = widths
    real = [difference for difference in row.differences if difference.real or difference.moved]
    sign, style = ("▶", TextStyle.WARN) if real else (" ", TextStyle.PLAIN)
    text = f"{sign}{_ttls(row):>{_NUMBER - 1}} {pad_or_truncate(_host(row, labels), host)}"
    text += "".join(f"  {pad_or_truncate(_side(one, wide), side)}" for one in row.sides)
    told = [
        describe_difference(comparison, row, number) for number in range(1, len(comparison.runs))
    ]
    words_shown = " · ".join(one for one in told if one and one != Verdict.SAME)
    if words:
        shown = f"  {pad_or_truncate(words_shown, words - 2)}" if words_shown else ""
        return [[(text, style), (shown, style)]]
    lines: list[StyledLine] = [[(text, style)]]
    if words_shown:
        sign, style = ("◀ ", TextStyle.WARN) if real else ("", TextStyle.DIM)
        lines.append([(" " * (_NUMBER + 1) + sign + words_shown, style)])
    return lines


def _ttls(row: Row) -> str:
    return "–" if row.ttl is None else str(row.ttl)


def _host(row: Row, labels: HostLabels) -> str:
    hops = [side.hop for side in row.sides if side.hop is not None]
    called = next((labels.hop(hop) for hop in hops if hop.responders), None)
    if called is not None:
        return called
    if row.is_target:
        return "the target"
    return NO_REPLY if any(hop.lost for hop in hops) else "…"


def _side(side: Side, wide: bool) -> str:
    if side.loss is None:
        return "–"
    text = f"{100 * side.loss:>5.1f} {f'of {side.decided}':<8}"
    if side.mean is None:
        return text.rstrip()
    spread = f"±{short_ms(side.sd)}" if side.sd is not None else ""
    if not wide:
        return text + ms(side.mean) + spread
    return f"{text}{ms(side.min)}/{ms(side.mean)}{spread}/{ms(side.max)}"
