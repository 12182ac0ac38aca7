"""Delay that grows and drains, and hops that answer slowly while nothing behind them is slow."""

import math
from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_MS
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import BAD_HOP, CLEAN_HOP, Finding, FindingKind, Sure
from tui_trace.session.round_log import HopLog, RunLog, bits_of
from tui_trace.session.rtt_level import least_step
from tui_trace.session.run_fold import RunFold

_WINDOW = 192
"""Slots back from now."""
_LEAST = 60
"""Answers of the target from which on a queue is looked for."""
_FLOOR_NS = 2_000_000
"""Delay added that is worth a word, besides what matters as a step."""
_TOGETHER = -4.0
"""Deviations below chance of the number of runs (Wald and Wolfowitz): they come together."""
_LEAST_SHARE, _MOST_SHARE = 0.04, 0.75
"""Share of slow answers: fewer are spikes, more are another level."""
_GAP = 1
"""Slots between slow answers of one busy stretch."""
_LEAST_BUSY = 5
"""Slow answers of a busy stretch."""
_DRAINED = 10
"""Answers behind a busy stretch that are, all but one, as quick as before: it is over."""
_ABOVE_NOISE = 2.5
"""The delay of a busy stretch in relation to the spread (middle half) of the quick answers."""
_VARIETY = 0.15
"""Least spread (middle half) of the RTTs of a busy stretch, in relation to what is added."""
_OVER = 48
"""Slots without a slow answer after which the queue is over."""
_SLOW_WINDOW = 64
"""Slots back from now in which the fastest answers of hops are compared."""
_LEAST_SLOW = 10
"""Answers of a hop and of one behind it, from which on slow answers are looked for."""


def find_queue(session: Findable) -> Iterator[Finding]:
    """Find `queue` in each run that is being probed."""
    for run in session.active:
        found = _find_queue(session, run)
        if found is not None:
            yield found


def _find_queue(session: Findable, run: RunFold) -> Finding | None:
    log = run.log
    lasting = session.lasts(FindingKind.QUEUE, run.number)
    since = session.free_since(FindingKind.QUEUE, run.number)
    slots = log.latest(_WINDOW) & log.since(since)
    rtts = sorted(log.target.rtts_of(slots))
    if len(rtts) < _LEAST:
        return None
    base, high = rtts[len(rtts) // 10], rtts[19 * len(rtts) // 20]
    added = high - base
    if added < max(_FLOOR_NS, least_step(base)):
        return _over(lasting.finding, log) if lasting is not None else None
    slow, quick = _slow_slots(log.target, slots, base + added // 3)
    busy = _busy_stretches(slow)
    if lasting is not None:
        if not busy or log.slots - busy[-1].bit_length() > _OVER:
            return _over(lasting.finding, log, busy[-1] if busy else 0)
    elif not (_come_together(slow, quick) and _has_drained(log.target, busy, quick, added)):
        return None
    began = lasting.finding.since if lasting is not None else log.ends[_first(busy[0])]
    return _describe(run, (slow, quick), (base, added), began)


def _busy_stretches(slow: int) -> list[int]:
    """Return the stretches (bits) in which slow answers follow each other closely."""
    near = slow
    for _ in range(_GAP):
        near |= near << 1
    stretches: list[int] = []
    while near:
        first = _first(near)
        length = _first(~(near >> first))
        stretch = slow & ((1 << (first + length)) - 1)
        if stretch.bit_count() >= _LEAST_BUSY:
            stretches.append(stretch)
        rest = ~((1 << (first + length)) - 1)
        near &= rest
        slow &= rest
    return stretches


def _has_drained(target: HopLog, busy: list[int], quick: int, added: int) -> bool:
    """Return whether delay grew and drained: not a step up, and not a step up and down.

    A busy stretch is far above the noise of the others, its RTTs differ much, and it has an end,
    behind which all is as before.
    """
    calm = sorted(target.rtts_of(quick))
    usual, noise = calm[len(calm) // 2], calm[3 * len(calm) // 4] - calm[len(calm) // 4]
    for stretch in busy:
        rtts = sorted(target.rtts_of(stretch))
        is_far = rtts[len(rtts) // 2] - usual >= max(added / 2, _ABOVE_NOISE * noise)
        differs = rtts[3 * len(rtts) // 4] - rtts[len(rtts) // 4] >= _VARIETY * added
        if is_far and differs and _is_calm_behind(target, stretch, quick):
            return True
    return False


def _is_calm_behind(target: HopLog, stretch: int, quick: int) -> bool:
    """Return whether the answers right behind a busy stretch are as quick as the others."""
    behind = bits_of(target.answered >> stretch.bit_length())[:_DRAINED]
    calm = sum(quick >> (stretch.bit_length() + place) & 1 for place in behind)
    return len(behind) == _DRAINED and calm >= _DRAINED - 1


def _over(finding: Finding, log: RunLog, slow: int = 0) -> Finding:
    until = log.ends[slow.bit_length() - 1] if slow else log.ends[max(log.slots - _OVER, 0)]
    return replace(finding, until=max(until, finding.since))


def _slow_slots(hop: HopLog, slots: int, limit: int) -> tuple[int, int]:
    """Return the answered slots with a greater RTT than `limit` (ns), and the others."""
    slow = 0
    answered = hop.answered & slots
    first = (answered & -answered).bit_length() - 1
    for place in range(max(first, 0), len(hop.rtts)):
        if hop.rtts[place] > limit and answered >> place & 1:
            slow |= 1 << place
    return slow, answered & ~slow


def _come_together(slow: int, quick: int) -> bool:
    """Return whether slow answers stand together in time, and are neither few nor most."""
    many, few = quick.bit_count(), slow.bit_count()
    count = many + few
    if not _LEAST_SHARE <= few / count <= _MOST_SHARE:
        return False
    states = [slow >> place & 1 for place in bits_of(slow | quick)]
    runs = 1 + sum(one != other for one, other in pairwise(states))
    mean = 1 + 2 * many * few / count
    variance = (mean - 1) * (mean - 2) / (count - 1)
    return variance > 0 and (runs - mean) / math.sqrt(variance) < _TOGETHER


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _describe(run: RunFold, slots: tuple[int, int], delay: tuple[int, int], began: int) -> Finding:
    """Tell of a queue: its slow and its other slots, the RTT without it and what it adds (ns)."""
    log = run.log
    (slow, quick), (base, added) = slots, delay
    hop, clean, where = _locate(log, slow, quick)
    known = log.hops.get(hop) if hop is not None else None
    share = 100 * slow.bit_count() / (slow | quick).bit_count()
    text = f"a queue adds up to {added / NS_PER_MS:.0f} ms{where}"
    return Finding(
        kind=FindingKind.QUEUE,
        harm=True,
        sure=Sure.LIKELY,
        since=began,
        text=text,
        past=text.replace("adds", "added"),
        details=f"({share:.0f} % of the time, {base / NS_PER_MS:.1f} ms without it)",
        short=f"queue of {added / NS_PER_MS:.0f} ms",
        hop=hop,
        address=sanitize(next(reversed(known.by_address), "")) if known is not None else "",
        run=run.number,
        severity=min(added / NS_PER_MS / 1000 * share / 100, 0.3),
        evidence={
            "added_ms": round(added / NS_PER_MS, 1),
            "base_ms": round(base / NS_PER_MS, 2),
            "share_percent": round(share, 1),
            CLEAN_HOP: clean,
            **({} if hop is None else {BAD_HOP: hop}),
        },
        next="g shows the RTT over time",
    )


def _locate(log: RunLog, slow: int, quick: int) -> tuple[int | None, int, str]:
    """Return the hop from which on answers are slow when the target's are, and that in words.

    In between stands the last hop whose answers are not; 0 if there is none.
    """
    end = log.target_ttl
    wanted = _difference(log.target, slow, quick)
    first_with, last_without = end, 0
    if end is None or wanted is None:
        return None, 0, ""
    for ttl in sorted((ttl for ttl in log.hops if ttl < end), reverse=True):
        rise = _difference(log.hops[ttl], slow, quick)
        if rise is None:
            continue
        if rise < wanted / 2:
            last_without = ttl
            break
        first_with = ttl
    if first_with is not None and first_with - last_without > 1:
        words = f" from between hop {last_without} and {first_with} on"
        return first_with, last_without, words
    return first_with, last_without, f" from hop {first_with} on"


def _difference(hop: HopLog, slow: int, quick: int) -> int | None:
    """Return by how much (ns) a hop is slower in some slots than in others, by the medians."""
    one, other = sorted(hop.rtts_of(slow)), sorted(hop.rtts_of(quick))
    if min(len(one), len(other)) < 5:
        return None
    return one[len(one) // 2] - other[len(other) // 2]


# --- slow answers of a hop alone


def find_slow_answers(session: Findable) -> Iterator[Finding]:
    """Find `slow-answers` at each hop: its fastest answers are slower than those of one behind."""
    for run in session.active:
        log = run.log
        slots = log.latest(_SLOW_WINDOW)
        if not _is_level(log, slots):
            continue
        fastest_behind: int | None = None
        for ttl in sorted(log.hops, reverse=True):
            if log.target_ttl is not None and ttl > log.target_ttl:
                continue
            hop = log.target if ttl == log.target_ttl else log.hops[ttl]
            rtts = sorted(hop.rtts_of(slots))
            if len(rtts) < _LEAST_SLOW:
                continue
            low = rtts[len(rtts) // 10]
            if fastest_behind is not None and low - fastest_behind > least_step(fastest_behind):
                yield _slow(session, run, ttl, low - fastest_behind)
            else:
                fastest_behind = low if fastest_behind is None else min(low, fastest_behind)


def _is_level(log: RunLog, slots: int) -> bool:
    """Return whether the target's RTT was the same in both halves of some slots.

    Hops are probed one after another: while delay falls, the nearer one looks slower.
    """
    rtts = log.target.rtts_of(slots)
    half = len(rtts) // 2
    if not log.target.answered:
        return True
    if half < 4:
        return False
    one, other = sorted(rtts[:half]), sorted(rtts[half:])
    return abs(one[half // 4] - other[half // 4]) < least_step(one[half // 4])


def _slow(session: Findable, run: RunFold, ttl: int, added: int) -> Finding:
    known = session.lasts(FindingKind.SLOW_ANSWERS, run.number, ttl)
    by = f"{added / NS_PER_MS:.1f} ms"
    return Finding(
        kind=FindingKind.SLOW_ANSWERS,
        harm=False,
        sure=Sure.CERTAIN,
        since=known.finding.since if known is not None else session.at,
        text=f"hop {ttl} answers {by} slower than hops behind it; the traffic is fine",
        past=f"hop {ttl} answered {by} slower than hops behind it; the traffic was fine",
        short="slow answers",
        hop=ttl,
        address=sanitize(next(reversed(run.log.hops[ttl].by_address), "")),
        run=run.number,
        evidence={"slower_ms": round(added / NS_PER_MS, 2)},
    )
