"""The overview of several targets: a row each, those that suffer first."""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.app.render.styled_text import StyledLine
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.report.cell_text import TextStyle, short_ms, sparkline
from tui_trace.session.finding import Finding, FindingKind
from tui_trace.session.joint_findings import find_joint_now
from tui_trace.session.merged_paths import HERE
from tui_trace.session.snapshot import Hop, Snapshot

_HOST_LEAST, _HOST_MOST = 16, 40
_SPARK, _SHORT_SPARK = 20, 8
_ROOMY = 100
"""Cells of the terminal from which on the sparkline is long."""
_WORDS_LEAST = 10
_MOST_JOINT = 3
"""Sentences on several targets or vantages that are shown."""
_FIXED = 30
"""Cells of all other columns."""


class TargetRow(NamedTuple):
    """One target, and what is known of it."""

    place: int
    """Its place on the command line, from 0 on."""
    host: str
    snapshot: Snapshot | None
    """None: nothing yet."""
    failure: str | None = None
    """Why it cannot be probed."""
    vantage: str = HERE
    """What the place is called that probes leave from."""


def ordered(rows: Sequence[TargetRow], wanted: str = "") -> list[TargetRow]:
    """Return the rows whose host or address contains what is wanted, the worst first."""
    wanted = wanted.casefold()
    shown = [row for row in rows if wanted in _searched(row)]
    return sorted(shown, key=lambda row: (-_harm(row), row.place))


def target_lines(
    rows: Sequence[TargetRow], width: int, selected: int | None, wanted: str = ""
) -> list[StyledLine]:
    """Return the whole overview; `selected` is the place of a row."""
    shown = ordered(rows, wanted)
    probes = {row.snapshot.run.settings for row in rows if row.snapshot is not None}
    vantages = {row.vantage for row in rows}
    names = {
        row.place: _name(row, with_probe=len(probes) > 1, with_vantage=len(vantages) > 1)
        for row in shown
    }
    lines = [*_summary(rows, width), _header(width)]
    lines += [
        _row(row, names[row.place], width, is_selected=row.place == selected) for row in shown
    ]
    if not shown:
        lines.append([(f" no target contains {sanitize(wanted)!r}", TextStyle.DIM)])
    return lines


def _searched(row: TargetRow) -> str:
    address = row.snapshot.address if row.snapshot is not None else ""
    return f"{row.host} {address} {row.vantage}".casefold()


def _worst(snapshot: Snapshot) -> Finding | None:
    return next((one for one in snapshot.findings if one.harm), None)


def _harm(row: TargetRow) -> float:
    if row.failure is not None:
        return 3.0
    if row.snapshot is None:
        return 0.0
    worst = _worst(row.snapshot)
    return 1 + worst.severity if worst is not None else 0.0


def _is_fine(row: TargetRow) -> bool:
    if row.snapshot is None or _harm(row):
        return False
    return any(one.kind is FindingKind.OK for one in row.snapshot.findings)


def _summary(rows: Sequence[TargetRow], width: int) -> list[StyledLine]:
    lines: list[StyledLine] = []
    found = find_joint_now([row.snapshot for row in rows if row.snapshot and row.failure is None])
    lines += [
        [(pad_or_truncate(f" {one.text} ", width), TextStyle.BAD)] for one in found[:_MOST_JOINT]
    ]
    if len(found) > _MOST_JOINT:
        lines.append([(f" and {len(found) - _MOST_JOINT} more of such", TextStyle.DIM)])
    bad = sum(map(bool, map(_harm, rows)))
    fine = sum(map(_is_fine, rows))
    waiting = len(rows) - bad - fine
    noun = "target" if len({row.vantage for row in rows}) == 1 else "path"
    parts = [
        f"{len(rows)} {noun}{'s' * (len(rows) != 1)}",
        f"{bad} suffer{'s' * (bad == 1)}",
        f"{fine} {'is' if fine == 1 else 'are'} fine",
    ]
    if waiting:
        parts.append(f"of {waiting} too little is known yet")
    lines.append([(pad_or_truncate(f" {' · '.join(parts)}", width), TextStyle.DIM)])
    return lines


class _Layout(NamedTuple):
    """Cells of the columns whose width depends on the terminal."""

    host: int
    spark: int
    words: int


def _layout(width: int) -> _Layout:
    host = max(_HOST_LEAST, min(_HOST_MOST, width // 3))
    spark = _SPARK if width >= _ROOMY else _SHORT_SPARK
    return _Layout(host, spark, max(_WORDS_LEAST, width - host - spark - _FIXED))


def _header(width: int) -> StyledLine:
    host, spark, words = _layout(width)
    text = (
        f"   {'target':<{host}} {'loss':>6} {'RTT':>7} {'recent':<{spark}} {'path':>4}"
        f" {'hops':>4} {'state':<{words}}"
    )
    return [(pad_or_truncate(text, width), TextStyle.DIM)]


def _name(row: TargetRow, *, with_probe: bool, with_vantage: bool) -> str:
    """Return what a target is called: with its vantage and its probe, if they differ."""
    # the way back goes to whoever called there by ssh: who that is, is not known before it answers
    words = [row.host or (row.snapshot.target if row.snapshot is not None else "back")]
    if with_vantage:
        words.append(f"from {row.vantage}")
    if with_probe and row.snapshot is not None:
        words.append(describe_protocol(row.snapshot.run.settings))
    return sanitize(" ".join(words))


def _row(row: TargetRow, shown_name: str, width: int, *, is_selected: bool) -> StyledLine:
    host_cells, spark_cells, words_cells = _layout(width)
    pointer = "▶" if is_selected else " "
    name = pad_or_truncate(shown_name, host_cells)
    snapshot = row.snapshot
    if row.failure is not None or snapshot is None:
        words = row.failure or "waiting for a first answer"
        style = TextStyle.BAD_MARK if row.failure else TextStyle.DIM
        rest = pad_or_truncate(sanitize(words), max(1, width - host_cells - 4))
        return [(f"{pointer}  {name} ", TextStyle.PLAIN), (rest, style)]
    worst = _worst(snapshot)
    target = _target(snapshot)
    loss = target.loss_percent if target is not None else None
    figures = target.figures if target is not None else None
    rtt = short_ms(figures.mean) if figures is not None else ""
    spark = sparkline(target.recent, target.figures.min, spark_cells) if target is not None else ""
    letter = snapshot.path.letter if snapshot.path is not None else ""
    hops = str(len(snapshot.run.hops)) if snapshot.run.reached else "–"
    sign = "!" if worst is not None else " "
    lossy = TextStyle.BAD_MARK if loss else TextStyle.PLAIN
    shown = "" if loss is None else f"{loss:.1f} %"
    return [
        (pointer, TextStyle.STRONG),
        (f"{sign} ", TextStyle.BAD_MARK),
        (f"{name} ", TextStyle.STRONG if worst is not None else TextStyle.PLAIN),
        (f"{shown:>6} ", lossy),
        (f"{rtt:>7} ", TextStyle.PLAIN),
        (f"{spark:<{spark_cells}} ", TextStyle.SPARK),
        (f"{letter:>4} {hops:>4} ", TextStyle.DIM),
        (pad_or_truncate(_words(snapshot, worst), words_cells), _style(snapshot, worst)),
    ]


def _target(snapshot: Snapshot) -> Hop | None:
    return next((hop for hop in reversed(snapshot.run.hops) if hop.is_target), None)


def _words(snapshot: Snapshot, worst: Finding | None) -> str:
    if worst is not None:
        return worst.short or worst.text
    if snapshot.trouble:
        return sanitize(snapshot.trouble)
    if any(one.kind is FindingKind.OK for one in snapshot.findings):
        return "ok"
    return "" if _target(snapshot) is not None else "no answer yet"


def _style(snapshot: Snapshot, worst: Finding | None) -> TextStyle:
    if worst is not None:
        return TextStyle.BAD_MARK
    return TextStyle.WARN if snapshot.trouble else TextStyle.DIM
