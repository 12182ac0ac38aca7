"""What is wrong beside the findings: what the machine cannot do, and what was noticed of late."""

from collections.abc import Iterator

from tui_trace.app.render.styled_text import StyledLine, wrapped
from tui_trace.core.cell_width import pad_or_truncate
from tui_trace.core.sanitize import MESSAGE_LIMIT, sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.cell_text import TextStyle
from tui_trace.session.finding import FindingKind
from tui_trace.session.finding_text import Clock
from tui_trace.session.snapshot import MomentKind, Snapshot, TimelineMoment

RECENT = 300 * NS_PER_S
"""How long the heading tells of what is over, for whoever was looking elsewhere."""
FRESH = 60 * NS_PER_S
"""How long a notice is bright."""
_MOST_NOTICES = 50
"""Notices that are listed, the newest ones."""


def trouble(snapshot: Snapshot, failure: str | None) -> str | None:
    """Return why nothing is probed, unless a finding says so; `failure`: why the source broke."""
    is_told = any(finding.kind is FindingKind.LOCAL for finding in snapshot.findings)
    return failure or (None if is_told else snapshot.trouble)


def count_troubles(snapshot: Snapshot, failure: str | None) -> int:
    """Return how many things there are to read: what harms, and the notices of late."""
    harmful = sum(finding.harm for finding in snapshot.findings)
    recent = (one for one in notices(snapshot) if snapshot.at - one.at < RECENT)
    return harmful + (trouble(snapshot, failure) is not None) + sum(1 for _ in recent)


def notices(snapshot: Snapshot) -> list[TimelineMoment]:
    """Return the notices, the newest first; one that was given several times is there once."""
    told: dict[str, TimelineMoment] = {}
    for moment in reversed(snapshot.timeline.moments):
        if moment.what is MomentKind.NOTICE and moment.at <= snapshot.at:
            told.setdefault(moment.text, moment)
    return list(told.values())[:_MOST_NOTICES]


def sign(count: int) -> str:
    """Return the mark of so many troubles: `!`, `!3`."""
    return f"!{count}" if count > 1 else "!"


def trouble_lines(text: str, width: int, count: int, *, lines: int) -> list[StyledLine]:
    """Return why nothing is probed, in so many lines at most."""
    mark = sign(count)
    return _cut(wrapped(text, width, TextStyle.BAD, indent=len(mark) + 1, sign=mark), width, lines)


def notice_lines(snapshot: Snapshot, width: int, count: int, *, lines: int) -> list[StyledLine]:
    """Return the newest notice, in so many lines at most; dim when it is old.

    `count` of more than one is told before it.
    """
    if not snapshot.notice:
        return []
    told = notices(snapshot)
    is_fresh = not told or snapshot.at - told[0].at < FRESH
    style = TextStyle.WARN if is_fresh else TextStyle.DIM
    mark = sign(count) if count > 1 else ""
    # an old one is worth one line
    most = lines if is_fresh else 1
    indent = len(mark) + 1 if mark else 0
    return _cut(wrapped(snapshot.notice, width, style, indent=indent, sign=mark), width, most)


def _cut(lines: list[StyledLine], width: int, most: int) -> list[StyledLine]:
    """Return the first lines; a mark at the end of the last one says that there are more."""
    if len(lines) <= most:
        return lines
    [(text, style)] = lines[most - 1]
    last = f"{pad_or_truncate(text, max(width - 4, 1)).rstrip()} … V"
    return [*lines[: most - 1], [(pad_or_truncate(last, width).rstrip(), style)]]


def troubles_list(
    snapshot: Snapshot, failure: str | None, clock: Clock, width: int
) -> Iterator[StyledLine]:
    """Return what is wrong with this machine, and all notices with their times, whole."""
    why = trouble(snapshot, failure)
    if why is not None:
        yield [(" Nothing is probed", TextStyle.STRONG)]
        yield from wrapped(sanitize(why, MESSAGE_LIMIT), width, TextStyle.BAD, indent=2, sign="!")
        yield []
    told = notices(snapshot)
    if told:
        yield [(" Notices", TextStyle.STRONG)]
    for moment in told:
        yield from wrapped(f"{clock(moment.at)}  {moment.text}", width, TextStyle.PLAIN, indent=2)
    if told:
        yield []
