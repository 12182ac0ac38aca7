"""Where the paths of the targets that suffer meet, and those of the others do not go."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.session.finding import FindingKind, JointFinding, JointKind, Sure
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.snapshot import Snapshot

_SUFFERING = frozenset({FindingKind.DOWN, FindingKind.LOSS, FindingKind.QUEUE, FindingKind.SLOWER})
"""Kinds that a node or a link on the path brings about."""
_CHANCE = 0.01
"""That the targets which suffer have a node in common as they have, if it has no part in it; above
that, the sentence says how likely that is."""
_CHANCE_TOLD = 0.1
"""The most with which a node is named, if it fits exactly."""
_LEAST = 2
"""Targets that suffer, below which nothing is said."""


class MeetingPoint(NamedTuple):
    """A node that targets which suffer have in common."""

    address: str
    hop: int
    """The lowest TTL at which it answers."""
    suffering: int
    """Targets that suffer."""
    others: int
    """Targets that do not, and answer."""
    meeting: int
    """Those that suffer and go by this node."""
    passing: int
    """Those that do not suffer and go by it all the same."""
    chance: float
    """Probability that some node fits so well by chance."""


class _Path(NamedTuple):
    suffers: bool
    nodes: dict[str, int]
    """Address and TTL of the routers on the path, and of the target: it may be one for others."""


def find_meeting_point(snapshots: Sequence[Snapshot]) -> MeetingPoint | None:
    """Return the node that tells the targets which suffer from the others; None: none does.

    Each set of targets that go by one node is looked at. That so many of those that suffer are
    among them has the probability of the hypergeometric distribution, times the number of sets. Of
    several nodes with the same set the nearest one stands for all: what is behind it is reached by
    way of it only.
    """
    paths = [path for path in map(_path, snapshots) if path is not None]
    suffering = sum(path.suffers for path in paths)
    if suffering < _LEAST or suffering == len(paths):
        return None
    by_set: dict[frozenset[int], tuple[int, str]] = {}
    for address in {address for path in paths for address in path.nodes}:
        by = frozenset(place for place, path in enumerate(paths) if address in path.nodes)
        hop = min(paths[place].nodes[address] for place in by)
        by_set[by] = min(by_set.get(by, (hop, address)), (hop, address))
    sets = [by for by in by_set if 1 < len(by) < len(paths)]
    best: MeetingPoint | None = None
    for by in sets:
        hop, address = by_set[by]
        meeting = sum(paths[place].suffers for place in by)
        chance = len(sets) * _tail(len(paths), suffering, len(by), meeting)
        found = MeetingPoint(
            address, hop, suffering, len(paths) - suffering, meeting, len(by) - meeting, chance
        )
        if best is None or (chance, hop) < (best.chance, best.hop):
            best = found
    if best is None:
        return None
    is_exact = best.meeting == suffering and not best.passing
    return best if best.chance < (_CHANCE_TOLD if is_exact else _CHANCE) else None


def meeting_finding(snapshots: Sequence[Snapshot]) -> JointFinding | None:
    """Return where the paths of those that suffer meet, as a finding; None: nowhere."""
    found = find_meeting_point(snapshots)
    if found is None:
        return None
    who = {address: info for each in snapshots for address, info in each.who.items()}
    name = HostLabels(who, LabelMode.NAME).host(found.address)
    noun = "targets" if len({each.vantage for each in snapshots}) == 1 else "paths"
    return JointFinding(
        kind=JointKind.MEETING_POINT,
        text=describe_meeting_point(found, name, noun),
        evidence=dict(found._asdict()),
    )


def describe_meeting_point(found: MeetingPoint, name: str, noun: str = "targets") -> str:
    """Return the sentence; `name` is what the node is called, `noun` what is counted."""
    total = found.suffering + found.others
    everyone = "all" if found.meeting == found.suffering else f"{found.meeting} of these"
    rest = "none" if not found.passing else str(found.passing)
    percent = f"{100 * found.chance:.0f} %"
    doubt = "" if found.chance < _CHANCE else f": chance would do that in {percent}"
    return (
        f"{found.suffering} of {total} {noun} suffer; {everyone}, and {rest} of the"
        f" {found.others} others, go by {name} (hop {found.hop}){doubt}"
    )


def is_suffering(snapshot: Snapshot) -> bool:
    """Return whether something on the path harms the target now, and that is certain."""
    return any(
        one.harm and one.kind in _SUFFERING and one.sure is Sure.CERTAIN
        for one in snapshot.findings
    )


def _path(snapshot: Snapshot) -> _Path | None:
    """Return the path of a target whose state is known; None for another one."""
    suffers = is_suffering(snapshot)
    is_fine = any(one.kind is FindingKind.OK for one in snapshot.findings)
    if not suffers and not is_fine:
        return None
    nodes: dict[str, int] = {}
    for hop in snapshot.run.hops:
        if hop.responders:
            nodes.setdefault(hop.responders[0].address, hop.ttl)
    return _Path(suffers, nodes)


def _tail(total: int, marked: int, drawn: int, least: int) -> float:
    """Return the probability of at least so many marked ones among those drawn."""
    ways = sum(
        math.comb(marked, hits) * math.comb(total - marked, drawn - hits)
        for hits in range(least, min(marked, drawn) + 1)
    )
    return ways / math.comb(total, drawn)
