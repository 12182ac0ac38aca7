"""The lines above the table: target, settings, progress, and the worst finding."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tui_trace.app.render.path_mtu_lines import path_mtu_lines
from tui_trace.app.render.styled_text import StyledLine, StyledText, interval_words
from tui_trace.app.render.troubles import (
    RECENT,
    count_troubles,
    notice_lines,
    sign,
    trouble,
    trouble_lines,
)
from tui_trace.core.cell_width import cell_width, pad_or_truncate
from tui_trace.core.durations import format_duration
from tui_trace.core.local_time import zone_name
from tui_trace.core.probe_text import describe_protocol, describe_settings, describe_turns
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.finding_lines import dated_clock, wall_clock
from tui_trace.report.formatting import time_of
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.finding_text import Clock, describe_episode, describe_finding
from tui_trace.session.last_minute import describe_window
from tui_trace.session.snapshot import FIRST_PATH, Snapshot

_NAMED = 40
"""Cells that target and address usually take."""
_WORTH_A_LINE = frozenset(
    {
        FindingKind.MAX_TTL,
        FindingKind.FILTERED,
        FindingKind.BLACK_HOLE,
        FindingKind.FLAP,
        FindingKind.PATH_CHANGE,
    }
)
"""Harmless kinds that the heading tells of."""
_LOW = 12
"""Terminal lines below which a notice would cost the table too much."""
_USUAL = 24
"""Terminal lines from which on what is wrong may take a second line."""


def pace_words(pace: Pace) -> str:
    """Return the interval, and every other value of the pace that is not the default."""
    parts = [interval_words(pace.interval)]
    if (pace.first_ttl, pace.max_ttl) != (1, 30):
        parts.append(f"TTL {pace.first_ttl}–{pace.max_ttl}")
    if pace.queries != 1:
        parts.append(f"{pace.queries} probes")
    return " · ".join(parts)


def probe_words(settings: ProbeSettings, pace: Pace, family: int) -> str:
    """Return the settings line: `TCP port 443 · TOS 0 · …`; `family` is 4 or 6."""
    return f"{sanitize(describe_settings(settings, family))} · {pace_words(pace)}"


def describe_change(before: Snapshot, now: Snapshot) -> str:
    """Return how the probe is another one than before: `UDP port 53 · … now; run 4`.

    Empty if it is not, and while settings take turns: then it is another one each round.
    """
    told: list[str] = []
    if now.run.number != before.run.number and not now.run.turns_with:
        words = sanitize(describe_settings(now.run.settings, now.family))
        if now.run.number in before.earlier:
            told.append(f"{words} again; run {now.run.number}")
        elif now.run.settings == before.run.settings:
            told.append(f"counted anew, with the same settings; run {now.run.number}")
        else:
            told.append(f"{words} now; run {now.run.number}")
    was, pace = before.pace, now.pace
    if pace.paused != was.paused:
        told.append("paused" if pace.paused else "probing goes on")
    if pace_words(replace(pace, paused=was.paused)) != pace_words(was):
        told.append(f"{pace_words(pace)} now")
    return " · ".join(told)


def settings_fit_beside_target(settings: str, width: int) -> bool:
    """Return whether the settings fit on one line with a target.

    Beside one of usual length: what only short ones leave room for would make the view jump.
    """
    return len(settings) + _NAMED <= width


def finding_line(snapshot: Snapshot, width: int, count: int = 1) -> StyledLine | None:
    """Return the worst thing that is so, or else, dim, what is over since a short time.

    None if all is well. It is cut only if even its short form has no room. `count` is how much is
    wrong in all.
    """
    clock = wall_clock(snapshot)
    worst = next((finding for finding in snapshot.findings if finding.harm), None)
    if worst is not None:
        more = " · V lists all" if count > 1 else ""
        style = TextStyle.BAD if worst.sure is Sure.CERTAIN else TextStyle.WARN
        forms = [f" {sign(count)} {words}{more} " for words in _forms(worst, clock)]
        return [(_first_that_fits(forms, width), style)]
    for finding in snapshot.findings:
        if finding.kind in _WORTH_A_LINE:
            forms = [f" {words} " for words in _forms(finding, clock)]
            return [(_first_that_fits(forms, width), TextStyle.PLAIN)]
    over = [one for one in snapshot.episodes if one.until is not None]
    last = max(over, key=lambda episode: episode.until or 0, default=None)
    if last is None or snapshot.at - (last.until or 0) >= RECENT:
        return None
    text = f" {describe_episode(last, clock)} "
    return [(_first_that_fits([text], width), TextStyle.DIM)]


def _forms(finding: Finding, clock: Clock) -> list[str]:
    short = finding.short or finding.text
    return [
        describe_finding(finding, clock),
        describe_finding(replace(finding, details=""), clock),
        f"{short} since {clock(finding.since)}",
        short,
    ]


def _first_that_fits(forms: Sequence[str], width: int) -> str:
    shown = next((form for form in forms if cell_width(form) <= width), forms[-1])
    return shown if cell_width(shown) <= width else pad_or_truncate(shown, width)


class ViewPosition(NamedTuple):
    """The moment that the view shows, if that is not the present."""

    words: str
    """`◀ 0:31 · l live`, `▶ replay 2×`."""
    style: TextStyle = TextStyle.FLAG


def _state(snapshot: Snapshot, failure: str | None, place: ViewPosition | None) -> StyledLine:
    if place is not None and failure is None:
        return [(f" {place.words} ", place.style)]
    if failure is not None:
        return [(" × stopped ", TextStyle.BAD)]
    if snapshot.ended:
        return [("■ ended", TextStyle.WARN)]
    if snapshot.pace.paused:
        return [("‖ paused", TextStyle.WARN)]
    return [("● live", TextStyle.MARK)]


def _with_window(snapshot: Snapshot, state: StyledLine) -> StyledLine:
    """Return the state, and before it of how much time the figures are, if not of the run."""
    if snapshot.window is None:
        return state
    told: StyledText = (f" {describe_window(snapshot.window)} ", TextStyle.FLAG)
    return [told, (" ", TextStyle.PLAIN), *state] if state else [told]


def time_shown(snapshot: Snapshot, place: ViewPosition | None) -> str:
    """Return the time of day of what is shown; with its date, unless it is the present.

    And with its zone, if the user chose one: who looks on may expect another.
    """
    clock = wall_clock(snapshot) if place is None else dated_clock(snapshot)
    zone = zone_name(time_of(snapshot, snapshot.at))
    return f"{clock(snapshot.at)} {zone}".rstrip()


def _cells(line: StyledLine) -> int:
    return sum(cell_width(text) for text, _ in line)


def _between(left: StyledLine, right: StyledLine, width: int) -> StyledLine:
    """Return one line of a left and a right part; the left part is cut if there is no room."""
    used = _cells(right)
    room = max(width - used - 3, 0)
    line: StyledLine = [(" ", TextStyle.PLAIN)]
    for text, style in left:
        shown = text if cell_width(text) <= room else pad_or_truncate(text, room)
        line.append((shown, style))
        room -= cell_width(shown)
    return [*line, (" " * (room + 1), TextStyle.PLAIN), *right, (" ", TextStyle.PLAIN)]


def progress(snapshot: Snapshot, room: int) -> StyledLine:
    """Return round, time, run and path in `room` cells; the least important parts go first.

    The protocol is one line up; when the path changed and what takes turns is nowhere else.
    """
    run, path = snapshot.run, snapshot.path
    if path is not None and len(snapshot.paths) < 2 and path.letter == FIRST_PATH:
        path = None
    rounds: StyledText = (f"round {run.rounds}", TextStyle.PLAIN)
    time: StyledText = (f" · {format_duration(snapshot.at)}", TextStyle.PLAIN)
    number: StyledText = (f" · run {run.number}", TextStyle.PLAIN)
    protocol: StyledText = (f" ({describe_protocol(run.settings)})", TextStyle.DIM)
    turns = [(f" {describe_turns(run.turns_with)}", TextStyle.WARN)] if run.turns_with else []
    since = (
        [(f"  path {path.letter} since {format_duration(path.since)}", TextStyle.PLAIN)]
        if path
        else []
    )
    mixed = (
        [(f", statistics mix paths {'+'.join(snapshot.mixed[-4:])}", TextStyle.WARN)]
        if snapshot.mixed
        else []
    )
    foreign = [(f" · foreign {snapshot.foreign}", TextStyle.DIM)] if snapshot.foreign else []
    brief = (f"r {run.rounds}", TextStyle.PLAIN)
    with_whom = ",".join(map(str, run.turns_with))
    brief_turns = [(f" turns {with_whom}", TextStyle.WARN)] if run.turns_with else []
    brief_since = (
        [(f" · {path.letter} {format_duration(path.since)}", TextStyle.PLAIN)] if path else []
    )
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
    """Return the lines above the table, `width` cells each.

    Two where that is enough, else three, and one more each if something is or was wrong, and if the
    path MTU was asked for or a notice given and the terminal has `height` lines for it. `parting`:
    nothing is live any more, and that needs no word.
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
    if snapshot.vantage:
        named += [(f"  from {sanitize(snapshot.vantage)}", TextStyle.MARK)]
    address: StyledLine = []
    if snapshot.address and snapshot.address != snapshot.target:
        address = [(f"  {sanitize(snapshot.address)}", TextStyle.PLAIN)]
    settings = probe_words(run.settings, snapshot.pace, snapshot.family)
    state = _with_window(snapshot, [] if parting else _state(snapshot, failure, place))
    if state and snapshot.wall:
        clock: StyledText = (f"{time_shown(snapshot, place)}  ", TextStyle.DIM)
        room = width - _cells(state) - 3
        # every word about run and path is worth more
        words = progress(snapshot, room)
        if _cells(words) <= room - _cells([clock]):
            state = [clock, *state]
    if (
        settings_fit_beside_target(settings, width)
        and _cells([*named, *address]) + len(settings) + 6 <= width
    ):
        lines = [_between([*named, *address], [(settings, TextStyle.PLAIN)], width)]
    else:
        if _cells([*named, *address]) + 3 <= width:
            named += address
        lines = [_between(named, [], width), _between([(settings, TextStyle.PLAIN)], [], width)]
    lines.append(_between(progress(snapshot, width - _cells(state) - 3), state, width))
    room = 0 if parting else height
    return lines + _said_lines(snapshot, width, failure, height=height, room_for_mtu=room)


def _said_lines(
    snapshot: Snapshot, width: int, failure: str | None, *, height: int, room_for_mtu: int
) -> list[StyledLine]:
    """Return what is or was wrong, and what the path MTU is, in so many terminal lines."""
    count = count_troubles(snapshot, failure)
    lines: list[StyledLine] = []
    said = finding_line(snapshot, width, count)
    if said is not None:
        lines.append(said)
        if any(finding.harm for finding in snapshot.findings):
            count = 1
    most = 2 if height >= _USUAL else 1
    if room_for_mtu >= _LOW:
        lines += path_mtu_lines(snapshot, width, lines=most)
    why = trouble(snapshot, failure)
    if why is not None:
        lines += trouble_lines(why, width, count, lines=most)
    elif height >= _LOW:
        lines += notice_lines(snapshot, width, count, lines=most)
    return lines
