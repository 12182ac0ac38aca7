"""The ways through the network as a search has found them: immutable, to be shown."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tui_trace.core.events import WaysEnd
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.way_map import SILENT, Link, Node, WayMap


class WayFlow(msgspec.Struct, frozen=True):
    """A flow, and the way that it takes."""

    flow: int
    """Its index in every run of the session."""
    source_port: int
    """Of ICMP the identifier; 0 if the kernel chooses."""
    path: tuple[str | None, ...]
    """The address at each TTL from the first one on; empty if nobody answers, None if unknown."""


class WaySearch(msgspec.Struct, frozen=True):
    """What a search for all ways has found up to now."""

    run: int
    settings: ProbeSettings
    at: int
    """When it began, in ns since the session began."""
    confidence: float
    budget: int
    sent: int
    """Probes sent."""
    first_ttl: int
    end: WaysEnd | None
    """Why it is over; None: it goes on."""
    nodes: tuple[Node, ...]
    """By TTL."""
    links: tuple[Link, ...]
    per_packet: tuple[int, ...]
    """TTLs at which one flow meets several routers."""
    flows: tuple[WayFlow, ...]
    """All flows that were probed."""
    cover: tuple[WayFlow, ...]
    """As few flows as take all links: one of each way."""
    flows_at: dict[int, int]
    """By TTL: how many flows are known to have met anything there."""

    def nodes_at(self, ttl: int) -> tuple[Node, ...]:
        """Return the nodes of a TTL, in the order they were found; those that answer first."""
        return tuple(node for node in self.nodes if node.ttl == ttl)

    @property
    def last_ttl(self) -> int:
        """Return the greatest TTL at which anybody answered; 0 if nobody did."""
        return max((node.ttl for node in self.nodes), default=0)

    @property
    def parts(self) -> bool:
        """Return whether there is more than one way."""
        return len(self.cover) > 1 or bool(self.per_packet)

    def flow(self, index: int) -> WayFlow | None:
        """Return the flow with this index."""
        return next((flow for flow in self.flows if flow.flow == index), None)


def path_of(ways: WayMap, flow: int) -> tuple[str | None, ...]:
    """Return the address that a flow meets at each TTL; None where that is not known.

    Where there is one router only, or one behind the router before, the flow meets it.
    """
    path: list[str | None] = []
    before: Node | None = ways.root
    for ttl in range(ways.root.ttl + 1, ways.last_ttl + 1):
        if ttl > ways.ends.get(flow, ttl):
            break
        address = ways.hops.get(ttl, {}).get(flow)
        if address is None:
            nodes = ways.nodes_at(ttl)
            behind = tuple(ways.successors(before)) if before and len(nodes) > 1 else nodes
            address = behind[0].address if len(behind) == 1 else None
        path.append(address)
        before = None if address is None else Node(ttl, address)
    return tuple(path)


def cover(
    nodes: Sequence[Node], links: Iterable[Link], flows: Sequence[WayFlow], first_ttl: int
) -> tuple[WayFlow, ...]:
    """Return as few flows as take all links and nodes, by the greedy method, in order of hops."""
    missing: set[Link | Node] = {*links, *nodes}
    met = {flow.flow: set(_steps(flow, first_ttl)) & missing for flow in flows}
    taken: list[WayFlow] = []
    while missing and flows:
        best = max(flows, key=lambda flow: (len(met[flow.flow] & missing), -flow.flow))
        if not met[best.flow] & missing:
            break
        missing -= met[best.flow]
        taken.append(best)
    place = {node: number for number, node in enumerate(nodes)}

    def places(flow: WayFlow) -> list[int]:
        met = (Node(ttl, address or SILENT) for ttl, address in enumerate(flow.path, first_ttl))
        return [place.get(node, -1) for node in met]

    return tuple(sorted(taken, key=places))


def _steps(flow: WayFlow, first_ttl: int) -> Iterator[Link | Node]:
    before: Node | None = None
    for ttl, address in enumerate(flow.path, first_ttl):
        node = None if address is None else Node(ttl, address)
        if node is not None:
            yield node
            if before is not None:
                yield Link(before, node)
        before = node
