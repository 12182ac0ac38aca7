"""The ways through the network: which router each flow met at each TTL, as replies showed it.

A load balancer hashes the flow of a packet, and so sends each flow one way. What several flows met
is a graph: its nodes are the routers by TTL, its links lead from a router to the next one.
"""

from collections.abc import Iterable
from typing import NamedTuple

SILENT = ""
"""Stands for the address of a router that does not answer."""
MAX_WAY_FLOWS = 1000
"""Most flows of a search for ways: each takes a source port."""


class Node(NamedTuple):
    """A router, or the end of the path, at one TTL."""

    ttl: int
    address: str
    """`SILENT` if it does not answer."""


class Link(NamedTuple):
    """A link between two routers that a flow met at successive TTLs."""

    begin: Node
    end: Node


class WayMap:
    """What flows met, by TTL; it grows with each answer."""

    def __init__(self, first_ttl: int) -> None:
        """Begin without any flow; `first_ttl` is the smallest TTL that is probed."""
        self.root = Node(first_ttl - 1, SILENT)
        """Where all flows begin."""
        self.hops: dict[int, dict[int, str]] = {}
        """By TTL and flow: the address that answered, or `SILENT`."""
        self.ends: dict[int, int] = {}
        """By flow: the TTL at which the target, or somebody who refuses to forward it, answered."""
        self.per_packet: set[int] = set()
        """TTLs at which one flow met several routers."""
        self._nodes: dict[int, dict[str, set[int]]] = {}
        """By TTL and address: the flows that met it."""

    def add(self, flow: int, ttl: int, address: str, *, is_end: bool = False) -> None:
        """Learn that this address answered a probe of a flow; `is_end`: the flow goes no farther.

        `SILENT` says that nobody answers; it never replaces an answer.
        """
        before = self.hops.get(ttl, {}).get(flow)
        if address == SILENT and before:
            return
        end = self.ends.get(flow)
        if end is not None and ttl > end:
            if not is_end and address != SILENT:
                self.per_packet.add(ttl)
            return
        if before and before != address:
            self.per_packet.add(ttl)
        if before is not None:
            self._leave(flow, ttl, before)
        self.hops.setdefault(ttl, {})[flow] = address
        self.meet(ttl, address).add(flow)
        if is_end and address != SILENT:
            self.ends[flow] = ttl
            for behind in [each for each in self.hops if each > ttl]:
                there = self.hops[behind].pop(flow, None)
                if there is not None:
                    self._leave(flow, behind, there, forgets=True)

    def meet(self, ttl: int, address: str) -> set[int]:
        """Have a node at a TTL; return the flows that met it."""
        return self._nodes.setdefault(ttl, {}).setdefault(address, set())

    def _leave(self, flow: int, ttl: int, address: str, *, forgets: bool = False) -> None:
        """Take a flow from a node; a router that it met before another one is still there."""
        flows = self._nodes[ttl][address]
        flows.discard(flow)
        if not flows and (forgets or address == SILENT):
            del self._nodes[ttl][address]

    @property
    def last_ttl(self) -> int:
        """Return the greatest TTL at which anybody answered; that of the root if nobody did."""
        answered = (ttl for ttl, hop in self._nodes.items() if any(hop))
        return max(answered, default=self.root.ttl)

    def nodes_at(self, ttl: int) -> tuple[Node, ...]:
        """Return the nodes at a TTL in an order that does not jump; what is silent comes last."""
        if ttl == self.root.ttl:
            return (self.root,)
        found = self._nodes.get(ttl, {})
        ordered = sorted(found, key=lambda address: (address == SILENT, len(address), address))
        return tuple(Node(ttl, address) for address in ordered)

    def addresses(self, ttl: int) -> list[str]:
        """Return the addresses of the nodes at a TTL."""
        return [node.address for node in self.nodes_at(ttl)]

    def flows_at(self, node: Node) -> set[int]:
        """Return the flows that met a node; do not change it."""
        return self._nodes.get(node.ttl, {}).get(node.address, set())

    def is_end(self, node: Node) -> bool:
        """Return whether flows end at this node."""
        return any(self.ends.get(flow) == node.ttl for flow in self.flows_at(node))

    def successors(self, node: Node) -> dict[Node, set[int]]:
        """Return the nodes that the flows of a node met next, with these flows.

        Where a node is the only one at its TTL, all flows that get farther passed it.
        """
        hop = self.hops.get(node.ttl + 1, {})
        is_only = node == self.root or len(self._nodes.get(node.ttl, {})) == 1
        flows: Iterable[int] = hop if is_only else self.flows_at(node)
        found: dict[Node, set[int]] = {}
        for flow in flows:
            address = hop.get(flow)
            if address is not None:
                found.setdefault(Node(node.ttl + 1, address), set()).add(flow)
        return found

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes up to the last TTL that anybody answered, by TTL."""
        ttls = range(self.root.ttl + 1, self.last_ttl + 1)
        return tuple(node for ttl in ttls for node in self.nodes_at(ttl))

    def links(self) -> tuple[Link, ...]:
        """Return all links that flows took, by TTL.

        Where one flow meets several routers, nobody can tell which links there are.
        """
        return tuple(
            Link(node, following)
            for node in self.nodes()
            if not self.per_packet & {node.ttl, node.ttl + 1}
            for following in self.successors(node)
            if following.ttl <= self.last_ttl
        )
