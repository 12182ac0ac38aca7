"""Loss that depends on the setting: this run loses probes to the target, another one does not."""

from collections.abc import Iterator

from tui_trace.core.sanitize import sanitize
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.settings_filtered import RECENT
from tui_trace.session.finding import Finding, FindingKind, Sure
from tui_trace.session.loss_difference import E_VALUE, LOSS_FLOOR, bursts_of, loss_evidence
from tui_trace.session.round_log import RunLog, bits_of
from tui_trace.session.run_fold import RunFold
from tui_trace.session.run_names import in_turns, name_runs

_LATEST = 512
"""Slots of a run that are looked at."""
_CERTAIN = 100.0
"""Evidence from which on a difference is certain: an e-value that chance reaches once in 100."""
_OVER = 0.01
"""Chance of so many answers in a row at the loss that was found; below that it is over."""


def find_setting_loss(session: Findable) -> Iterator[Finding]:
    """Find loss of the runs being probed that another run of the same minutes does not have."""
    for lossy in session.active:
        found = [
            finding
            for other in session.runs.values()
            if other is not lossy
            and (in_turns(other, lossy) or _is_neighbour(other.log, lossy.log))
            and (finding := _compare(session, other, lossy)) is not None
        ]
        if found:
            yield max(found, key=lambda finding: float(finding.evidence["e_value"]))


def _is_neighbour(before: RunLog, after: RunLog) -> bool:
    """Return whether one run was probed until the other one began."""
    return bool(before.slots and after.slots) and (
        0 <= after.times[0] - before.times[-1] <= RECENT or before.times[-1] > after.times[0]
    )


def _compare(session: Findable, clean: RunFold, lossy: RunFold) -> Finding | None:
    free = session.free_since(FindingKind.FILTERED, lossy.number)
    shares = [_loss_share(run.log, free) for run in (clean, lossy)]
    if not shares[0] < 1 or not shares[1] < 1 or shares[1] - shares[0] < LOSS_FLOOR:
        return None
    good, bad = (_outcomes(run.log, free) for run in (clean, lossy))
    if _is_over(bad, shares[1]):
        return None
    evidence = loss_evidence(bursts_of(good, bad))
    before = session.lasts(FindingKind.FILTERED, lossy.number)
    if before is not None and "e_value" not in before.finding.evidence:
        return None
    if evidence < (1.0 if before is not None else E_VALUE):
        return None
    lost = lossy.log.target.lost & lossy.log.since(free) & lossy.log.latest(_LATEST)
    since = lossy.log.times[bits_of(lost)[0]]
    if before is not None:
        since = before.finding.since
    is_sure = in_turns(clean, lossy) and evidence >= _CERTAIN
    names = name_runs((clean, lossy))
    shown = [f"{100 * share:.1f} %" if share else "none" for share in shares]
    return Finding(
        FindingKind.FILTERED,
        harm=True,
        sure=Sure.CERTAIN if is_sure else Sure.LIKELY,
        since=since,
        text=sanitize(f"{shown[1]} loss with {names[1]}, {shown[0]} with {names[0]}"),
        past=sanitize(f"{shown[1]} was lost with {names[1]}, {shown[0]} with {names[0]}"),
        details=f"({sum(bad)} of {len(bad)} probes, {sum(good)} of {len(good)} otherwise)",
        run=lossy.number,
        severity=shares[1],
        evidence={
            "loss_percent": 100 * shares[1],
            "loss_percent_otherwise": 100 * shares[0],
            "e_value": evidence,
            "other_run": clean.number,
        },
        next="" if is_sure else "b alternates both and settles it",
    )


def _loss_share(log: RunLog, since: int) -> float:
    """Return the share of the probes to the target that is lost; 1 without any."""
    slots = log.since(since) & log.latest(_LATEST)
    lost = (log.target.lost & slots).bit_count()
    decided = lost + (log.target.answered & slots).bit_count()
    return lost / decided if decided else 1.0


def _outcomes(log: RunLog, since: int) -> list[bool]:
    """Return the outcomes of probes to the target in order; True: lost."""
    target = log.target
    decided = (target.lost | target.answered) & log.since(since) & log.latest(_LATEST)
    return [bool(target.lost >> place & 1) for place in bits_of(decided)]


def _is_over(losses: list[bool], share: float) -> bool:
    """Return whether the latest answers in a row are too many for so much loss."""
    answers = losses[::-1].index(True)
    return (1 - share) ** answers < _OVER
