"""What is wrong on the path: claims about a session, made here and only shown elsewhere.

Each finder in `FINDERS` looks at a snapshot for one kind of finding.
"""

from collections.abc import Callable

import msgspec

from tui_trace.core.percentages import format_loss
from tui_trace.core.sanitize import sanitize
from tui_trace.session.annotations import TOO_BIG, is_refusal
from tui_trace.session.paths import varies_flow
from tui_trace.session.snapshot import Hop, LossReason, Snapshot

SILENT_ROUNDS = 3
"""Rounds that may pass without an answer of the target before it is called silent."""
_LISTED_HOPS = 4
"""Hops that a sentence about load balancing names."""


class Finding(msgspec.Struct, frozen=True):
    """A claim about the path."""

    kind: str
    """One word for programs: `refused`, `mtu`, `local`, `loss`, `max-ttl`, `down`."""
    hop: int | None
    """TTL at which it begins; None: the whole path."""
    harm: bool
    """The traffic to the target suffers."""
    text: str
    """What is wrong, and where; harmless for a terminal."""
    short: str
    """The same for narrow terminals."""


def target_hop(snapshot: Snapshot) -> Hop | None:
    """Return the row of the target; None if it did not answer in this run."""
    hops = snapshot.run.hops
    return hops[-1] if hops and hops[-1].is_target else None


def worst_finding(snapshot: Snapshot) -> Finding | None:
    """Return what the user should read first about the run in force; None if all is well."""
    found = (find(snapshot) for find in FINDERS)
    return next((finding for finding in found if finding is not None), None)


def _last_answering(snapshot: Snapshot) -> Hop | None:
    """The farthest hop that answered, if the target did not: the path may end there."""
    if snapshot.run.reached:
        return None
    return next((hop for hop in reversed(snapshot.run.hops) if hop.responders), None)


def find_target_loss(snapshot: Snapshot) -> Finding | None:
    """Find `loss`: the target itself loses probes."""
    target = target_hop(snapshot)
    if target is None or not target.lost:
        return None
    loss = f"{format_loss(target.lost, target.figures.count)} %"
    return Finding("loss", target.ttl, True, f"{loss} loss at the target", f"{loss} lost")


def _present_reason(snapshot: Snapshot) -> tuple[int, LossReason] | None:
    """Return why the last probes did not reach the target, and the first TTL where that is so.

    None if nobody says so, or if the last ones were answered at the end of the path.
    """
    run = snapshot.run
    last = target_hop(snapshot)
    if last is None and not run.reached:
        known = (hop for hop in reversed(run.hops) if hop.responders or hop.reason)
        last = next(known, None)
    if last is None or last.reason is None:
        return None
    return next(hop.ttl for hop in run.hops if hop.reason == last.reason), last.reason


def find_refusal(snapshot: Snapshot) -> Finding | None:
    """Find `refused`: a router or a firewall says that it will not pass the probes on."""
    ttl, reason = _present_reason(snapshot) or (0, LossReason())
    refusal = next(filter(is_refusal, reason.marks), None)
    if refusal is None:
        return None
    text = f"refused at hop {ttl}: {sanitize(refusal)}"
    return Finding("refused", ttl, True, text, text)


def find_too_big(snapshot: Snapshot) -> Finding | None:
    """Find `mtu`: probes are larger than the next link takes."""
    ttl, reason = _present_reason(snapshot) or (0, LossReason())
    if TOO_BIG not in reason.marks:
        return None
    mtu = next((sanitize(mark) for mark in reason.marks if mark.startswith("MTU ")), "smaller MTU")
    short = f"{mtu} at hop {ttl}"
    return Finding("mtu", ttl, True, f"{short}: larger ones are refused", short)


def find_local_reason(snapshot: Snapshot) -> Finding | None:
    """Find `local`: this machine's kernel gives the probes up, and says why."""
    ttl, reason = _present_reason(snapshot) or (0, LossReason())
    if not reason.text:
        return None
    text = sanitize(reason.text)
    return Finding("local", ttl, True, text, text)


def find_end_of_ttls(snapshot: Snapshot) -> Finding | None:
    """Find `max-ttl`: the path is longer than the largest TTL, so that the target is not asked."""
    hop, last = _last_answering(snapshot), snapshot.pace.max_ttl
    if hop is None or hop.ttl < last:
        return None
    short = f"largest TTL {last}"
    return Finding("max-ttl", hop.ttl, False, f"{short} ends before the target", short)


def find_silent_target(snapshot: Snapshot) -> Finding | None:
    """Find `down`: the target did not answer in any round of the run."""
    run = snapshot.run
    if run.reached or run.rounds <= SILENT_ROUNDS:
        return None
    hop = _last_answering(snapshot)
    if hop is None:
        return Finding("down", None, True, "target silent, nobody answers", "all silent")
    text = f"target silent, last answer from hop {hop.ttl}"
    return Finding("down", hop.ttl, True, text, f"silent after hop {hop.ttl}")


FINDERS: list[Callable[[Snapshot], Finding | None]] = [
    find_refusal,
    find_too_big,
    find_local_reason,
    find_target_loss,
    find_end_of_ttls,
    find_silent_target,
]
"""Worst first: only the first that finds anything is shown."""


# --- sentences about paths and load balancing


def describe_balancing(snapshot: Snapshot, run: int) -> str:
    """Say what the flows of a run found: `load balancing: at least 3 addresses at hop 4`."""
    hops = [
        hop
        for path in snapshot.paths
        if any(visit.run == run for visit in path.visits)
        for hop in path.hops
        if len(hop.addresses) > 1
    ]
    if not hops:
        return "all flows take the same path: no load balancing seen"
    listed = (f"{len(hop.addresses)} addresses at hop {hop.ttl}" for hop in hops[:_LISTED_HOPS])
    more = " …" if len(hops) > _LISTED_HOPS else ""
    return f"load balancing: at least {', '.join(listed)}{more}"


def describe_one_path(snapshot: Snapshot) -> str:
    """Say how much it means that the session has seen one path only."""
    if varies_flow(snapshot.run.settings):
        return "One path seen so far, which may contain several parallel paths of its flows."
    return "One path seen so far (one flow)."
