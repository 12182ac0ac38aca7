"""What stands above the table: what is probed, how far we are, and what is wrong."""

from typing import NamedTuple

from rich.cells import cell_len

from tui_trace.app.columns import Tone, percent
from tui_trace.app.rows import Line, fit
from tui_trace.session.model import Hop, Snapshot
from tui_trace.settings import NS_PER_S, Pace, ProbeSettings, protocol_words
from tui_trace.text import clean

_NAMED = 40
"""Cells that target and address usually take."""
_SILENT_ROUNDS = 3
"""Rounds without any answer of the target, after which that is worth a line."""


def interval_words(interval: int) -> str:
    """`every 1 s`; `interval` in ns."""
    return f"every {interval / NS_PER_S:g} s"


def pace_words(pace: Pace) -> str:
    """The interval, and what else of the pace is not as usual."""
    parts = [interval_words(pace.interval)]
    if (pace.first_ttl, pace.max_ttl) != (1, 30):
        parts.append(f"TTL {pace.first_ttl}–{pace.max_ttl}")
    if pace.queries != 1:
        parts.append(f"{pace.queries} probes")
    return " · ".join(parts)


def probe_words(settings: ProbeSettings, pace: Pace, family: int) -> str:
    """The line that reads as the probe is; `family` is 4 or 6."""
    return f"{clean(settings.words(family))} · {pace_words(pace)}"


def has_room(settings: str, width: int) -> bool:
    """The settings fit beside a target.

    Beside one of usual length: what only short ones leave room for would make the view jump.
    """
    return len(settings) + _NAMED <= width


def clock(elapsed: int) -> str:
    """Nanoseconds as `0:42`, `1:02:03`, `2d 01:02:03`."""
    minutes, seconds = divmod(elapsed // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def path_words(snapshot: Snapshot) -> str:
    """`path B since 0:31`; empty while there is but one."""
    now = snapshot.path
    if now is None or len(snapshot.paths) < 2:
        return ""
    return f"path {now.letter} since {clock(now.since)}"


def target_hop(snapshot: Snapshot) -> Hop | None:
    """The row of the target, if it answered in this run."""
    hops = snapshot.run.hops
    return hops[-1] if hops and hops[-1].is_target else None


def verdict(snapshot: Snapshot) -> Line:
    """The worst thing that is true of the path, in a few words; empty if nothing is."""
    run = snapshot.run
    target = target_hop(snapshot)
    if target is not None and target.lost:
        share = percent(target.lost, target.figures.count)
        return [(f" ! {share} % loss at the target ", Tone.BAD)]
    if not run.reached and run.rounds > _SILENT_ROUNDS:
        answered = [hop.ttl for hop in run.hops if hop.responders]
        last = f", last answer from hop {answered[-1]}" if answered else ", nobody answers"
        return [(f" ! target silent{last} ", Tone.WARN)]
    return []


class Place(NamedTuple):
    """Where in time the view is, if it is not simply the present."""

    words: str
    """`◀ 0:31 · l live`, `▶ replay 2×`."""
    tone: Tone = Tone.FLAG


def _state(snapshot: Snapshot, failure: str | None, place: Place | None) -> Line:
    if place is not None and failure is None:
        return [(f" {place.words} ", place.tone)]
    if failure is not None:
        return [(" × stopped ", Tone.BAD)]
    if snapshot.ended:
        return [("■ ended", Tone.WARN)]
    if snapshot.pace.paused:
        return [("‖ paused", Tone.WARN)]
    return [("● live", Tone.MARK)]


def _cells(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def _between(left: Line, right: Line, width: int) -> Line:
    """Left and right parts of one line; the left one gives way."""
    used = _cells(right)
    room = max(width - used - 3, 0)
    line: Line = [(" ", Tone.PLAIN)]
    for text, tone in left:
        shown = text if cell_len(text) <= room else fit(text, room)
        line.append((shown, tone))
        room -= cell_len(shown)
    return [*line, (" " * (room + 1), Tone.PLAIN), *right, (" ", Tone.PLAIN)]


def heading(
    snapshot: Snapshot,
    width: int,
    failure: str | None = None,
    *,
    parting: bool = False,
    place: Place | None = None,
) -> list[Line]:
    """The lines above the table, `width` cells each.

    Two where that is enough, else three, and one more if something is wrong or a notice was given.
    `parting`: nothing is live any more, and that needs no word.
    """
    run = snapshot.run
    target = clean(snapshot.target)
    named: Line = [(target, Tone.STRONG)]
    if snapshot.lab:
        named = [(f" LAB {clean(snapshot.lab)} ", Tone.FLAG), (" ", Tone.PLAIN), *named]
    if snapshot.address and snapshot.address != snapshot.target:
        named.append((f"  {clean(snapshot.address)}", Tone.PLAIN))
    settings = probe_words(run.settings, snapshot.pace, snapshot.family)
    progress: Line = [
        (f"round {run.rounds} · {clock(snapshot.at)} · run {run.number}", Tone.PLAIN),
        (f" ({protocol_words(run.settings)})", Tone.DIM),
    ]
    if run.turns_with:
        progress.append((f" in turns with run {run.turns_with}", Tone.WARN))
    if path := path_words(snapshot):
        progress.append((f"  {path}", Tone.PLAIN))
    if snapshot.foreign:
        progress.append((f" · foreign {snapshot.foreign}", Tone.DIM))
    state = [] if parting else _state(snapshot, failure, place)
    told = verdict(snapshot)
    right: Line = [*told, ("  ", Tone.PLAIN), *state] if told else state
    if has_room(settings, width) and _cells(named) + len(settings) + 6 <= width:
        lines = [_between(named, [(settings, Tone.PLAIN)], width)]
    else:
        lines = [_between(named, [], width), _between([(settings, Tone.PLAIN)], [], width)]
    lines.append(_between(progress, right, width))
    if failure is not None:
        lines.append([(fit(f" ! {clean(failure)}", width), Tone.BAD)])
    elif snapshot.trouble is not None:
        lines.append([(fit(f" ! {clean(snapshot.trouble)}", width), Tone.BAD)])
    elif snapshot.notice is not None:
        lines.append([(fit(f" {clean(snapshot.notice)}", width), Tone.WARN)])
    return lines
