"""What stands above the table: what is probed, how far we are, and what is wrong."""

from typing import NamedTuple

from tui_trace.app.render.cells import (
    StyledLine,
    StyledText,
    TextStyle,
    clock,
    interval_words,
    percent,
)
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.probe_text import describe_protocol, describe_settings
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.session.annotations import TOO_BIG, is_refusal
from tui_trace.session.snapshot import FIRST_PATH, Hop, Snapshot

_NAMED = 40
"""Cells that target and address usually take."""
_LOW = 12
"""Terminal lines below which a notice would cost the table too much."""
_SILENT_ROUNDS = 3
"""Rounds without any answer of the target, after which that is worth a line."""


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
    return f"{sanitize(describe_settings(settings, family))} · {pace_words(pace)}"


def settings_fit_beside_target(settings: str, width: int) -> bool:
    """The settings fit beside a target.

    Beside one of usual length: what only short ones leave room for would make the view jump.
    """
    return len(settings) + _NAMED <= width


def target_hop(snapshot: Snapshot) -> Hop | None:
    """The row of the target, if it answered in this run."""
    hops = snapshot.run.hops
    return hops[-1] if hops and hops[-1].is_target else None


class HeaderFinding(NamedTuple):
    """Something that is true of the path, in a few words and in fewer."""

    words: str
    short: str
    tone: TextStyle

    def line(self, room: int) -> StyledLine:
        """In at most `room` cells, if the short form has room at all."""
        text = f" {self.words} "
        return [
            (
                text if cell_width(text) <= room else pad_or_truncate(f" {self.short} ", room),
                self.tone,
            )
        ]


def verdict(snapshot: Snapshot) -> HeaderFinding | None:
    """The worst thing that is true of the path; None if all is well."""
    run = snapshot.run
    target = target_hop(snapshot)
    if target is not None and target.lost:
        lost = f"! {percent(target.lost, target.figures.count)} %"
        return HeaderFinding(f"{lost} loss at the target", f"{lost} lost", TextStyle.BAD)
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
        return HeaderFinding("! target silent, nobody answers", "! all silent", TextStyle.WARN)
    ttl = answered[-1].ttl
    return HeaderFinding(
        f"! target silent, last answer from hop {ttl}", f"! silent after hop {ttl}", TextStyle.WARN
    )


def _end_of_path(hop: Hop, max_ttl: int) -> HeaderFinding | None:
    """Why nothing came from beyond this hop, where that is known."""
    refusal = next((mark for mark in hop.marks if is_refusal(mark)), None)
    if refusal is not None:
        words = f"! refused at hop {hop.ttl}: {refusal}"
        return HeaderFinding(words, words, TextStyle.WARN)
    if TOO_BIG in hop.marks:
        mtu = next((sanitize(mark) for mark in hop.marks if mark.startswith("MTU ")), "smaller MTU")
        short = f"! {mtu} at hop {hop.ttl}"
        return HeaderFinding(f"{short}: larger ones are refused", short, TextStyle.WARN)
    if hop.ttl >= max_ttl:
        words = f"largest TTL {max_ttl} ends before the target"
        return HeaderFinding(words, f"largest TTL {max_ttl}", TextStyle.PLAIN)
    return None


class ViewPosition(NamedTuple):
    """Where in time the view is, if it is not simply the present."""

    words: str
    """`◀ 0:31 · l live`, `▶ replay 2×`."""
    tone: TextStyle = TextStyle.FLAG


def _state(snapshot: Snapshot, failure: str | None, place: ViewPosition | None) -> StyledLine:
    if place is not None and failure is None:
        return [(f" {place.words} ", place.tone)]
    if failure is not None:
        return [(" × stopped ", TextStyle.BAD)]
    if snapshot.ended:
        return [("■ ended", TextStyle.WARN)]
    if snapshot.pace.paused:
        return [("‖ paused", TextStyle.WARN)]
    return [("● live", TextStyle.MARK)]


def _cells(line: StyledLine) -> int:
    return sum(cell_width(text) for text, _ in line)


def _between(left: StyledLine, right: StyledLine, width: int) -> StyledLine:
    """Left and right parts of one line; the left one gives way."""
    used = _cells(right)
    room = max(width - used - 3, 0)
    line: StyledLine = [(" ", TextStyle.PLAIN)]
    for text, tone in left:
        shown = text if cell_width(text) <= room else pad_or_truncate(text, room)
        line.append((shown, tone))
        room -= cell_width(shown)
    return [*line, (" " * (room + 1), TextStyle.PLAIN), *right, (" ", TextStyle.PLAIN)]


def progress(snapshot: Snapshot, room: int) -> StyledLine:
    """How far we are, in `room` cells: what matters least is left out, or said shortly.

    The protocol is one line up; when the path changed and what takes turns is nowhere else.
    """
    run, path = snapshot.run, snapshot.path
    if path is not None and len(snapshot.paths) < 2 and path.letter == FIRST_PATH:
        path = None
    rounds: StyledText = (f"round {run.rounds}", TextStyle.PLAIN)
    time: StyledText = (f" · {clock(snapshot.at)}", TextStyle.PLAIN)
    number: StyledText = (f" · run {run.number}", TextStyle.PLAIN)
    protocol: StyledText = (f" ({describe_protocol(run.settings)})", TextStyle.DIM)
    turns = [(f" in turns with run {run.turns_with}", TextStyle.WARN)] if run.turns_with else []
    since = [(f"  path {path.letter} since {clock(path.since)}", TextStyle.PLAIN)] if path else []
    mixed = (
        [(f", figures of {'+'.join(snapshot.mixed[-4:])}", TextStyle.WARN)]
        if snapshot.mixed
        else []
    )
    foreign = [(f" · foreign {snapshot.foreign}", TextStyle.DIM)] if snapshot.foreign else []
    brief = (f"r {run.rounds}", TextStyle.PLAIN)
    brief_turns = [(f" turns {run.turns_with}", TextStyle.WARN)] if run.turns_with else []
    brief_since = [(f" · {path.letter} {clock(path.since)}", TextStyle.PLAIN)] if path else []
    forms: tuple[StyledLine, ...] = (
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
    place: ViewPosition | None = None,
    height: int = _LOW,
) -> list[StyledLine]:
    """The lines above the table, `width` cells each.

    Two where that is enough, else three, and one more if something is wrong or a notice was given
    and the terminal has `height` lines for it. The worst thing stands where the round line loses
    nothing by it. `parting`: nothing is live any more, and that needs no word.
    """
    run = snapshot.run
    target = sanitize(snapshot.target)
    named: StyledLine = [(target, TextStyle.STRONG)]
    if snapshot.lab:
        named = [
            (f" LAB {sanitize(snapshot.lab)} ", TextStyle.FLAG),
            (" ", TextStyle.PLAIN),
            *named,
        ]
    address: StyledLine = []
    if snapshot.address and snapshot.address != snapshot.target:
        address = [(f"  {sanitize(snapshot.address)}", TextStyle.PLAIN)]
    settings = probe_words(run.settings, snapshot.pace, snapshot.family)
    state = [] if parting else _state(snapshot, failure, place)
    told = verdict(snapshot)
    if (
        settings_fit_beside_target(settings, width)
        and _cells([*named, *address]) + len(settings) + 6 <= width
    ):
        lines = [_between([*named, *address], [(settings, TextStyle.PLAIN)], width)]
        if told is not None:
            room = width - _cells(state) - 5 - _cells(progress(snapshot, width // 2))
            state = [*told.line(room), ("  ", TextStyle.PLAIN), *state]
    else:
        right = told.line(max(width - _cells(named) - 3, width * 3 // 5)) if told else []
        if _cells([*named, *address, *right]) + 3 <= width:
            named += address
        lines = [_between(named, right, width), _between([(settings, TextStyle.PLAIN)], [], width)]
    lines.append(_between(progress(snapshot, width - _cells(state) - 3), state, width))
    if failure is not None:
        lines.append([(pad_or_truncate(f" ! {sanitize(failure)}", width), TextStyle.BAD)])
    elif snapshot.trouble is not None:
        lines.append([(pad_or_truncate(f" ! {sanitize(snapshot.trouble)}", width), TextStyle.BAD)])
    elif snapshot.notice is not None and height >= _LOW:
        lines.append([(pad_or_truncate(f" {sanitize(snapshot.notice)}", width), TextStyle.WARN)])
    return lines
