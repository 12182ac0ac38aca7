"""The way to a place and the way back from it, link by link."""

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.core.ip_literals import parse_literal
from tui_trace.session.merged_paths import known_path
from tui_trace.session.snapshot import Hop, Snapshot

_LINK = {4: 30, 6: 126}
"""Bits that the addresses at both ends of a link between routers have in common (RFC 3021 and RFC
6164 have one more)."""
_NETWORK = {4: 24, 6: 64}
"""The same where a host is at one end."""


class LinkPair(NamedTuple):
    """A link, as the way there and the way back go by it.

    A router answers from the interface at which the probe came in. So of one link, the way there
    shows the far end, and the way back the near end.
    """

    there: Hop | None
    back: Hop | None
    is_same: bool
    """Their addresses are of one subnet: it is one link."""


class ThereAndBack(NamedTuple):
    """Both ways, from here to the place."""

    pairs: tuple[LinkPair, ...]
    reached: bool
    """Both ways are known to their ends."""
    hops_there: int
    hops_back: int

    @property
    def same(self) -> int:
        """Return how many links are the same."""
        return sum(pair.is_same for pair in self.pairs)


def align_ways(there: Snapshot, back: Snapshot) -> ThereAndBack:
    """Return the links of the way to a place, and those of the way back in the reverse order."""
    forth = known_path(there)
    home = known_path(back)[::-1]
    anchors = _common(forth, home)
    pairs: list[LinkPair] = []
    done_forth = done_home = 0
    for one, other in [*anchors, (len(forth), len(home))]:
        pairs += _apart(forth[done_forth:one], home[done_home:other])
        if one < len(forth):
            pairs.append(LinkPair(forth[one], home[other], True))
        done_forth, done_home = one + 1, other + 1
    reached = there.run.reached and back.run.reached
    return ThereAndBack(tuple(pairs), reached, len(forth), len(home))


def _apart(forth: Sequence[Hop], home: Sequence[Hop]) -> list[LinkPair]:
    """Pair what has no subnet in common: side by side, as many as there are."""
    count = max(len(forth), len(home))
    return [
        LinkPair(forth[n] if n < len(forth) else None, home[n] if n < len(home) else None, False)
        for n in range(count)
    ]


def _common(forth: Sequence[Hop], home: Sequence[Hop]) -> list[tuple[int, int]]:
    """Return the places of the links that are the same: the longest common subsequence."""
    best = [[0] * (len(home) + 1) for _ in range(len(forth) + 1)]
    match = [[_is_one_link(forth, a, home, b) for b in range(len(home))] for a in range(len(forth))]
    for a in reversed(range(len(forth))):
        for b in reversed(range(len(home))):
            taken = best[a + 1][b + 1] + 1 if match[a][b] else 0
            best[a][b] = max(taken, best[a + 1][b], best[a][b + 1])
    found = []
    a = b = 0
    while a < len(forth) and b < len(home):
        if match[a][b] and best[a][b] == best[a + 1][b + 1] + 1:
            found.append((a, b))
            a, b = a + 1, b + 1
        elif best[a + 1][b] >= best[a][b + 1]:
            a += 1
        else:
            b += 1
    return found


def _is_one_link(forth: Sequence[Hop], a: int, home: Sequence[Hop], b: int) -> bool:
    is_first = a == 0 and home[b].is_target
    is_last = forth[a].is_target and b == len(home) - 1
    bits = _NETWORK if is_first or is_last else _LINK
    return any(
        _in_one_network(one.address, other.address, bits)
        for one in forth[a].responders
        for other in home[b].responders
    )


def _in_one_network(one: str, other: str, bits: dict[int, int]) -> bool:
    first, second = parse_literal(one), parse_literal(other)
    if first is None or second is None or first.version != second.version:
        return False
    network = ipaddress.ip_network((int(first), bits[first.version]), strict=False)
    return second in network


def describe_there_and_back(found: ThereAndBack) -> str:
    """Return in a sentence whether both ways are the same, as far as addresses tell."""
    there = "1 hop" if found.hops_there == 1 else f"{found.hops_there} hops"
    counts = f"{there} there, {found.hops_back} back"
    links = f"{found.same} of {max(found.hops_there, found.hops_back)} links are the same"
    if not found.reached:
        return f"{counts}, as far as they are known; {links}"
    if found.hops_there != found.hops_back:
        return f"{counts}: not the same way, unless a tunnel hides hops; {links}"
    return f"{counts}; {links}, by the subnets of their addresses"
