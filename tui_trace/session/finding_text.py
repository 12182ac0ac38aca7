"""Findings and episodes in words, with the wall clock of whoever reads them."""

from collections.abc import Callable
from typing import TypeAlias

from tui_trace.session.finding import Episode, Finding, FindingKind

Clock: TypeAlias = Callable[[int], str]
"""Returns the wall clock at `at` (ns since the session began): `03:12:40`."""
_TIMED = frozenset({FindingKind.PATH_CHANGE, FindingKind.FLAP, FindingKind.LOOP})
"""Harmless kinds whose time matters."""


def is_event(finding: Finding) -> bool:
    """Return whether it belongs into a log: the target suffers, or the path moved."""
    return finding.harm or finding.kind in _TIMED


def describe_finding(finding: Finding, clock: Clock) -> str:
    """Return what is so: `target silent since 03:12:40 (75 probes), last answer hop 4`."""
    since = f"since {clock(finding.since)}" if is_event(finding) else ""
    return " ".join(filter(None, (finding.text, since, finding.details)))


def describe_episode(episode: Episode, clock: Clock) -> str:
    """Return what is or was so: `target was silent 03:12:40–03:12:56 (16 probes)`."""
    finding = episode.finding
    if episode.until is None:
        return describe_finding(finding, clock)
    begin, end = clock(finding.since), clock(episode.until)
    span = begin if begin == end else f"{begin}–{end}"
    return " ".join(filter(None, (finding.past, span, finding.details)))
