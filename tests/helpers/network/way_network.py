"""Routers that balance load over several ways: a graph of real Linux routers, over IPv4 and IPv6.

A graph maps a router to the routers behind it; `client` is where probes leave, `target` where they
go. A router answers with the address of the interface that a probe came in by, as most do, or with
one address of its own. It hashes flows with a seed of its own: nested routers with the same seed
would all choose alike.
"""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.helpers.closing import Closing
from tests.helpers.network import netns
from tests.helpers.network.chain import SYSCTLS
from tests.helpers.network.netns import Netns

Graph = Mapping[str, Sequence[str]]
CLIENT, TARGET = "client", "target"

_numbers = itertools.count()


def in_series(*stages: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Return a graph of layers of routers, each with links to all of the next layer.

    A stage is a list of layers; between stages stands one router more.
    """
    layers: list[Sequence[str]] = [[CLIENT], ["in"]]
    for number, stage in enumerate(stages, 1):
        layers += [*stage, [f"join{number}"]]
    layers += [["out"], [TARGET]]
    return {
        router: list(following)
        for layer, following in itertools.pairwise(layers)
        for router in layer
    }


def nested(first: int, second: int) -> dict[str, list[str]]:
    """Return a graph of `first` ways, each of which parts into `second` ways."""
    graph = {CLIENT: ["in"], "in": [f"a{a}" for a in range(first)]}
    for a in range(first):
        graph[f"a{a}"] = [f"b{a}-{b}" for b in range(second)]
        graph |= {f"b{a}-{b}": ["join1"] for b in range(second)}
    return graph | {"join1": ["out"], "out": [TARGET]}


def side_by_side(count: int, name: str = "w") -> list[str]:
    """Return the names of so many routers of one layer."""
    return [f"{name}{number}" for number in range(count)]


SHAPES: dict[str, dict[str, list[str]]] = {
    "2": in_series([side_by_side(2)]),
    "3": in_series([side_by_side(3)]),
    "8": in_series([side_by_side(8)]),
    "16": in_series([side_by_side(16)]),
    "32": in_series([side_by_side(32)]),
    "2×2": nested(2, 2),
    "2×4": nested(2, 4),
    "4×4": nested(4, 4),
    "mesh 2×3": in_series([side_by_side(2, "a"), side_by_side(3, "b")]),
    "2 then 4": in_series([side_by_side(2)], [side_by_side(4, "x")]),
}
"""The shapes that discoveries are tried on."""


class WayNetwork(Closing):
    """Client, routers and target. A context manager; `close` takes it all down."""

    def __init__(self, graph: Graph, *, one_address: bool = False) -> None:
        """Build it; seeds are drawn anew for each network. `one_address`: each router has one."""
        self.graph = graph
        self._has_one_address = one_address
        number = next(_numbers)
        behind = [name for following in graph.values() for name in following]
        self.edges = [(a, b) for a, following in graph.items() for b in following]
        self.names = list(dict.fromkeys([*graph, *behind]))
        spaces = netns.make_all([f"{number}{name}" for name in self.names])
        self.spaces: dict[str, Netns] = dict(zip(self.names, spaces, strict=True))
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    @property
    def client(self) -> Netns:
        """Where probers run."""
        return self.spaces[CLIENT]

    def address(self, name: str, family: int = 4) -> str:
        """Return the address that a router answers with."""
        number = self.names.index(name) + 1
        if family == 6:
            return f"2001:db8::{number:x}"
        return f"198.18.{number // 250}.{number % 250 + 1}"

    def target_address(self, family: int = 4) -> str:
        """Return the address to trace to."""
        return self.address(TARGET, family)

    def _edges_at(self) -> list[set[int]]:
        """Return the numbers of the links that lead to each TTL, from 1 on."""
        layers: list[set[int]] = []
        routers = {CLIENT}
        while layer := {n for n, (left, _) in enumerate(self.edges) if left in routers}:
            layers.append(layer)
            routers = {self.edges[number][1] for number in layer}
        return layers

    def answering(self, number: int, family: int = 4) -> str:
        """Return the address that answers a probe which comes by this link."""
        router = self.edges[number][1]
        # over IPv6 Linux answers with the address of its route back, which is its own here
        if self._has_one_address or router == TARGET or family == 6:
            return self.address(router, family)
        return _link(number, 2, family)

    def addresses_of(self, router: str, family: int = 4) -> set[str]:
        """Return the addresses that a router answers with."""
        return {
            self.answering(number, family)
            for number, (_, right) in enumerate(self.edges)
            if right == router
        }

    def nodes(self, family: int = 4) -> set[tuple[int, str]]:
        """Return TTL and address of all that a perfect discovery finds."""
        return {
            (ttl, self.answering(number, family))
            for ttl, layer in enumerate(self._edges_at(), 1)
            for number in layer
        }

    def links(self, family: int = 4) -> set[tuple[int, str, str]]:
        """Return the links behind the first router: the TTL where each begins, and its ends."""
        layers = self._edges_at()
        return {
            (ttl, self.answering(one, family), self.answering(next_one, family))
            for ttl, (layer, following) in enumerate(itertools.pairwise(layers), 1)
            for one in layer
            for next_one in following
            if self.edges[one][1] == self.edges[next_one][0]
        }

    def reseed(self) -> None:
        """Have every router hash flows anew."""
        for space in self.spaces.values():
            space.sysctl(ipv4__fib_multipath_hash_seed=random.getrandbits(32) | 1)

    def lose(self, name: str, percent: int, *, everything: bool = False) -> None:
        """Have a router lose so many of the probes that it would forward or answer."""
        share = f" numgen random mod 100 < {percent}" if percent < 100 else ""
        only = "" if everything else "ip ttl > 1 "
        self.spaces[name].nft(
            "table inet faults {\n chain lose {\n type filter hook prerouting priority -400;\n"
            f" {only}ip daddr {self.target_address()}"
            f"{share} drop\n }}\n}}\n"
        )

    def heal(self, name: str) -> None:
        """Have a router lose nothing any more."""
        self.spaces[name].run(["nft", "delete", "table", "inet", "faults"])

    def limit(self, names: Iterable[str]) -> None:
        """Have routers limit their ICMP errors as Linux does by default."""
        for name in names:
            self.spaces[name].sysctl(ipv4__icmp_ratelimit=1000)

    def _build(self) -> None:
        lines: dict[str, list[str]] = {name: ["link set lo up"] for name in self.names}
        forward: dict[str, list[tuple[int, str]]] = {name: [] for name in self.names}
        back: dict[str, tuple[int, str]] = {}
        links = []
        for number, (left, right) in enumerate(self.edges):
            device, peer = f"d{number}", f"u{number}"
            a, b = self.spaces[left].name, self.spaces[right].name
            links.append(f"link add {device} netns {a} type veth peer name {peer} netns {b}")
            for name, port, side in ((left, device, 1), (right, peer, 2)):
                lines[name] += [
                    f"address add {_link(number, side, 4)}/30 dev {port}",
                    f"address add {_link(number, side, 6)}/64 dev {port} nodad",
                    f"link set {port} up",
                ]
            forward[left].append((number, device))
            back.setdefault(right, (number, peer))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda space: space.sysctl(**self._sysctls()), self.spaces.values()))
            netns.batch(links)
            list(
                pool.map(
                    lambda name: self._configure(name, lines[name], forward[name], back.get(name)),
                    self.names,
                )
            )
        for family in (4, 6):
            self._warm_up(family)

    def _sysctls(self) -> dict[str, int | str]:
        seed = random.getrandbits(32) | 1
        return {
            **SYSCTLS,
            "ipv4__icmp_errors_use_inbound_ifaddr": int(not self._has_one_address),
            "ipv4__fib_multipath_hash_seed": seed,
            "ipv6__fib_multipath_hash_policy": 1,
        }

    def _configure(
        self,
        name: str,
        lines: list[str],
        forward: list[tuple[int, str]],
        back: tuple[int, str] | None,
    ) -> None:
        for family, width in ((4, 32), (6, 128)):
            own = self.address(name, family)
            flags = " nodad" if family == 6 else ""
            lines.append(f"address add {own}/{width} dev lo{flags}")
            if forward:
                hops = "".join(
                    f" nexthop via {_link(number, 2, family)} dev {device}"
                    for number, device in forward
                )
                target = self.target_address(family)
                lines.append(f"route add {target}/{width} src {own}{hops}")
            if back is not None:
                number, device = back
                via = _link(number, 1, family)
                client = self.address(CLIENT, family)
                lines.append(f"route add {client}/{width} src {own} via {via} dev {device}")
        self.spaces[name].ip(*lines)

    def _warm_up(self, family: int) -> None:
        """Have every link resolve its neighbours; fails if the target does not answer."""
        ping = ["ping", "-n", "-c1", "-W1", self.target_address(family)]
        for _ in range(20):
            if self.client.run(ping, check=False).returncode == 0:
                break
        else:
            raise AssertionError(f"IPv{family} network does not carry packets")

        def find_neighbour(number: int) -> None:
            left, _ = self.edges[number]
            ping = ["ping", "-n", "-c1", "-W1", _link(number, 2, family)]
            self.spaces[left].run(ping, check=False)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(find_neighbour, range(len(self.edges))))

    def close(self) -> None:
        """Take everything down."""
        for space in self.spaces.values():
            space.delete()


def _link(number: int, side: int, family: int) -> str:
    """Return the address of a link's end: side 1 faces the target, side 2 the client."""
    if family == 6:
        return f"2001:db8:1:{number:x}::{side}"
    return f"198.19.{number // 64}.{number % 64 * 4 + side}"
