"""A target from several vantages: from which of them it suffers, and where the trouble begins."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from tui_trace.core.sanitize import sanitize
from tui_trace.core.word_lists import listed
from tui_trace.session.finding import (
    BAD_HOP,
    CLEAN_HOP,
    Finding,
    FindingKind,
    JointFinding,
    JointKind,
    Sure,
)
from tui_trace.session.host_labels import HostLabels, LabelMode
from tui_trace.session.merged_paths import MergedHop, merge_paths, vantage_name
from tui_trace.session.snapshot import Hop, Snapshot

_ON_THE_PATH = frozenset(
    {FindingKind.DOWN, FindingKind.LOSS, FindingKind.QUEUE, FindingKind.SLOWER}
)
"""Kinds that a part of the path brings about."""


class Suspect(NamedTuple):
    """A part of the path from one vantage, in which the trouble begins."""

    vantage: int
    """Its place in what was compared."""
    finding: Finding
    """What the target suffers from, seen from there."""
    clean: int
    """TTL of the last hop that has no part in it; 0: none is known."""
    bad: int | None
    """TTL of the hop by which it has begun; None: it is not known."""
    meeting: int | None
    """TTL from which on the path is common with one from where all is well, or, if all vantages
    suffer, with those of all; None: there is no such hop."""


class VantageComparison(NamedTuple):
    """What several vantages say together of one target."""

    fine: tuple[int, ...]
    """Places of the vantages from which nothing is wrong."""
    suspects: tuple[Suspect, ...]
    """One for each vantage from which the target suffers for certain."""


def vantage_groups(snapshots: Sequence[Snapshot]) -> list[list[Snapshot]]:
    """Return together those of one target from different vantages; none that stands alone."""
    groups: dict[str, list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault(snapshot.target, []).append(snapshot)
    return [
        group
        for group in groups.values()
        if 1 < len(group) == len({snapshot.vantage for snapshot in group})
    ]


def compare_vantages(snapshots: Sequence[Snapshot]) -> VantageComparison:
    """Compare the sessions of several vantages with one target."""
    known = {place: found for place, one in enumerate(snapshots) if (found := _worst(one))}
    fine = [place for place, one in enumerate(snapshots) if place not in known and _is_fine(one)]
    rows = merge_paths(snapshots)
    suspects = []
    for place, finding in known.items():
        meeting = _meeting(rows, place, fine, known.keys())
        clean, bad = _stretch(finding)
        suspects.append(Suspect(place, finding, clean, bad, meeting))
    return VantageComparison(tuple(fine), tuple(suspects))


def _worst(snapshot: Snapshot) -> Finding | None:
    """Return what the path certainly does to the target."""
    return next(
        (
            one
            for one in snapshot.findings
            if one.harm and one.kind in _ON_THE_PATH and one.sure is Sure.CERTAIN
        ),
        None,
    )


def _is_fine(snapshot: Snapshot) -> bool:
    return any(one.kind is FindingKind.OK for one in snapshot.findings)


def _stretch(finding: Finding) -> tuple[int, int | None]:
    """Return the last hop before it begins, and the one by which it has begun."""
    if finding.kind is FindingKind.DOWN:
        return finding.hop or 0, None
    bad = finding.evidence.get(BAD_HOP)
    return int(finding.evidence[CLEAN_HOP]), None if bad is None else int(bad)


def _meeting(
    rows: Sequence[MergedHop], place: int, fine: Sequence[int], suffering: Collection[int]
) -> int | None:
    """Return the TTL at which the path of a vantage meets one that is fine; or those of all."""
    for row in rows:
        hop = row.hops[place]
        if hop is None:
            continue
        met = row.vantages
        if met & set(fine) if fine else met >= set(suffering):
            return hop.ttl
    return None


def vantage_findings(snapshots: Sequence[Snapshot]) -> Iterator[JointFinding]:
    """Find what the vantages of each target say together."""
    groups = vantage_groups(snapshots)
    for group in groups:
        target = sanitize(group[0].target)
        for line in describe_comparison(compare_vantages(group), group):
            text = f"{target}: {line}" if len(groups) > 1 else line
            yield JointFinding(kind=JointKind.VANTAGES, text=text, target=group[0].target)


def describe_comparison(found: VantageComparison, snapshots: Sequence[Snapshot]) -> list[str]:
    """Return what the vantages say together, in sentences."""
    names = [sanitize(vantage_name(one)) for one in snapshots]
    addresses = {one.address for one in snapshots if one.address}
    if len(addresses) > 1:
        seen = (
            f"{sanitize(one.address)} from {name}"
            for one, name in zip(snapshots, names, strict=True)
            if one.address
        )
        return [f"the vantages probe different addresses: {', '.join(seen)}"]
    if not found.fine:
        return list(_of_all(found, snapshots, names))
    fine = listed([names[place] for place in found.fine])
    return [_of_one(each, snapshots[each.vantage], names, fine) for each in found.suspects]


def _of_one(each: Suspect, snapshot: Snapshot, names: Sequence[str], fine: str) -> str:
    name = names[each.vantage]
    seen = f"from {name} {_short(each.finding)}, from {fine} all is well"
    if each.meeting is not None and each.clean >= each.meeting:
        return (
            f"{seen}, by the hops where it begins, too: it is on the way back to {name}, or"
            " something on the path tells them apart"
        )
    begin = _label(snapshot, each.clean) or name
    if each.bad is not None and (each.meeting is None or each.bad < each.meeting):
        end = f"{_label(snapshot, each.bad)}, before the paths meet"
    elif each.meeting is not None:
        end = f"{_label(snapshot, each.meeting)}, where the paths meet"
    else:
        return f"{seen}: it begins behind {begin}, before its path is known to meet another"
    return f"{seen}: it begins between {begin} and {end}; on the way there or back"


def _of_all(
    found: VantageComparison, snapshots: Sequence[Snapshot], names: Sequence[str]
) -> Iterator[str]:
    suspects = found.suspects
    if len(suspects) < len(snapshots):
        return
    if any(each.meeting is None or each.clean + 1 < each.meeting for each in suspects):
        return
    seen = listed([f"from {names[each.vantage]} {_short(each.finding)}" for each in suspects])
    first = suspects[0]
    where = _label(snapshots[first.vantage], first.meeting or 0)
    yield f"{seen}: it begins at {where}, where the paths meet, or behind it"


def _short(finding: Finding) -> str:
    return finding.short or finding.text


def _label(snapshot: Snapshot, ttl: int) -> str:
    """Return a hop in words; empty for the vantage itself."""
    hop: Hop | None = next((one for one in snapshot.run.hops if one.ttl == ttl), None)
    if hop is None:
        return f"hop {ttl}" if ttl else ""
    if not hop.responders:
        return f"hop {ttl}"
    return f"{HostLabels(snapshot.who, LabelMode.NAME).hop(hop)} (hop {ttl})"
