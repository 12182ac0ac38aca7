"""Hops that lose answers of their own, while the traffic to the target is fine."""

import math
from collections.abc import Iterator

from msgspec.structs import replace

from tui_trace.core.sanitize import sanitize
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.burst_statistics import Bursts, bursts_in, has_stopped
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.round_log import HopLog, RunLog
from tui_trace.session.run_fold import RunFold

_SHARES = (0.65, 0.8, 0.9, 0.97)
"""Shares (of the rounds in which one of two hops answers and the other does not) that a loss of
answers may lead to; without one it is a half."""
_LOG_SHARES = [(math.log(2 * share), math.log(2 * (1 - share))) for share in _SHARES]
_LIKELY, _CERTAIN = math.log(300), math.log(3000)
_LEAST_ALONE = math.ceil(_LIKELY / math.log(2))
"""Bursts of lost answers below which the evidence cannot be enough."""
_LOOKED, _MOST_BETWEEN = 64, 16
"""Slots after which what is known is looked at anew, and the most between two looks."""
_STRETCHES = (64, 256, 1024)
"""Slots back from now."""
_LEAST_PERCENT = 1.0
_REGULAR = -2.0
"""Deviations below the mean of chance from which on gaps are regular: with n of them there are at
most √n/2, so that it takes 16."""
_LEAST_OF_A_WAY = 6
"""Probes of a way from which on it is said to be silent, or to answer always."""
_MOST_WAYS = 8


def find_lost_answers(session: Findable) -> Iterator[Finding]:
    """Find `answers-lost` or `rate-limited` at each hop before the target."""
    for run in session.active:
        log = run.log
        end = log.target_ttl
        answering = sorted(ttl for ttl, hop in log.hops.items() if hop.answered)
        for place, ttl in enumerate(answering):
            if end is not None and ttl >= end:
                break
            farther = [log.hops[other] for other in answering[place + 1 : place + 2]]
            if end is not None:
                farther.append(log.target)
            if log.hops[ttl].lost and farther:
                found = _find(session, run, ttl, farther)
                if found is not None:
                    yield found


def _find(session: Findable, run: RunFold, ttl: int, farther: list[HopLog]) -> Finding | None:
    log = run.log
    hop = log.hops[ttl]
    lost = hop.lost & ~hop.refused
    known = [
        episode
        for kind in (FindingKind.ANSWERS_LOST, FindingKind.RATE_LIMITED)
        if (episode := session.lasts(kind, run.number, ttl)) is not None
    ]
    if not known and _bursts(lost & log.latest(_STRETCHES[-1])) < _LEAST_ALONE:
        return None
    is_turn = (log.first_slot + log.slots) % _LOOKED < _MOST_BETWEEN
    if known and not is_turn:
        slots = log.latest(_STRETCHES[-1])
        if _has_stopped(hop, lost, slots):
            return None
        return _counted(known[0].finding, bursts_in(lost, hop.answered, slots))
    evidence, slots = max(
        (_evidence(hop, other, stretch), stretch)
        for stretch in (log.latest(count) for count in _STRETCHES)
        for other in farther
    )
    bursts = bursts_in(lost, hop.answered, slots)
    if bursts.percent < _LEAST_PERCENT or _has_stopped(hop, lost, slots):
        return None
    if not known and evidence < _LIKELY:
        return None
    since = log.times[_first(lost & slots)]
    if known:
        since = known[0].finding.since
    passed = 0
    for other in farther:
        passed |= other.answered
    return _describe(run, ttl, slots & passed, since, evidence)


def _evidence(hop: HopLog, farther: HopLog, slots: int) -> float:
    """Return the e-value (ln) of a hop losing answers that no loss of the path explains.

    What gets lost before a hop is lost as often for it as for one behind it, so of the rounds in
    which one of them answers and the other does not, at most half are losses of the nearer one
    (McNemar). What heals, moves or is not probed yet has no part in that. A burst counts once.
    """
    alone = _bursts(hop.lost & ~hop.refused & farther.answered & slots)
    reverse = _bursts(hop.answered & farther.lost & slots)
    logs = [alone * more + reverse * less for more, less in _LOG_SHARES]
    greatest = max(logs)
    return greatest + math.log(sum(math.exp(value - greatest) for value in logs) / len(logs))


def _bursts(bits: int) -> int:
    return (bits & ~(bits << 1)).bit_count()


def _has_stopped(hop: HopLog, lost: int, slots: int) -> bool:
    good = (hop.answered >> lost.bit_length()).bit_count()
    return has_stopped(bursts_in(lost, hop.answered, slots), good)


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _describe(run: RunFold, ttl: int, slots: int, since: int, evidence: float) -> Finding:
    log = run.log
    hop = log.hops[ttl]
    lost = hop.lost & ~hop.refused & slots
    ways = _silent_ways(log, ttl, slots)
    is_limited = not ways and _is_regular(lost, hop.answered & slots)
    finding = Finding(
        kind=FindingKind.RATE_LIMITED if is_limited else FindingKind.ANSWERS_LOST,
        harm=False,
        sure=Sure.CERTAIN if evidence >= _CERTAIN else Sure.LIKELY,
        since=since,
        text="",
        past="",
        short="rate-limited" if is_limited else "answers lost",
        hop=ttl,
        address=sanitize(next(reversed(hop.by_address), "")),
        run=run.number,
        evidence={"ways": ways} if ways else {},
        next="" if ways or is_limited else "- probes less often",
    )
    return _counted(finding, bursts_in(lost, hop.answered, slots))


def _counted(finding: Finding, bursts: Bursts) -> Finding:
    """Return a finding with these counts."""
    what = "are rate-limited" if finding.kind is FindingKind.RATE_LIMITED else "are lost"
    if ways := finding.evidence.get("ways"):
        what = f"are missing on {ways}"
    share = f"hop {finding.hop}: {bursts.percent:.0f} % of its answers {what}"
    counts = {
        "lost": bursts.lost,
        "probes": bursts.probes,
        "loss_percent": round(bursts.percent, 1),
    }
    return replace(
        finding,
        text=f"{share}; the traffic is fine",
        past=f"{share.replace(' are ', ' were ')}; the traffic was fine",
        details=f"({bursts.lost} of {bursts.probes})",
        evidence=finding.evidence | counts,
    )


def _silent_ways(log: RunLog, ttl: int, slots: int) -> str:
    """Return on how many ways the hop is silent, if it always answers on the others; or nothing.

    Ways are told apart by the flow, or by who answered at the hop before or behind.
    """
    hop = log.hops[ttl]
    for groups in _groupings(log, ttl, slots):
        silent = always = 0
        for group in groups:
            lost, answered = (hop.lost & group).bit_count(), (hop.answered & group).bit_count()
            if lost + answered < _LEAST_OF_A_WAY:
                break
            silent += not answered
            always += lost <= (lost + answered) // 20
        else:
            if silent and always and silent + always == len(groups):
                return f"{silent} of {len(groups)} ways"
    return ""


def _groupings(log: RunLog, ttl: int, slots: int) -> Iterator[list[int]]:
    """Return the slots by flow, by who answered at the hop before, and at the hop behind."""
    flows: dict[int, int] = {}
    if log.settings.flows > 1:
        for slot, flow in enumerate(log.flows):
            flows[flow] = flows.get(flow, 0) | 1 << slot
    neighbours = (log.hops.get(ttl - 1), log.hops.get(ttl + 1))
    groupings = [list(flows.values())]
    groupings += [list(hop.by_address.values()) for hop in neighbours if hop is not None]
    for groups in groupings:
        if 1 < len(groups) <= _MOST_WAYS:
            yield [group & slots for group in groups]


def _is_regular(lost: int, answered: int) -> bool:
    """Return whether the gaps between losses (or answers, if these are fewer) are too regular.

    A router that allows so many answers a second loses them at regular intervals, chance does not.
    The statistic is the sum of squared gaps (Greenwood 1946), with the mean and the variance that
    it has if all orders of losses and answers are equally likely.
    """
    rare, other = (lost, answered) if lost.bit_count() <= answered.bit_count() else (answered, lost)
    marks, rest = rare.bit_count(), other.bit_count()
    if marks < _LEAST_OF_A_WAY:
        return False
    squares = 0
    while True:
        mark = _first(rare) if rare else other.bit_length()
        gap = (other & ((1 << mark) - 1)).bit_count()
        squares += gap * gap
        if not rare:
            break
        other = other >> (mark + 1)
        rare >>= mark + 1
    mean, variance = _gap_squares(marks + 1, rest)
    return variance > 0 and (squares - mean) / math.sqrt(variance) < _REGULAR


def _gap_squares(gaps: int, rest: int) -> tuple[float, float]:
    """Return mean and variance of the sum of squares of `gaps` gaps that add up to `rest`.

    From the factorial moments of a random composition: of order a at one gap and b at another,
    a! b! · rest⁽ᵃ⁺ᵇ⁾ falling over gaps⁽ᵃ⁺ᵇ⁾ rising.
    """

    def moment(one: int, other: int = 0) -> float:
        product = float(math.factorial(one) * math.factorial(other))
        for step in range(one + other):
            product *= (rest - step) / (gaps + step)
        return product

    pairs = gaps * moment(2)
    variance = (
        gaps * (moment(4) + 4 * moment(3) + 2 * moment(2))
        + gaps * (gaps - 1) * moment(2, 2)
        - pairs**2
    )
    return pairs + rest, variance
