"""What the TTL of answers says: they come back over another number of hops than probes went."""

from collections.abc import Iterator

from tui_trace.core.sanitize import sanitize
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.hops_back import hops_back
from tui_trace.session.round_log import HopLog
from tui_trace.session.run_fold import RunFold

_WINDOW = 64
"""Slots back from now."""
_LEAST = 2
"""Answers of a hop from which on it tells anything."""


def find_way_back(session: Findable) -> Iterator[Finding]:
    """Find `asymmetric` in each run that is being probed."""
    for run in session.active:
        found = _find(session, run)
        if found is not None:
            yield found


def _find(session: Findable, run: RunFold) -> Finding | None:
    log = run.log
    end = log.target_ttl
    if end is None:
        return None
    slots = log.latest(_WINDOW)
    further: dict[int, int] = {}
    for ttl in sorted(ttl for ttl in log.hops if 0 < ttl <= end):
        hop = log.target if ttl == end else log.hops[ttl]
        back = _hops_back(hop, slots, ttl)
        if back is not None:
            further[ttl] = back - ttl
    if not further.get(end):
        return None
    first = end
    for ttl in sorted(further, reverse=True):
        if not further[ttl]:
            break
        first = ttl
    if first == end:
        # what one host alone does with the TTL of its answers says nothing of the way
        return None
    number = further[end]
    over = f"{abs(number)} {'more' if number > 0 else 'fewer'} hop{'s' if abs(number) > 1 else ''}"
    known = session.lasts(FindingKind.ASYMMETRIC, run.number, first)
    return Finding(
        kind=FindingKind.ASYMMETRIC,
        harm=False,
        sure=Sure.LIKELY,
        since=known.finding.since if known is not None else session.at,
        text=f"answers from hop {first} on come back over {over} than probes go",
        past=f"answers from hop {first} on came back over {over} than probes went",
        short=f"back {number:+d}",
        hop=first,
        address=sanitize(next(reversed(log.hops[first].by_address), "")),
        run=run.number,
        evidence={"further_hops": number},
    )


def _hops_back(hop: HopLog, slots: int, ttl: int) -> int | None:
    """Return over how many hops all answers in these slots came back; None if they differ."""
    answered = hop.answered & slots
    if answered.bit_count() < _LEAST:
        return None
    first = (answered & -answered).bit_length() - 1
    ttls = {each for each in hop.reply_ttls[first:] if each}
    return hops_back(ttls.pop(), ttl) if len(ttls) == 1 else None
