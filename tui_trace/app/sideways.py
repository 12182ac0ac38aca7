"""Runs and paths side by side, as lines of toned text. Pure: no widget."""

from rich.cells import cell_len

from tui_trace.app.columns import Tone, ms, responders, short_ms
from tui_trace.app.heading import clock
from tui_trace.app.overview import happenings, overview, path_tone
from tui_trace.app.people import People
from tui_trace.app.rows import Line, fit
from tui_trace.session.compare import Comparison, Row, Side, Verdict
from tui_trace.session.model import Hop, Path, PathHop, Snapshot
from tui_trace.session.paths import Step, varies, what_moved
from tui_trace.text import clean

_NUMBER = 3
_HOST = 14
_HOST_MOST = 36
_NARROW = 25
"""Cells of a side: loss with its interval, mean and deviation."""
_WIDE = 39
"""Cells of a side that has minimum and maximum too."""
_WORDS = 34
_SIGNS = {"same": " ", "moved": "≠", "gone": "−", "new": "+"}


def _wrapped(text: str, width: int, tone: Tone) -> list[Line]:
    lines: list[str] = [""]
    for word in clean(text).split():
        if lines[-1] and cell_len(lines[-1]) + cell_len(word) + 2 > width:
            lines.append("")
        lines[-1] += f" {word}"
    return [[(line, tone)] for line in lines]


# --- runs


def comparison_lines(comparison: Comparison, width: int, people: People) -> list[Line]:
    """The answer in a sentence, then hop by hop; what differs has a mark and a line of words."""
    count = len(comparison.runs)
    wide = width >= _NUMBER + _HOST + count * (_WIDE + 2)
    side = _WIDE if wide else _NARROW
    host = width - _NUMBER - 1 - count * (side + 2)
    words = host - _HOST_MOST if host >= _HOST + _WORDS else 0
    host = max(min(host, _HOST_MOST), _HOST)
    lines = [*_wrapped(comparison.sentence + ".", width, Tone.STRONG), []]
    before = " " * (_NUMBER + host + 1)
    lines += [
        [(before + "".join(f"  {fit(title, side)}" for title in titles), Tone.DIM)]
        for titles in _titles(comparison, wide)
    ]
    for row in comparison.rows:
        lines += _row(row, (host, side, words), wide, people)
    lines += [[], [(" loss with its 95 % interval, RTT in ms", Tone.DIM)]]
    return [*lines, *_wrapped(f"Differences by {comparison.test}.", width, Tone.DIM)]


def most_sides(width: int) -> int:
    """Runs that have room beside one another."""
    return max((width - _NUMBER - 1 - _HOST) // (_NARROW + 2), 2)


def balance_words(snapshot: Snapshot, run: int) -> str:
    """What the flows of a run saw: `load is balanced: at least 3 ways at hop 4`."""
    hops = [
        hop
        for path in snapshot.paths
        if any(visit.run == run for visit in path.visits)
        for hop in path.hops
        if len(hop.addresses) > 1
    ]
    if not hops:
        return "all flows take the same path: no load balancing seen"
    told = ", ".join(f"{len(hop.addresses)} ways at hop {hop.ttl}" for hop in hops[:4])
    return f"load is balanced: at least {told}{' …' if len(hops) > 4 else ''} · H shows them"


def _titles(comparison: Comparison, wide: bool) -> list[list[str]]:
    named = [
        f"run {run.number}  {name.removesuffix(f' (run {run.number})')}, {_rounds(run.rounds)}"
        for run, name in zip(comparison.runs, comparison.names, strict=True)
    ]
    figures = f"{'Loss%':>5} {'':<8}{'Min/Avg±SD/Max' if wide else 'Avg±SD'}"
    return [[clean(name) for name in named], [figures] * len(named)]


def _rounds(number: int) -> str:
    return "1 round" if number == 1 else f"{number} rounds"


def _row(row: Row, widths: tuple[int, int, int], wide: bool, people: People) -> list[Line]:
    host, side, words = widths
    hops = [one.hop for one in row.sides]
    unknown = "(no reply)" if any(hop and hop.lost for hop in hops) else "…"
    called = next((_called(hop, people) for hop in hops if hop and hop.responders), unknown)
    real = [difference for difference in row.differences if difference.real or difference.moved]
    sign, tone = ("▶", Tone.WARN) if real else (" ", Tone.PLAIN)
    text = f"{sign}{row.ttl:>{_NUMBER - 1}} {fit(called, host)}"
    text += "".join(f"  {fit(_side(one, wide), side)}" for one in row.sides)
    told = " · ".join(
        clean(difference.words) for difference in row.differences if _is_news(difference.words)
    )
    if words:
        return [[(text, tone), (f"  {fit(told, words - 2)}" if told else "", tone)]]
    lines: list[Line] = [[(text, tone)]]
    few = [one for one in row.differences if Verdict.FEW in (one.loss, one.rtt)]
    if told and (real or few):
        sign, tone = ("◀ ", Tone.WARN) if real else ("", Tone.DIM)
        lines.append([(" " * (_NUMBER + 1) + sign + told, tone)])
    return lines


def _is_news(words: str) -> bool:
    return words != Verdict.SAME


def _called(hop: Hop, people: People) -> str:
    return people.host(responders(hop)[0].address)


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


def paths_lines(snapshot: Snapshot, width: int, people: People) -> list[Line]:
    """Every path of the session, newest last: when it was taken, and what moved."""
    paths = snapshot.paths
    if not paths:
        return [[(" Nobody answered yet: no path is known.", Tone.STRONG)]]
    lines = [*_wrapped(_sentence(snapshot), width, Tone.STRONG), []]
    if above := overview(snapshot.timeline, width):
        lines += [*above, []]
    for place, path in enumerate(paths):
        lines += _visits(path, snapshot)
        if place:
            lines += _steps(what_moved(paths[place - 1], path), paths[place - 1], width, people)
        else:
            lines += [_hop_line(" ", hop, width, people, Tone.PLAIN) for hop in path.hops]
        lines.append([])
    lines.append([(" What happened", Tone.STRONG)])
    return lines + happenings(snapshot.timeline.moments, width)


def _sentence(snapshot: Snapshot) -> str:
    now = snapshot.path
    count = len(snapshot.paths)
    if count == 1 or now is None:
        if varies(snapshot.run.settings):
            return "One path in all this session, or one bundle of ways that its flows take."
        return "One path in all this session, as far as a constant flow can tell: x sends more."
    return f"{count} paths in this session; path {now.letter} since {clock(now.since)}."


def _visits(path: Path, snapshot: Snapshot) -> list[Line]:
    now = snapshot.path
    lasts = now is not None and now.letter == path.letter
    tone = Tone.FLAG if lasts else path_tone(path.letter)
    line: Line = [(f" path {path.letter} ", tone)]
    lines = [line]
    for number, visit in enumerate(path.visits):
        current = lasts and number == len(path.visits) - 1
        until = "now" if current else clock(visit.until)
        text = f"  {clock(visit.since)}–{until} (run {visit.run})"
        if number and number % 3 == 0:
            lines.append([("        ", Tone.PLAIN)])
        lines[-1].append((text, Tone.PLAIN if current else Tone.DIM))
    return lines


def _steps(steps: tuple[Step, ...], before: Path, width: int, people: People) -> list[Line]:
    told = [step for step in steps if step.move != "same" or _balances(step)]
    if not told:
        return [[(f"   the hops of path {before.letter}", Tone.DIM)]]
    lines: list[Line] = [[(f"   against path {before.letter}:", Tone.DIM)]]
    for step in steps:
        sign = _SIGNS[step.move]
        if step.move == "gone" and step.before is not None:
            lines.append(_hop_line(sign, step.before, width, people, Tone.WARN))
        elif step.after is not None:
            tone = Tone.WARN if step in told else Tone.DIM
            line = _hop_line(sign, step.after, width, people, tone)
            if step.move == "moved" and step.before is not None:
                line.append((f"   was {_everybody(step.before, people)}", Tone.DIM))
            lines.append(line)
    return lines


def _balances(step: Step) -> bool:
    """Load is balanced there, and was not before."""
    before = step.before.balanced if step.before is not None else None
    return step.after is not None and step.after.balanced not in (None, before)


def _everybody(hop: PathHop, people: People) -> str:
    shown = ", ".join(people.host(address) for address in hop.addresses[:4])
    more = f" and {len(hop.addresses) - 4} more" if len(hop.addresses) > 4 else ""
    return f"{shown}{more}" or "(no reply)"


def _hop_line(sign: str, hop: PathHop, width: int, people: People, tone: Tone) -> Line:
    balanced = f"   balanced {hop.balanced.value}" if hop.balanced else ""
    text = f"  {sign} {hop.ttl:>2} {_everybody(hop, people)}{balanced}"
    return [(text if cell_len(text) <= width else fit(text, width), tone)]
