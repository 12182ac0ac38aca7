"""What a search for ways has shown, in sentences; and the ways as a table, one in each row."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import Protocol
from tui_trace.core.way_map import SILENT, Node
from tui_trace.session.snapshot import Ways
from tui_trace.session.ways import WayFlow, WaySearch, cover

_LEAST_DEAD = 2
"""Flows that get no answer at least, before a way is called dead: one may have been unlucky."""


def describe_ways(ways: Ways) -> list[str]:
    """Return what the latest search has shown, and what an earlier one adds; empty without one."""
    search = ways.latest
    if search is None:
        return []
    said = list(_describe(search))
    before = ways.searches[-2] if len(ways.searches) > 1 else None
    if before is not None and _answers_instead(search, before):
        said[0] = _instead(search, said[0])
    elif before is not None and before.settings == search.settings and search.end is not None:
        said += way_changes(before, search)
    return said


def _answers_instead(search: WaySearch, before: WaySearch) -> bool:
    icmp = before.settings.protocol is Protocol.ICMP
    return icmp and not before.parts and search.settings.protocol is not Protocol.ICMP


def _instead(search: WaySearch, first: str) -> str:
    """Return the sentence for a search that followed one by ICMP, which met one way only."""
    protocol = search.settings.protocol.upper()
    if search.parts:
        return f"ICMP cannot tell: routers hash it by addresses; by {protocol} {first}"
    return f"{first}; by ICMP neither"


def _describe(search: WaySearch) -> Iterator[str]:
    widths = _widths(search)
    for ttl, width in widths:
        yield f"{_at_least(search)}{width} ways at hop {ttl} ({_surety(search, ttl)})"
    for ttl in search.per_packet:
        known = len(search.nodes_at(ttl))
        yield f"hop {ttl} is balanced per packet over {known} routers: ways cannot be told apart"
    if not widths and not search.per_packet:
        yield _one_way(search)
    for flow, ttl, count in _dead_ways(search):
        share = round(100 * count / len(search.flows))
        where = _behind(search, flow, ttl)
        yield (
            f"{count} of {len(search.flows)} flows ({share} %) get no answer from hop {ttl} on"
            f"{where}: source port {flow.source_port}"
        )
    match search.end:
        case WaysEnd.BUDGET:
            yield f"broken off after {search.sent} probes: there may be more ways"
        case WaysEnd.STOPPED:
            yield f"stopped after {search.sent} probes: there may be more ways"
        case _:
            pass


def _at_least(search: WaySearch) -> str:
    return "" if search.end is WaysEnd.COMPLETE else "at least "


def _surety(search: WaySearch, ttl: int) -> str:
    flows = f"{search.flows_at.get(ttl, 0)} flows"
    return f"{percent(search.confidence)} % sure: {flows}" if not _at_least(search) else flows


def percent(share: float) -> str:
    """Return a share as percent, without needless digits: `95`, `99.9`."""
    return f"{100 * share:.6g}"


def _one_way(search: WaySearch) -> str:
    protocol = search.settings.protocol.upper()
    if not search.nodes:
        return "nobody has answered yet" if search.end is None else "nobody answers"
    hops = [ttl for ttl in search.flows_at if any(node.address for node in search.nodes_at(ttl))]
    flows = min((search.flows_at[ttl] for ttl in hops[1:-1]), default=0)
    if _at_least(search) or not flows:
        return f"one way by {protocol} as yet"
    return f"one way by {protocol} ({percent(search.confidence)} % sure: {flows} flows)"


def _widths(search: WaySearch) -> list[tuple[int, int]]:
    """Return TTL and number of routers where there are more than before."""
    found: list[tuple[int, int]] = []
    before = 1
    for ttl in range(search.first_ttl, search.last_ttl + 1):
        answering = sum(bool(node.address) for node in search.nodes_at(ttl))
        if answering > max(before, 1) and ttl not in search.per_packet:
            found.append((ttl, answering))
        before = answering
    return found


def _dead_ways(search: WaySearch) -> list[tuple[WayFlow, int, int]]:
    """Return, of flows that somebody answered no more: one of them, from which TTL on, how many."""
    dead: dict[tuple[int, str | None], list[WayFlow]] = {}
    if len(search.flows) < 2 or not any(
        node.ttl == search.last_ttl and node.address for node in search.nodes
    ):
        return []
    for flow in search.flows:
        answers = [ttl for ttl, at in enumerate(flow.path, search.first_ttl) if at]
        silent = [ttl for ttl, at in enumerate(flow.path, search.first_ttl) if at == SILENT]
        last = max(answers, default=search.first_ttl - 1)
        behind = [ttl for ttl in silent if ttl > last]
        if behind and any(node.address for node in search.nodes_at(behind[0])):
            before = flow.path[last - search.first_ttl] if answers else None
            dead.setdefault((behind[0], before), []).append(flow)
    return [
        (flows[0], ttl, len(flows))
        for (ttl, _), flows in sorted(dead.items(), key=str)
        if len(flows) >= _LEAST_DEAD
    ]


def _behind(search: WaySearch, flow: WayFlow, ttl: int) -> str:
    place = ttl - 1 - search.first_ttl
    address = flow.path[place] if 0 <= place < len(flow.path) else None
    return f", behind {address}" if address else ""


def way_changes(before: WaySearch, now: WaySearch) -> list[str]:
    """Return what has gone and what is new since an earlier search with the same settings.

    A search that is not complete says nothing of what it has not found, and one that is complete
    has overlooked a way as often as its confidence admits.
    """
    said = []
    if now.end is WaysEnd.COMPLETE:
        sure = f"({percent(now.confidence)} % sure)"
        said += [f"{_named(node)} has gone {sure}" for node in _only(before, now)]
    if before.end is WaysEnd.COMPLETE:
        sure = f"({percent(before.confidence)} % sure)"
        said += [f"{_named(node)} is new {sure}" for node in _only(now, before)]
    return said


def _only(one: WaySearch, other: WaySearch) -> list[Node]:
    there = set(other.nodes)
    return [node for node in one.nodes if node.address and node not in there]


def _named(node: Node) -> str:
    return f"the way by {node.address} at hop {node.ttl}"


class WayBranch(NamedTuple):
    """One row of a diamond: a flow, and what it meets there."""

    flow: WayFlow
    cells: tuple[str, ...]
    """The address at each TTL; `*`: nobody answers; `?`: unknown; empty: it has met its end."""


class Diamond(NamedTuple):
    """A stretch of the path in which there are several ways: from where they part to where they
    have joined again.
    """

    ttls: tuple[int, ...]
    begin: Node | None
    """The router at which they part; None: they part on this machine."""
    end: Node | None
    """The router at which they join; None: they do not."""
    branches: tuple[WayBranch, ...]


def diamonds(search: WaySearch) -> tuple[Diamond, ...]:
    """Return where the network has several ways, the nearest first."""
    found = []
    ttls: list[int] = []
    for ttl in range(search.first_ttl, search.last_ttl + 2):
        if len(search.nodes_at(ttl)) > 1:
            ttls.append(ttl)
        elif ttls:
            while len(ttls) > 1 and _has_joined(search, ttls[-1]):
                ttls.pop()
            found.append(_diamond(search, tuple(ttls)))
            ttls = []
    return tuple(found)


def _has_joined(search: WaySearch, ttl: int) -> bool:
    """Return whether one router answers all flows that are answered here."""
    return sum(bool(node.address) for node in search.nodes_at(ttl)) == 1


def _diamond(search: WaySearch, ttls: tuple[int, ...]) -> Diamond:
    nodes = [node for node in search.nodes if node.ttl in ttls]
    links = [link for link in search.links if link.begin.ttl in ttls and link.end.ttl in ttls]
    flows = cover(nodes, links, search.cover, search.first_ttl)
    branches = [
        WayBranch(flow, tuple(_shown(flow, ttl - search.first_ttl) for ttl in ttls))
        for flow in flows
    ]
    return Diamond(
        ttls,
        next(iter(search.nodes_at(ttls[0] - 1)), None),
        next(iter(search.nodes_at(ttls[-1] + 1)), None),
        tuple(branches),
    )


def common_start(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many cells two rows have in common from their beginning: drawn once."""
    pairs = enumerate(zip(one, other, strict=True))
    return next((place for place, (cell, above) in pairs if cell != above), len(one))


def _shown(flow: WayFlow, place: int) -> str:
    if place >= len(flow.path):
        return ""
    address = flow.path[place]
    return "?" if address is None else address or "*"
