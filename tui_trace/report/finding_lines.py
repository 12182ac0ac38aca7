"""Findings and episodes in reports: as lines for people, and as objects for programs."""

import datetime
from collections.abc import Iterator
from typing import Any

from tui_trace.core.durations import format_duration
from tui_trace.core.events import MtuSearchEnd
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.report.formatting import time_of
from tui_trace.session.finding import Episode, Finding, FindingKind, Sure
from tui_trace.session.finding_text import Clock, describe_episode, describe_finding, is_event
from tui_trace.session.host_labels import HostLabels
from tui_trace.session.path_mtu_text import describe_path_mtu
from tui_trace.session.snapshot import PathMtu, Snapshot


def wall_clock(snapshot: Snapshot) -> Clock:
    """Return what gives the time of day, with the date if that is not the session's last day."""
    today = time_of(snapshot, snapshot.at).date()

    def clock(at: int) -> str:
        moment = time_of(snapshot, at)
        return f"{moment:%H:%M:%S}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M:%S}"

    return clock


def day_clock(snapshot: Snapshot) -> Clock:
    """Return what gives the time of day without a date, or, where it is not known, since when."""
    if not snapshot.wall:
        return format_duration
    return lambda at: f"{time_of(snapshot, at):%H:%M:%S}"


def dated_clock(snapshot: Snapshot) -> Clock:
    """Return what gives date and time of day."""
    return lambda at: f"{time_of(snapshot, at):%Y-%m-%d %H:%M:%S}"


def finding_lines(snapshot: Snapshot) -> Iterator[str]:
    """Return what was and is so, in the order of time; then what is harmless, in one line."""
    clock = dated_clock(snapshot)
    for episode in snapshot.episodes:
        mark = "! " if episode.finding.harm and episode.until is None else ""
        yield mark + describe_episode(episode, clock) + cut_words(snapshot, episode)
    yield from state_lines(snapshot)


def state_lines(snapshot: Snapshot) -> Iterator[str]:
    """Return what is harmless, in one line, the path MTU, and that nothing is wrong."""
    clock = dated_clock(snapshot)
    quiet = [
        describe_finding(finding, clock)
        for finding in snapshot.findings
        if not is_event(finding) and finding.kind is not FindingKind.OK
    ]
    if quiet:
        yield f"Harmless: {'; '.join(quiet)}"
    search = snapshot.path_mtu
    if search is not None and search.until is not None and not _is_stopped(search):
        yield f"{clock(search.until)} {describe_path_mtu(search, HostLabels(snapshot.who))}"
    for finding in snapshot.findings:
        if finding.kind is FindingKind.OK:
            yield f"Nothing wrong: {describe_finding(finding, clock)}"


def _is_stopped(search: PathMtu) -> bool:
    return search.found is not None and search.found.reason is MtuSearchEnd.STOPPED


def path_mtu_object(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what the latest search for the path MTU found, for JSON; None: there was none."""
    search = snapshot.path_mtu
    if search is None or search.found is None:
        return None
    found = search.found
    return {
        "time": rfc3339(snapshot, found.at),
        "end": found.reason.value,
        "mtu": found.mtu or None,
        "limit": None if found.limit is None else found.limit.value,
        "near_hop": found.near_ttl or None,
        "near_address": sanitize(found.near_address) or None,
        "far_hop": found.far_ttl or None,
        "far_address": sanitize(found.far_address) or None,
        "refused_by": sanitize(found.refused_by) or None,
        "last_hop": found.last_ttl or None,
        "reached": found.reached,
        "probes": search.sent,
        "text": describe_path_mtu(search, HostLabels(snapshot.who)),
    }


def cut_words(snapshot: Snapshot, episode: Episode) -> str:
    """Return that an episode is longer than the stretch: `; began before this stretch`, or ``."""
    before, after = _is_cut(snapshot, episode)
    ends = [*(["began before"] if before else []), *(["goes on after"] if after else [])]
    return f"; {' and '.join(ends)} this stretch" if ends else ""


def _is_cut(snapshot: Snapshot, episode: Episode) -> tuple[bool, bool]:
    """Return whether it began before the stretch, and whether it goes on after it."""
    stretch = snapshot.stretch
    if stretch is None:
        return False, False
    goes_on = episode.until is None or episode.until > stretch.until
    return (
        episode.finding.since < stretch.since,
        goes_on and stretch.until < stretch.session_end,
    )


def episode_object(snapshot: Snapshot, episode: Episode) -> dict[str, Any]:
    """Return an episode for JSON; of a stretch also whether it is longer at either end."""
    told = finding_object(snapshot, episode.finding, episode.until)
    if snapshot.stretch is None:
        return told
    before, after = _is_cut(snapshot, episode)
    return told | {"began_before": before, "goes_on_after": after}


def stretch_object(snapshot: Snapshot) -> dict[str, str] | None:
    """Return the ends of the stretch for JSON, RFC 3339; None for a whole session."""
    stretch = snapshot.stretch
    if stretch is None:
        return None
    ends = (("since", stretch.since), ("until", stretch.until))
    return {name: rfc3339(snapshot, at) for name, at in ends}


def finding_object(
    snapshot: Snapshot, finding: Finding, until: int | None = None
) -> dict[str, Any]:
    """Return a finding, or an episode that lasted `until` (ns), for JSON. Times are RFC 3339."""
    clock = dated_clock(snapshot)
    told = describe_episode(Episode(finding, finding.since, until), clock)
    return {
        "kind": finding.kind.value,
        "hop": finding.hop,
        "address": finding.address or None,
        "harm": finding.harm,
        "sure": finding.sure.value,
        "since": rfc3339(snapshot, finding.since),
        "until": None if until is None else rfc3339(snapshot, until),
        "evidence": dict(finding.evidence),
        "text": told,
        "next": finding.next or None,
        "run": finding.run or None,
    }


def rfc3339(snapshot: Snapshot, at: int, timespec: str = "milliseconds") -> str:
    """Return the time at `at` (ns) with its offset from UTC; `timespec` as in `isoformat`."""
    moment = time_of(snapshot, at)
    milliseconds = snapshot.wall_at(at) // NS_PER_MS % 1000
    precise = moment.replace(microsecond=0) + datetime.timedelta(milliseconds=milliseconds)
    return precise.isoformat(timespec=timespec)


def is_fine(snapshot: Snapshot) -> bool:
    """Return whether the target was reached and nothing harmful is certain: `--check`."""
    harmful = (one for one in snapshot.findings if one.harm and one.sure is Sure.CERTAIN)
    return snapshot.run.reached and next(harmful, None) is None
