"""What stands above the table: what is probed, how far we are, and what is wrong."""

from typing import NamedTuple

from rich.cells import cell_len

from tui_trace.app.columns import Tone, percent
from tui_trace.app.rows import Line, Piece, fit
from tui_trace.session.marks import TOO_BIG, is_refusal
from tui_trace.session.model import FIRST, Hop, Snapshot
from tui_trace.settings import NS_PER_S, Pace, ProbeSettings, protocol_words
from tui_trace.text import clean

_NAMED = 40
"""Cells that target and address usually take."""
_LOW = 12
"""Terminal lines below which a notice would cost the table too much."""
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


def target_hop(snapshot: Snapshot) -> Hop | None:
    """The row of the target, if it answered in this run."""
    hops = snapshot.run.hops
    return hops[-1] if hops and hops[-1].is_target else None


class Told(NamedTuple):
    """Something that is true of the path, in a few words and in fewer."""

    words: str
    short: str
    tone: Tone

    def line(self, room: int) -> Line:
        """In at most `room` cells, if the short form has room at all."""
        text = f" {self.words} "
        return [(text if cell_len(text) <= room else fit(f" {self.short} ", room), self.tone)]


def verdict(snapshot: Snapshot) -> Told | None:
    """The worst thing that is true of the path; None if all is well."""
    run = snapshot.run
    target = target_hop(snapshot)
    if target is not None and target.lost:
        lost = f"! {percent(target.lost, target.figures.count)} %"
        return Told(f"{lost} loss at the target", f"{lost} lost", Tone.BAD)
    answered = [hop for hop in run.hops if hop.responders]
    if run.reached:
        return None
    if answered:
        told = _end_of_path(answered[-1], snapshot.pace.max_ttl)
        if told is not None:
            return told
    if run.rounds <= _SILENT_ROUNDS:
        return None
    if not answered:
        return Told("! target silent, nobody answers", "! all silent", Tone.WARN)
    ttl = answered[-1].ttl
    return Told(
        f"! target silent, last answer from hop {ttl}", f"! silent after hop {ttl}", Tone.WARN
    )


def _end_of_path(hop: Hop, max_ttl: int) -> Told | None:
    """Why nothing came from beyond this hop, where that is known."""
    refusal = next((mark for mark in hop.marks if is_refusal(mark)), None)
    if refusal is not None:
        words = f"! refused at hop {hop.ttl}: {refusal}"
        return Told(words, words, Tone.WARN)
    if TOO_BIG in hop.marks:
        mtu = next((clean(mark) for mark in hop.marks if mark.startswith("MTU ")), "smaller MTU")
        short = f"! {mtu} at hop {hop.ttl}"
        return Told(f"{short}: larger ones are refused", short, Tone.WARN)
    if hop.ttl >= max_ttl:
        words = f"largest TTL {max_ttl} ends before the target"
        return Told(words, f"largest TTL {max_ttl}", Tone.PLAIN)
    return None


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


def progress(snapshot: Snapshot, room: int) -> Line:
    """How far we are, in `room` cells: what matters least is left out, or said shortly.

    The protocol is one line up; when the path changed and what takes turns is nowhere else.
    """
    run, path = snapshot.run, snapshot.path
    if path is not None and len(snapshot.paths) < 2 and path.letter == FIRST:
        path = None
    rounds: Piece = (f"round {run.rounds}", Tone.PLAIN)
    time: Piece = (f" · {clock(snapshot.at)}", Tone.PLAIN)
    number: Piece = (f" · run {run.number}", Tone.PLAIN)
    protocol: Piece = (f" ({protocol_words(run.settings)})", Tone.DIM)
    turns = [(f" in turns with run {run.turns_with}", Tone.WARN)] if run.turns_with else []
    since = [(f"  path {path.letter} since {clock(path.since)}", Tone.PLAIN)] if path else []
    mixed = [(f", figures of {'+'.join(snapshot.mixed[-4:])}", Tone.WARN)] if snapshot.mixed else []
    foreign = [(f" · foreign {snapshot.foreign}", Tone.DIM)] if snapshot.foreign else []
    brief = (f"r {run.rounds}", Tone.PLAIN)
    brief_turns = [(f" turns {run.turns_with}", Tone.WARN)] if run.turns_with else []
    brief_since = [(f" · {path.letter} {clock(path.since)}", Tone.PLAIN)] if path else []
    forms: tuple[Line, ...] = (
        [rounds, time, number, protocol, *turns, *since, *mixed, *foreign],
        [rounds, time, number, *turns, *since, *mixed, *foreign],
        [rounds, time, number, *turns, *since, *mixed],
        [rounds, time, number, *turns, *since],
        [rounds, number, *turns, *since],
        [rounds, number, *brief_turns, *brief_since],
        [brief, number, *brief_turns, *brief_since],
        [brief, number],
    )
    return next((form for form in forms if _cells(form) <= room), forms[-1])


def heading(
    snapshot: Snapshot,
    width: int,
    failure: str | None = None,
    *,
    parting: bool = False,
    place: Place | None = None,
    height: int = _LOW,
) -> list[Line]:
    """The lines above the table, `width` cells each.

    Two where that is enough, else three, and one more if something is wrong or a notice was given
    and the terminal has `height` lines for it. The worst thing stands where the round line loses
    nothing by it. `parting`: nothing is live any more, and that needs no word.
    """
    run = snapshot.run
    target = clean(snapshot.target)
    named: Line = [(target, Tone.STRONG)]
    if snapshot.lab:
        named = [(f" LAB {clean(snapshot.lab)} ", Tone.FLAG), (" ", Tone.PLAIN), *named]
    address: Line = []
    if snapshot.address and snapshot.address != snapshot.target:
        address = [(f"  {clean(snapshot.address)}", Tone.PLAIN)]
    settings = probe_words(run.settings, snapshot.pace, snapshot.family)
    state = [] if parting else _state(snapshot, failure, place)
    told = verdict(snapshot)
    if has_room(settings, width) and _cells([*named, *address]) + len(settings) + 6 <= width:
        lines = [_between([*named, *address], [(settings, Tone.PLAIN)], width)]
        if told is not None:
            room = width - _cells(state) - 5 - _cells(progress(snapshot, width // 2))
            state = [*told.line(room), ("  ", Tone.PLAIN), *state]
    else:
        right = told.line(max(width - _cells(named) - 3, width * 3 // 5)) if told else []
        if _cells([*named, *address, *right]) + 3 <= width:
            named += address
        lines = [_between(named, right, width), _between([(settings, Tone.PLAIN)], [], width)]
    lines.append(_between(progress(snapshot, width - _cells(state) - 3), state, width))
    if failure is not None:
        lines.append([(fit(f" ! {clean(failure)}", width), Tone.BAD)])
    elif snapshot.trouble is not None:
        lines.append([(fit(f" ! {clean(snapshot.trouble)}", width), Tone.BAD)])
    elif snapshot.notice is not None and height >= _LOW:
        lines.append([(fit(f" {clean(snapshot.notice)}", width), Tone.WARN)])
    return lines
