"""Sentences about the paths of a session, and how much it means that there is one."""

from tui_trace.session.paths import varies_flow
from tui_trace.session.snapshot import Snapshot

_LISTED_HOPS = 4
"""Hops that a sentence about load balancing names."""


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
