"""Findings over the runs of a session: what one setting passes, and another one does not.

A run that reached the target until it was switched, and one that has been silent since: a filter,
or a black hole for large packets. An outage that begins with the switch looks the same, so this is
likely at first; it is certain when both were tried in turns, and taken back when the first one is
silent, too.
"""

from collections.abc import Iterator

import msgspec

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S, ProbeSettings
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.round_log import HopLog, RunLog
from tui_trace.session.run_fold import RunFold
from tui_trace.session.run_names import in_turns, name_runs

ENOUGH = 5
"""Probes that are lost, or answered, before anything is said."""
RECENT = 60 * NS_PER_S
"""Nanoseconds from the last answer with one setting to the switch to another one, at most."""
_SILENT_AGAIN = 3
"""Probes lost with the first setting, too, after which the target counts as down."""
_SIZE_FIELDS = {"size", "df"}


class Contrast(msgspec.Struct, frozen=True):
    """A run that reaches the target, and one that does not."""

    passing: RunFold
    blocked: RunFold
    since: int
    """`at` of the first lost probe."""
    lost: int
    answered: int
    """Answers with the other setting since."""
    is_alternating: bool
    stretch: int
    """Bits of the slots of the blocked run that are looked at."""


def find_filtered(session: Findable) -> Iterator[Finding]:
    """Find settings that do not pass while others do, for the runs being probed."""
    retried: set[int] = set()
    for number in session.runs if len(session.runs) > 1 else ():
        for kind in (FindingKind.FILTERED, FindingKind.BLACK_HOLE):
            episode = session.lasts(kind, number)
            if episode is not None and "passing" in episode.finding.evidence:
                retried.add(number)
                yield from _follow(session, episode.finding)
    for blocked in session.active:
        if blocked.number in retried:
            continue
        contrasts = [
            found
            for passing in session.runs.values()
            if passing is not blocked
            and (found := _contrast(session, passing, blocked)) is not None
        ]
        if contrasts:
            yield tell(min(contrasts, key=_unlikeness))


def _follow(session: Findable, before: Finding) -> Iterator[Finding]:
    """Say a finding again, better if more is known now; or when it ended."""
    blocked = session.runs.get(before.run)
    passing = session.runs.get(int(before.evidence["passing"]))
    if blocked is None or passing is None:
        return
    if came := _first_answer(blocked.log, before.since):
        yield msgspec.structs.replace(before, until=came)
        return
    retried = passing.log.since(before.since)
    answered = (passing.log.target.answered & retried).bit_count()
    silent = _lost(passing.log, passing.log.target_ttl) & retried
    trailing = silent >> (passing.log.target.answered & retried).bit_length()
    if trailing.bit_count() >= _SILENT_AGAIN:
        # nothing passes any more: the target is down, and if it was so from the start, nothing else
        down = passing.log.times[silent.bit_length() - trailing.bit_length()]
        until = down if before.sure is Sure.CERTAIN else before.since - 1
        yield msgspec.structs.replace(before, until=until)
        return
    in_force = blocked in session.active
    if not in_force and (answered or passing is not session.run):
        return
    stretch = blocked.log.since(before.since)
    lost = (_lost(blocked.log, passing.log.target_ttl) & stretch).bit_count()
    answered = max(answered, int(before.evidence["answered_otherwise"]))
    contrast = Contrast(
        passing, blocked, before.since, lost, answered, in_turns(passing, blocked), stretch
    )
    yield tell(contrast)


def _contrast(session: Findable, passing: RunFold, blocked: RunFold) -> Contrast | None:
    """Return what speaks for a filter; None: nothing does."""
    good, bad = passing.log, blocked.log
    if bad.slots - bad.target.answered.bit_length() < ENOUGH:
        return None
    free = session.free_since(_kind(passing.settings, blocked.settings), blocked.number)
    reached = good.target.answered & good.since(free)
    if not reached or _is_gone(good):
        return None
    last_reached = good.times[reached.bit_length() - 1]
    silence = (1 << bad.slots) - (1 << bad.target.answered.bit_length())
    stretch = silence & bad.since(free)
    is_alternating = in_turns(passing, blocked)
    if not is_alternating:
        if bad.target.answered & bad.since(last_reached):
            # it reached the target, too, since the switch
            return None
        stretch &= bad.since(last_reached)
    lost = _lost(bad, good.target_ttl) & stretch
    if lost.bit_count() < max(_needed(good), _needed(bad)):
        return None
    since = bad.times[(lost & -lost).bit_length() - 1]
    first = _lost(bad, good.target_ttl) & silence
    before = bad.times[(first & -first).bit_length() - 1]
    after = (good.target.answered & good.since(before)).bit_count()
    if last_reached < since - RECENT or (is_alternating and after < ENOUGH):
        return None
    return Contrast(passing, blocked, since, lost.bit_count(), after, is_alternating, stretch)


def _needed(log: RunLog) -> int:
    """Return the probes that have to be lost in a row: twice as many as ever before, and more."""
    return max(ENOUGH, 2 * _longest_silence(log) + 1)


def _lost(log: RunLog, target_ttl: int | None) -> int:
    """Return the slots in which a probe that should have reached the target is lost."""
    lost = log.target.lost
    for ttl, hop in log.hops.items():
        if target_ttl is not None and ttl >= target_ttl:
            lost |= hop.lost
    return lost & ~log.target.answered


def _is_gone(log: RunLog) -> bool:
    """Return whether a target that answered is silent for longer than it ever was."""
    silence = _lost(log, log.target_ttl) >> log.target.answered.bit_length()
    return silence.bit_count() > max(1, _longest_silence(log))


def _longest_silence(log: RunLog) -> int:
    """Return the most probes to the target in a row that were lost between two answers."""
    lost = log.target.lost & ((1 << log.target.answered.bit_length()) - 1)
    longest = 0
    while lost:
        lost &= lost << 1
        longest += 1
    return longest


def _first_answer(log: RunLog, since: int) -> int:
    """Return the `at` of the first slot from `since` on that the target answered; 0: none."""
    answered = log.target.answered & log.since(since)
    return log.times[(answered & -answered).bit_length() - 1] if answered else 0


def _differing(one: ProbeSettings, other: ProbeSettings) -> set[str]:
    return {
        field
        for field in ProbeSettings.__struct_fields__
        if getattr(one, field) != getattr(other, field)
    }


def _unlikeness(contrast: Contrast) -> tuple[int, int]:
    differing = _differing(contrast.passing.settings, contrast.blocked.settings)
    return len(differing), -contrast.answered


def _kind(passing: ProbeSettings, blocked: ProbeSettings) -> FindingKind:
    larger = blocked.size >= passing.size
    if larger and _differing(passing, blocked) <= _SIZE_FIELDS:
        return FindingKind.BLACK_HOLE
    return FindingKind.FILTERED


# --- what is said


def tell(contrast: Contrast) -> Finding:
    """Return what a contrast says."""
    passing, blocked = contrast.passing, contrast.blocked
    kind = _kind(passing.settings, blocked.settings)
    is_sure = contrast.lost >= ENOUGH and contrast.answered >= ENOUGH
    place = _last_hop(blocked.log, contrast.stretch)
    hop = blocked.log.hops.get(place) if place else None
    address = _address(hop, contrast.stretch) if hop is not None else ""
    text, past = _words(contrast, kind, place)
    onward = passing.log.hops.get((place or 0) + 1)
    following = sanitize(next(reversed(onward.by_address), "")) if onward is not None else ""
    details = f"({contrast.lost} probes)"
    if following:
        details += f", the other goes on to {following}"
    return Finding(
        kind,
        harm=True,
        sure=Sure.CERTAIN if is_sure else Sure.LIKELY,
        since=contrast.since,
        text=sanitize(text),
        past=sanitize(past),
        details=sanitize(details),
        hop=place,
        address=address,
        run=blocked.number,
        severity=1.0,
        evidence={
            "passing": passing.number,
            "lost": contrast.lost,
            "answered_otherwise": contrast.answered,
            "next_address": following,
        },
        next=_next(kind, contrast, is_sure=is_sure),
    )


def _words(contrast: Contrast, kind: FindingKind, place: int | None) -> tuple[str, str]:
    """Return the claim in the present and in the past tense."""
    good, bad = name_runs((contrast.passing, contrast.blocked))
    if refusal := _refusal(contrast):
        ttl, mark = refusal
        where = f"refused at hop {ttl}" + (f" ({mark})" if mark else "")
        return f"{bad} is {where}, {good} passes", f"{bad} was {where}, {good} passed"
    if kind is FindingKind.BLACK_HOLE:
        after = f"after hop {place}" if place else "before hop 1"
        large, small = contrast.blocked.settings, contrast.passing.settings
        what, passes = f"{large.size} bytes", f"{small.size} pass"
        if large.size == small.size:
            what, passes = f"{what} with DF", "without DF they pass"
        return (
            f"{what} vanish {after}, {passes}: a black hole",
            f"{what} vanished {after}, {passes.replace('pass', 'passed')}: a black hole",
        )
    if place is None:
        return (
            f"{good} reaches the target, {bad} gets no answer at all",
            f"{good} reached the target, {bad} got no answer at all",
        )
    return (
        f"{good} reaches the target, {bad} stops after hop {place}",
        f"{good} reached the target, {bad} stopped after hop {place}",
    )


def _next(kind: FindingKind, contrast: Contrast, *, is_sure: bool) -> str:
    if kind is FindingKind.BLACK_HOLE:
        return "--mtu finds the size"
    if is_sure or contrast.is_alternating:
        return ""
    return "b alternates both and settles it"


def _last_hop(log: RunLog, stretch: int) -> int | None:
    """Return the farthest hop that answered in these slots; None: none did."""
    return max((ttl for ttl, hop in log.hops.items() if hop.answered & stretch), default=None)


def _address(hop: HopLog, stretch: int) -> str:
    who = next((who for who, bits in reversed(hop.by_address.items()) if bits & stretch), "")
    return sanitize(who)


def _refusal(contrast: Contrast) -> tuple[int, str] | None:
    """Return where probes are refused, and the mark of the error; None: most just vanish."""
    log = contrast.blocked.log
    for ttl in sorted(log.hops):
        refused = (log.hops[ttl].refused & contrast.stretch).bit_count()
        if 2 * refused > contrast.lost:
            reason = contrast.blocked.hop(ttl).snapshot().reason
            marks = reason.marks if reason is not None else ()
            return ttl, next((mark for mark in marks if mark.startswith("!")), "")
    return None
