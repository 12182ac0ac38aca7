"""The target's RTT stepped up, and from which hop on."""

from collections.abc import Iterator

from msgspec.structs import replace

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import BAD_HOP, CLEAN_HOP, Finding, FindingKind, Sure
from tui_trace.session.round_log import HopLog, RunLog
from tui_trace.session.rtt_level import Step, least_step
from tui_trace.session.run_fold import RunFold

_AROUND = 48
"""Slots before and after a step whose RTTs are compared at each hop."""
_LEAST = 5
"""Answers of a hop before and after from which on it is compared."""
_CERTAIN = 0.99
_FLOOR_NS = 500_000
_PART = 0.1
"""Share of the target's step from which on a hop has a part of it."""


def find_slowdown(session: Findable) -> Iterator[Finding]:
    """Find `slower` in each run that is being probed."""
    for run in session.active:
        found = _find(session, run) if run.level.steps else None
        if found is not None:
            yield found


def _find(session: Findable, run: RunFold) -> Finding | None:
    log, step = run.log, run.level.steps[-1]
    since = _time_of(log, step)
    lasting = session.lasts(FindingKind.SLOWER, run.number)
    if lasting is None:
        is_new = since is not None and since > session.free_since(FindingKind.SLOWER, run.number)
        if not is_new or step.after < step.before or _is_of_queue(session, run, step):
            return None
        return _describe(run, step)
    finding = lasting.finding
    if finding.since < log.ends[0]:
        # it began before all that is remembered: that is how things are now
        return None
    before = round(float(finding.evidence["before_ms"]) * NS_PER_MS)
    if step.after - before < least_step(before):
        return replace(finding, until=since if since is not None else session.at)
    added = step.after - before
    text, past, details, short = _words(before, added, str(finding.evidence["where"]))
    evidence = finding.evidence | {"added_ms": _ms(added), "after_ms": _ms(step.after)}
    return replace(finding, text=text, past=past, details=details, short=short, evidence=evidence)


def _is_of_queue(session: Findable, run: RunFold, step: Step) -> bool:
    """Return whether a queue that is known explains the step."""
    queue = session.lasts(FindingKind.QUEUE, run.number)
    if queue is None:
        return False
    evidence = queue.finding.evidence
    most = float(evidence["base_ms"]) + float(evidence["added_ms"])
    return step.after <= most * NS_PER_MS


def _time_of(log: RunLog, step: Step) -> int | None:
    """Return when the first probe at the new level left; None if it is forgotten."""
    place = step.slot - log.first_slot
    return log.ends[place] if 0 <= place < log.slots else None


def _ms(nanoseconds: float) -> float:
    return round(nanoseconds / NS_PER_MS, 2)


def _words(before: int, added: int, where: str) -> tuple[str, str, str, str]:
    """Return text, past, details and the short form."""
    by = f"{_ms(added):.1f} ms slower{where}"
    details = f"({_ms(before):.1f} → {_ms(before + added):.1f} ms)"
    return f"the target is {by}", f"the target was {by}", details, f"{_ms(added):.0f} ms slower"


def _describe(run: RunFold, step: Step) -> Finding:
    log = run.log
    place = step.slot - log.first_slot
    added = step.after - step.before
    hop, clean, where = locate_step(log, place, added)
    known = log.hops.get(hop) if hop is not None else None
    where += _way_back(log, place)
    text, past, details, short = _words(step.before, added, where)
    return Finding(
        kind=FindingKind.SLOWER,
        harm=True,
        sure=Sure.CERTAIN if step.beyond >= _CERTAIN else Sure.LIKELY,
        since=log.ends[place],
        text=text,
        past=past,
        details=details,
        short=short,
        hop=hop,
        address=sanitize(next(reversed(known.by_address), "")) if known is not None else "",
        run=run.number,
        severity=min(added / NS_PER_MS / 1000, 0.3),
        evidence={
            "before_ms": _ms(step.before),
            "after_ms": _ms(step.after),
            "added_ms": _ms(added),
            "where": where,
            CLEAN_HOP: clean,
            **({} if hop is None else {BAD_HOP: hop}),
        },
        next="H shows whether the path moved",
    )


def locate_step(log: RunLog, place: int, added: int) -> tuple[int | None, int, str]:
    """Return the hop from which on RTTs stepped up at a slot, and that in words.

    In between stands the last hop whose RTTs did not; 0 if there is none.

    `place` is the first slot (bit) after the step, `added` that of the target, in ns. The lower
    quartiles are compared: routers answer late now and then. A hop that has the step is no
    evidence if one behind it has not: it answers later for reasons of its own.
    """
    before = ((1 << place) - 1) & ~((1 << max(place - _AROUND, 0)) - 1)
    after = ((1 << min(place + _AROUND, log.slots)) - 1) & ~((1 << place) - 1)
    end = log.target_ttl
    last_without = 0
    first_with: int | None = end
    for ttl in sorted(log.hops, reverse=True):
        if end is None or ttl >= end:
            continue
        rise = _rise(log.hops[ttl], before, after)
        if rise is None:
            continue
        if rise < max(_PART * added, _FLOOR_NS):
            last_without = ttl
            break
        first_with = ttl
    if first_with is None:
        return None, last_without, ""
    if first_with - last_without > 1:
        words = f" from between hop {last_without} and {first_with} on"
        return first_with, last_without, words
    return first_with, last_without, f" from hop {first_with} on"


def _rise(hop: HopLog, before: int, after: int) -> int | None:
    """Return by how much (ns) the lower quartile of a hop rose; None: too few answers."""
    old, new = sorted(hop.rtts_of(before)), sorted(hop.rtts_of(after))
    if min(len(old), len(new)) < _LEAST:
        return None
    return new[len(new) // 4] - old[len(old) // 4]


def _way_back(log: RunLog, place: int) -> str:
    """Return that the target's answers come back over another number of hops; nothing if not."""
    ttls = log.target.reply_ttls
    old = [ttl for ttl in ttls[max(place - _AROUND, 0) : place] if ttl]
    new = [ttl for ttl in ttls[place : place + _AROUND] if ttl]
    if not old or not new or set(old) & set(new):
        return ""
    further = round(sum(old) / len(old) - sum(new) / len(new))
    if not further:
        return ""
    return f", back over {abs(further)} {'more' if further > 0 else 'fewer'} hops"
