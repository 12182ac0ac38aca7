"""Probes to the target are lost: how many, since when, and from which hop on."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.burst_statistics import (
    SILENT,
    Bursts,
    bursts_in,
    evidence_of_more,
    has_stopped,
    outages_among,
)
from tui_trace.session.finders.loss_location import LossLocation, locate
from tui_trace.session.finders.silence import trailing_losses
from tui_trace.session.finding import BAD_HOP, CLEAN_HOP, Finding, FindingKind, Sure
from tui_trace.session.round_log import RunLog
from tui_trace.session.run_fold import RunFold

USUAL = 0.002
"""Share of probes whose loss is not worth a word."""
_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
_LEAST_PERCENT = 1.0
"""Loss below which nothing is said."""
_LEAST_BURSTS = 3
_LIKELY, _CERTAIN = math.log(1000), math.log(10_000)
"""Evidence (`evidence_of_more`) of a stretch; several stretches are looked at, again and again."""
_STRETCHES = (32, 64, 128, 256, 512, 1024)
"""Slots back from now. A loss may have begun at any time."""
_APART = 150
"""Slots between outages, on average, from which on they are no loss: each is told as an outage."""
_LOCATED = 64
"""Slots after which a hop that is known is looked for anew."""
_SHOWN = 256
"""Slots whose loss is given: it is that of now."""


class _Stretch(NamedTuple):
    evidence: float
    first: int
    """Slot of its first loss."""
    bursts: Bursts


def find_target_loss(session: Findable) -> Iterator[Finding]:
    """Find `loss` in each run that is being probed."""
    for run in session.active:
        found = _find_loss(session, run)
        if found is not None:
            yield found


def _find_loss(session: Findable, run: RunFold) -> Finding | None:
    log = run.log
    lasting = session.lasts(FindingKind.LOSS, run.number)
    if not log.target.answered:
        return None
    if lasting is not None:
        first = _slot_at(log, lasting.finding.since)
        stretch = _stretch_from(log, first)
        if stretch is None:
            # all of its losses were late answers
            return _ended(lasting.finding, lasting.finding.since - 1)
        if _is_over(log, stretch.bursts):
            last = log.target.lost.bit_length() - 1
            return _ended(lasting.finding, log.ends[min(last, log.slots - 1)])
        return _describe(session, run, stretch, lasting.finding)
    since = session.free_since(FindingKind.LOSS, run.number)
    free = _slot_at(log, since + 1) if since else 0
    stretch = _strongest(log, free)
    if stretch is None or stretch.evidence < _LIKELY or _is_over(log, stretch.bursts):
        return None
    return _describe(session, run, stretch, None)


def _ended(finding: Finding, until: int) -> Finding:
    return replace(finding, until=until)


def _slot_at(log: RunLog, at: int) -> int:
    """Return the first slot whose last probe left at `at` (ns) or later."""
    return bisect_left(log.ends, at)


def _stretch_from(log: RunLog, first: int, lost: int | None = None) -> _Stretch | None:
    """Return the stretch from the first loss at or after a slot to now.

    `lost` are the losses (bits) that count; None: all of the target's.
    """
    target = log.target
    all_lost = target.lost if lost is None else lost
    since = all_lost >> first << first
    if not since:
        return None
    begin = (since & -since).bit_length() - 1
    slots = (1 << log.slots) - (1 << begin)
    bursts = bursts_in(all_lost, target.answered, slots)
    trials = bursts.answered + bursts.bursts
    return _Stretch(evidence_of_more(bursts.bursts, trials, USUAL, _RATES), begin, bursts)


def _strongest(log: RunLog, free: int) -> _Stretch | None:
    """Return the stretch back from now with the most evidence of a loss that is worth a word.

    A silence that lasts is left out, and so are outages that have ended: they are told as such.
    """
    best: _Stretch | None = None
    if trailing_losses(log.target)[0] >= SILENT:
        return None
    lost = log.target.lost & ~outages_among(log.target.lost, log.slots, _APART)
    for slots in _STRETCHES:
        first = max(log.slots - slots, free)
        stretch = _stretch_from(log, first, lost)
        if stretch is None:
            continue
        bursts = stretch.bursts
        # the slots before the first loss of the stretch were trials, too
        whole = bursts_in(lost, log.target.answered, (1 << log.slots) - (1 << first))
        trials = whole.answered + whole.bursts
        evidence = evidence_of_more(whole.bursts, trials, USUAL, _RATES)
        is_worth_it = bursts.bursts >= _LEAST_BURSTS and bursts.percent >= _LEAST_PERCENT
        if is_worth_it and (best is None or evidence > best.evidence):
            best = _Stretch(evidence, stretch.first, bursts)
        if first == free:
            break
    return best


def _is_over(log: RunLog, bursts: Bursts) -> bool:
    target = log.target
    return has_stopped(bursts, (target.answered >> target.lost.bit_length()).bit_count())


def _describe(session: Findable, run: RunFold, stretch: _Stretch, known: Finding | None) -> Finding:
    log = run.log
    is_certain = stretch.evidence >= _CERTAIN
    sure = Sure.CERTAIN if is_certain or known is None else known.sure
    if known is None and not is_certain:
        sure = Sure.LIKELY
    shown = stretch
    if log.slots - stretch.first > _SHOWN:
        shown = _stretch_from(log, log.slots - _SHOWN) or stretch
    bursts = shown.bursts
    interval = bursts.interval()
    place = LossLocation(None, "")
    if known is not None and known.hop is not None and (log.first_slot + log.slots) % _LOCATED:
        place = _place(known)
    else:
        place = locate(log, (1 << log.slots) - (1 << shown.first))
    span = (log.ends[-1] - log.ends[shown.first]) // NS_PER_S
    in_bursts = f", in bursts of about {bursts.length:.0f}" if bursts.length >= 2 else ""
    text = f"{bursts.percent:.0f} % loss at the target"
    past = f"there was {bursts.percent:.0f} % loss at the target"
    where = f", {place.words}" if place.words else ""
    return Finding(
        kind=FindingKind.LOSS,
        harm=True,
        sure=sure,
        since=log.ends[stretch.first],
        text=text + where,
        past=past + where,
        details=f"({bursts.lost} of {bursts.probes} probes{in_bursts})",
        short=f"{bursts.percent:.0f} % lost",
        hop=place.hop,
        address=_address(log, place.hop),
        run=run.number,
        severity=min(bursts.percent / 100, 0.98),
        evidence={
            "lost": bursts.lost,
            "probes": bursts.probes,
            "loss_percent": round(bursts.percent, 1),
            "low_percent": round(interval.low, 1),
            "high_percent": round(interval.high, 1),
            "bursts": bursts.bursts,
            "burst_length": round(bursts.length, 1),
            "over_s": span,
            "where": place.words,
            CLEAN_HOP: place.clean,
            **({} if place.bad is None else {BAD_HOP: place.bad}),
        },
        next="b alternates with another protocol" if not session.run.turns_with else "",
    )


def _place(known: Finding) -> LossLocation:
    evidence = known.evidence
    bad = evidence.get(BAD_HOP)
    return LossLocation(
        known.hop,
        str(evidence["where"]),
        int(evidence[CLEAN_HOP]),
        None if bad is None else int(bad),
    )


def _address(log: RunLog, ttl: int | None) -> str:
    hop = log.hops.get(ttl) if ttl is not None else None
    return sanitize(next(reversed(hop.by_address), "")) if hop is not None else ""
