"""A comparison of runs as styled lines."""

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle, ms, short_ms
from tui_trace.session.compare import Row, RunComparison, Side, Verdict
from tui_trace.session.host_labels import NO_REPLY, HostLabels

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
    lines = [*wrapped(comparison.sentence + ".", width, TextStyle.STRONG), []]
    before = " " * (_NUMBER + host + 1)
    lines += [
        [(before + "".join(f"  {pad_or_truncate(title, side)}" for title in titles), TextStyle.DIM)]
        for titles in _titles(comparison, wide)
    ]
    for row in comparison.rows:
        lines += _row(row, (host, side, words), wide, labels)
    lines += [[], [(" loss with its 95 % confidence interval, RTT in ms", TextStyle.DIM)]]
    return [*lines, *wrapped(f"Tested with {comparison.test}.", width, TextStyle.DIM)]


def most_sides(width: int) -> int:
    """Return how many runs fit beside one another."""
    return max((width - _NUMBER - 1 - _HOST) // (_NARROW + 2), 2)


def _titles(comparison: RunComparison, wide: bool) -> list[list[str]]:
    named = [
        f"run {run.number}  {name.removesuffix(f' (run {run.number})')}, {_rounds(run.rounds)}"
        for run, name in zip(comparison.runs, comparison.names, strict=True)
    ]
    figures = f"{'Loss%':>5} {'':<8}{'Min/Avg±SD/Max' if wide else 'Avg±SD'}"
    return [[sanitize(name) for name in named], [figures] * len(named)]


def _rounds(number: int) -> str:
    return "1 round" if number == 1 else f"{number} rounds"


def _row(
    row: Row, widths: tuple[int, int, int], wide: bool, labels: HostLabels
) -> list[StyledLine]:
    host, side, words = widths
    hops = [one.hop for one in row.sides]
    unknown = NO_REPLY if any(hop and hop.lost for hop in hops) else "…"
    called = next((labels.hop(hop) for hop in hops if hop and hop.responders), unknown)
    real = [difference for difference in row.differences if difference.real or difference.moved]
    sign, style = ("▶", TextStyle.WARN) if real else (" ", TextStyle.PLAIN)
    text = f"{sign}{row.ttl:>{_NUMBER - 1}} {pad_or_truncate(called, host)}"
    text += "".join(f"  {pad_or_truncate(_side(one, wide), side)}" for one in row.sides)
    words_shown = " · ".join(
        sanitize(difference.words) for difference in row.differences if _is_news(difference.words)
    )
    if words:
        return [
            [
                (text, style),
                (f"  {pad_or_truncate(words_shown, words - 2)}" if words_shown else "", style),
            ]
        ]
    lines: list[StyledLine] = [[(text, style)]]
    few = [one for one in row.differences if Verdict.FEW in (one.loss, one.rtt)]
    if words_shown and (real or few):
        sign, style = ("◀ ", TextStyle.WARN) if real else ("", TextStyle.DIM)
        lines.append([(" " * (_NUMBER + 1) + sign + words_shown, style)])
    return lines


def _is_news(words: str) -> bool:
    return words != Verdict.SAME


def _side(side: Side, wide: bool) -> str:
    hop, loss = side.hop, side.loss
    if hop is None or loss is None:
        return "–"
    text = f"{loss.percent:>5.1f} {f'{loss.low:.0f}–{loss.high:.0f}':<7} "
    figures = hop.figures
    if figures.mean is None:
        return text.rstrip()
    spread = f"±{short_ms(figures.sd)}" if figures.sd is not None else ""
    if not wide:
        return text + ms(figures.mean) + spread
    return f"{text}{ms(figures.min)}/{ms(figures.mean)}{spread}/{ms(figures.max)}"


# --- paths
