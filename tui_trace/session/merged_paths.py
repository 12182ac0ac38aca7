"""The paths from several vantages to one target, merged from the target backwards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tui_trace.session.snapshot import Hop, Snapshot

HERE = "here"
"""What the vantage on this machine is called."""


class MergedHop(msgspec.Struct, frozen=True):
    """A node that the paths of one vantage or more go by."""

    hops: tuple[Hop | None, ...]
    """Its row in the table of each vantage; None: the path from there does not go by it."""
    meeting: bool
    """Paths meet here that were apart until now."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return who answered, as the first vantage that heard somebody has it."""
        return next((_heard(hop) for hop in self.hops if hop and hop.responders), ())

    @property
    def vantages(self) -> frozenset[int]:
        """Return the places of the vantages whose paths go by it."""
        return frozenset(place for place, hop in enumerate(self.hops) if hop is not None)


@dataclass
class _Node:
    hops: dict[int, Hop] = field(default_factory=dict)
    """By the place of the vantage."""
    before: list["_Node"] = field(default_factory=list)
    """Nodes from which paths come here."""

    @property
    def addresses(self) -> set[str]:
        return {address for hop in self.hops.values() for address in _heard(hop)}


def vantage_name(snapshot: Snapshot) -> str:
    """Return what the place is called where the probes leave."""
    return snapshot.vantage or HERE


def merge_paths(snapshots: Sequence[Snapshot]) -> list[MergedHop]:
    """Return the nodes of all paths: each before those behind it, and shared ones once.

    Two paths share the hops from one where the same address answers on, up to the last of both:
    the target, or where the path from one vantage ends before it. In between, a hop that is silent
    from one vantage may be any.
    """
    paths = [known_path(snapshot) for snapshot in snapshots]
    order = sorted(range(len(paths)), key=lambda place: _unknown(paths[place]))
    known: list[list[_Node]] = []
    ends: list[_Node] = []
    for place in order:
        path = paths[place]
        nodes = max((_shared(path, other) for other in known), key=len, default=[])
        if path and not nodes:
            nodes = [_Node()]
            ends += nodes
        while len(nodes) < len(path):
            node = _Node()
            nodes[0].before.append(node)
            nodes = [node, *nodes]
        for node, hop in zip(nodes, path, strict=True):
            node.hops[place] = hop
        known.append(nodes)
    return [row for end in ends for row in _rows(end, len(paths))]


def known_path(snapshot: Snapshot) -> list[Hop]:
    """Return the hops up to the target, or else up to the last one that was heard."""
    hops = list(snapshot.run.hops)
    while hops and not hops[-1].is_target and not hops[-1].responders:
        hops.pop()
    return hops


def _unknown(path: Sequence[Hop]) -> tuple[bool, int, int]:
    """Return how little is known of a path, for a comparison.

    One that ends before the target, or has silent hops, is recognised in one that has not.
    """
    is_whole = bool(path) and path[-1].is_target
    return not is_whole, sum(not hop.responders for hop in path), -len(path)


def _heard(hop: Hop) -> tuple[str, ...]:
    return tuple(responder.address for responder in hop.responders)


def _shared(path: Sequence[Hop], other: Sequence[_Node]) -> list[_Node]:
    """Return the nodes of another path that this one ends with."""
    if not path:
        return []
    last = set(_heard(path[-1]))
    end = next((n for n in range(len(other), 0, -1) if last & other[n - 1].addresses), 0)
    shared = 0
    for count, (hop, node) in enumerate(
        zip(reversed(path), reversed(other[:end]), strict=False), 1
    ):
        here, there = set(_heard(hop)), node.addresses
        if here & there:
            shared = count
        elif here and there:
            break
    return list(other[end - shared : end])


def _rows(end: _Node, count: int) -> Iterator[MergedHop]:
    """Yield the nodes before one, then itself."""
    waiting = [(end, False)]
    while waiting:
        node, is_next = waiting.pop()
        if is_next:
            hops = tuple(node.hops.get(place) for place in range(count))
            apart = [set(before.hops) for before in node.before]
            were_together = any(node.hops.keys() <= before for before in apart)
            yield MergedHop(hops, len(node.hops) > 1 and not were_together)
        else:
            waiting.append((node, True))
            last_first = sorted(node.before, key=lambda one: -min(one.hops))
            waiting += [(before, False) for before in last_first]
