"""The target does not answer: it is silent, somebody refuses the probes, or they do not leave."""

from collections.abc import Iterator

from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.annotations import TOO_BIG, is_refusal
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.burst_statistics import (
    CHANCE_OF_BURST,
    SILENT,
    burst_lengths,
    chance_of_burst,
    outages_among,
)
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.round_log import HopLog, RunLog
from tui_trace.session.run_fold import RunFold
from tui_trace.session.snapshot import LossReason

_ANSWERING = 8
"""Answers for each loss of its own before, from which on the silence of a hop says something."""
_APART = 15
"""Slots between outages, on average, from which on each is told."""
_REFUSALS = 2
"""Refused probes in a row from which on a target that has answered counts as out of reach."""
RECENTLY = 60 * NS_PER_S
"""How long ago another run may have reached the target for a silence to be the settings' matter."""


def find_silence(session: Findable) -> Iterator[Finding]:
    """Find `refused`, `mtu`, `local`, `max-ttl` or `down` in each run that is being probed."""
    if session.trouble:
        text = sanitize(session.trouble)
        yield Finding(
            kind=FindingKind.LOCAL,
            harm=True,
            sure=Sure.CERTAIN,
            since=session.trouble_since,
            text=text,
            past=text,
            severity=1.0,
        )
    for run in session.active:
        explained = _find_reason(run)
        if explained is not None:
            yield explained
        elif (silent := _find_silent(session, run)) is not None:
            yield silent


def _find_reason(run: RunFold) -> Finding | None:
    """Find why the last probes did not reach the target, if somebody says so."""
    last = _last_hop(run)
    if last is None or (reason := run.hops[last].reason) is None:
        return None
    ttl = next(ttl for ttl, hop in run.hops.items() if hop.reason == reason)
    log = run.log
    # a round in which it began has passed the nearer of the hops that it touches
    streaks = [trailing_losses(log.hops.get(hop, HopLog())) for hop in (ttl, last)]
    unanswered = max(count for count, _ in streaks)
    first = min((slot for count, slot in streaks if count), default=0)
    is_known = bool(reason.text) or not log.target.answered
    if unanswered < (1 if is_known else _REFUSALS):
        return None
    refuser = next((at for at, hop in log.hops.items() if reason.address in hop.by_address), None)
    kind, text, past = _explain(reason, ttl, refuser)
    return Finding(
        kind=kind,
        harm=True,
        sure=Sure.CERTAIN,
        since=log.times[first],
        text=text,
        past=past,
        details=f"({_probes(unanswered)})",
        hop=refuser if kind is FindingKind.REFUSED and refuser is not None else ttl,
        address=sanitize(reason.address),
        run=run.number,
        severity=1.0,
        evidence={"lost": unanswered},
    )


def _last_hop(run: RunFold) -> int | None:
    """The target's TTL, or else the farthest one that was heard or is known to get nothing."""
    if run.reached and run.end in run.hops:
        return run.end
    known = (ttl for ttl, hop in run.hops.items() if hop.heard or hop.reason)
    return max(known, default=None)


def _explain(reason: LossReason, ttl: int, refuser: int | None) -> tuple[FindingKind, str, str]:
    """Return the kind of a reason, and what it means now and when it is over.

    Probes are lost for it from `ttl` on; `refuser` is the hop that says so, if it is one.
    """
    if reason.text:
        text = sanitize(reason.text)
        return FindingKind.LOCAL, text, text
    by = f" by {sanitize(reason.address)}" if reason.address else ""
    if TOO_BIG in reason.marks:
        marks = (sanitize(mark) for mark in reason.marks if mark.startswith("MTU "))
        mtu = next(marks, "a smaller MTU")
        text = f"{mtu} at hop {ttl}: larger packets"
        return FindingKind.MTU, f"{text} are refused{by}", f"{text} were refused{by}"
    refusal = sanitize(next(filter(is_refusal, reason.marks), next(iter(reason.marks), "")))
    what = f"refused at hop {ttl}{by}"
    if refuser is not None:
        what = f"refused by hop {refuser} {sanitize(reason.address)}"
    mark = f": {refusal}" if refusal else ""
    return FindingKind.REFUSED, f"{what}{mark}", f"was {what}{mark}"


def trailing_losses(hop: HopLog) -> tuple[int, int]:
    """Return how many probes a hop lost since its last answer, and the slot of the first one."""
    answered = hop.answered.bit_length()
    lost = hop.lost >> answered
    if not lost:
        return 0, 0
    return lost.bit_count(), answered + (lost & -lost).bit_length() - 1


def _probes(count: int) -> str:
    return f"{count} probe{'s' if count > 1 else ''}"


def _find_silent(session: Findable, run: RunFold) -> Finding | None:
    """Find `down`, or `max-ttl` where the target is not asked at all."""
    log = run.log
    if not log.target.answered and (end := _end_of_ttls(run, session.pace.max_ttl)) is not None:
        return end
    streak, first = trailing_losses(log.target)
    if streak < SILENT - 1 or streak < _slots_of_last_round(log):
        return None
    hop, address = _last_answer(log, first + 1)
    with_it = _silent_with_it(log, streak, hop)
    if streak + with_it < SILENT:
        return None
    is_told = session.lasts(FindingKind.DOWN, run.number) is not None
    if not is_told and _is_usual(log, streak + with_it, first):
        return None
    if not log.target.answered and was_reached_otherwise(session, run):
        return None
    where = f"last answer hop {hop} {address}" if hop is not None else "nobody answers"
    never = not log.target.answered and log.first_slot == 0
    return Finding(
        kind=FindingKind.DOWN,
        harm=True,
        sure=Sure.CERTAIN if streak > SILENT else Sure.LIKELY,
        since=log.ends[first],
        text="no answer from the target" if never else "target silent",
        past="there was no answer from the target" if never else "target was silent",
        details=f"({_probes(streak)}), {where}",
        short="target silent" if hop is None else f"silent after hop {hop}",
        hop=hop,
        address=address,
        run=run.number,
        severity=0.99,
        evidence={"lost": streak},
        next="D tries other protocols, ports and sizes",
    )


def _silent_with_it(log: RunLog, streak: int, last_hop: int | None) -> int:
    """Return how many hops behind the last one that answers fell silent with the target.

    They answered nearly all probes while the target did, and have lost as many in a row as it; of
    the round in which the link broke, some may have answered.
    """
    silent = log.target.lost
    # an outage begins and ends within a round
    apart = log.target.answered & ~(silent << 1 | silent >> 1)

    def lost_alone(hop: HopLog) -> int:
        return (hop.lost & apart).bit_count()

    end = log.target_ttl
    if end is None or streak >= SILENT:
        return 0
    return sum(
        1
        for ttl, hop in log.hops.items()
        if (last_hop or 0) < ttl < end
        and trailing_losses(hop)[0] >= streak - 1
        and hop.answered.bit_count() > _ANSWERING * max(lost_alone(hop), 1)
    )


def _slots_of_last_round(log: RunLog) -> int:
    """Several queries or flows of one round are no silence yet."""
    last = log.rounds[-1]
    return sum(number == last for number in log.rounds[-64:])


def _is_usual(log: RunLog, streak: int, first: int) -> bool:
    """Return whether a burst of such a length is to be expected among those of this run.

    Outages that came before say nothing of a new one, unless they come all the time.
    """
    before = log.target.lost & (1 << first) - 1
    usual = burst_lengths(before & ~outages_among(before, first, _APART))
    return chance_of_burst(streak, usual) > CHANCE_OF_BURST


def _last_answer(log: RunLog, first: int) -> tuple[int | None, str]:
    """Return the farthest hop that answers during a silence, and its address.

    `first` is its first whole slot; the last one may have passed, in part, after its end.
    """
    slots = (1 << log.target.lost.bit_length()) - (1 << first)
    answering = [ttl for ttl, hop in log.hops.items() if hop.answered & slots]
    if not answering:
        return None, ""
    ttl = max(answering)
    return ttl, sanitize(next(reversed(log.hops[ttl].by_address), ""))


def _end_of_ttls(run: RunFold, last: int) -> Finding | None:
    """Find `max-ttl`: a router answers the largest TTL."""
    hop = run.log.hops.get(last)
    if run.rounds < SILENT or hop is None or not hop.answered:
        return None
    text = f"the largest TTL {last} ends before the target"
    return Finding(
        kind=FindingKind.MAX_TTL,
        harm=False,
        sure=Sure.CERTAIN,
        since=run.opened,
        text=text,
        past=text,
        short=f"largest TTL {last}",
        hop=last,
        run=run.number,
        next="m sets a larger one",
    )


def was_reached_otherwise(session: Findable, run: RunFold) -> bool:
    """Return whether another run reached the target shortly before this one began, or since."""
    for other in session.runs.values():
        last = other.log.target.answered.bit_length()
        if other is not run and last and other.log.ends[last - 1] >= run.opened - RECENTLY:
            return True
    return False
