"""A chain of real Linux routers: client — r1 — r2 … rN — target, over IPv4 and IPv6.

Link k joins node k-1 to node k; the client is node 0, the target node N+1. Node k answers as
`198.18.k.2` and `2001:db8:0:k::2`, so hop k of a trace is `chain.hop(k)`.
"""

import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.helpers.closing import Closing
from tests.helpers.network import netns
from tests.helpers.network.delay_relay import DelayRelay
from tests.helpers.network.fault_injection import masquerade, silence
from tests.helpers.network.middlebox import Middlebox
from tests.helpers.network.netns import Netns

UP = "up0"
"""Interface towards the client."""
DOWN = "down0"
"""Interface towards the target."""

SYSCTLS = {
    "ipv4__ip_forward": 1,
    "ipv4__icmp_ratelimit": 0,
    "ipv4__icmp_msgs_per_sec": 1_000_000,
    "ipv4__icmp_msgs_burst": 1_000_000,
    "ipv4__icmp_errors_use_inbound_ifaddr": 1,
    "ipv4__conf__all__rp_filter": 0,
    "ipv4__conf__default__rp_filter": 0,
    "ipv4__fib_multipath_hash_policy": 1,
    "ipv6__icmp__ratelimit": 0,
    "ipv6__conf__all__forwarding": 1,
    "ipv6__conf__default__forwarding": 1,
    "ipv6__conf__default__accept_dad": 0,
    "ipv6__conf__default__router_solicitations": 0,
}

_numbers = itertools.count()


def address(link: int, side: int, family: int) -> str:
    """Address on a link: side 1 faces the target, side 2 the client."""
    text = f"198.18.{link}.{side}" if family == 4 else f"2001:db8:0:{link:x}::{side:x}"
    return str(ipaddress.ip_address(text))


class Chain(Closing):
    """Client, routers and target. A context manager; `close` takes it all down."""

    def __init__(
        self,
        routers: int,
        *,
        silent: Iterable[int] = (),
        relay: int | None = None,
        rewrites: Sequence[str] = (),
    ):
        """Build it. `silent` routers send no time exceeded; a relay may stand in link `relay`.

        With `rewrites` it is a middlebox that does these.
        """
        self.length = routers + 1
        """The target's TTL."""
        self.relay: DelayRelay | None = None
        self._box: Middlebox | None = None
        self.silent_hops = tuple(silent)
        number = next(_numbers)
        names = [f"{number}c", *(f"{number}r{k}" for k in range(1, routers + 1)), f"{number}t"]
        self.nodes = netns.make_all(names)
        self._relay_space = netns.make_all([f"{number}d"])[0] if relay is not None else None
        try:
            self._build(relay, rewrites)
        except BaseException:
            self.close()
            raise

    @property
    def client(self) -> Netns:
        """Where probers run."""
        return self.nodes[0]

    @property
    def target(self) -> Netns:
        """The last node."""
        return self.nodes[-1]

    def router(self, ttl: int) -> Netns:
        """The node that answers at this TTL."""
        return self.nodes[ttl]

    def hop(self, ttl: int, family: int = 4) -> str:
        """Address that answers at this TTL."""
        return address(min(ttl, self.length), 2, family)

    def hops(self, family: int = 4) -> list[str | None]:
        """What a perfect trace shows: an address each, None for a silent router."""
        return [
            None if ttl in self.silent_hops else self.hop(ttl, family)
            for ttl in range(1, self.length + 1)
        ]

    def target_address(self, family: int = 4) -> str:
        """Address to trace to."""
        return self.hop(self.length, family)

    def source_address(self, family: int = 4) -> str:
        """The client's address."""
        return address(1, 1, family)

    def _build(self, relay: int | None, rewrites: Sequence[str]) -> None:
        spaces = self.nodes + ([self._relay_space] if self._relay_space else [])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda space: space.sysctl(**SYSCTLS), spaces))
            links = []
            for link in range(1, self.length + 1):
                left, right = self.nodes[link - 1].name, self.nodes[link].name
                if link == relay and self._relay_space is not None:
                    middle = self._relay_space.name
                    links.append(_veth(left, DOWN, middle, UP))
                    links.append(_veth(middle, DOWN, right, UP))
                else:
                    links.append(_veth(left, DOWN, right, UP))
            netns.batch(links)
            list(pool.map(self._address, range(len(self.nodes))))
        if self._relay_space is not None:
            self._relay_space.sysctl(ipv6__conf__all__disable_ipv6=1)
            self._relay_space.ip(f"link set {UP} up", f"link set {DOWN} up")
            if rewrites:
                self._box = Middlebox(self._relay_space, UP, DOWN, rewrites)
            else:
                self.relay = DelayRelay(self._relay_space, UP, DOWN)
        for router in self.silent_hops:
            silence(self.nodes[router])
        for family in (4, 6):
            self.warm_up(family)

    def _address(self, node: int) -> None:
        lines = ["link set lo up"]
        for family, everywhere in ((4, "0.0.0.0/0"), (6, "::/0")):
            width, flags = (24, "") if family == 4 else (64, " nodad")
            if node > 0:
                lines.append(f"address add {address(node, 2, family)}/{width} dev {UP}{flags}")
            if node < self.length:
                lines.append(
                    f"address add {address(node + 1, 1, family)}/{width} dev {DOWN}{flags}"
                )
            if family == 4:
                lines += [f"link set {UP} up"] if node > 0 else []
                lines += [f"link set {DOWN} up"] if node < self.length else []
            back = address(node, 1, family) if node else ""
            if node == self.length:
                lines.append(f"route add {everywhere} via {back}")
            else:
                lines.append(f"route add {everywhere} via {address(node + 1, 2, family)}")
                if node > 1:
                    client = ipaddress.ip_network(f"{self.source_address(family)}/{width}", False)
                    lines.append(f"route add {client} via {back}")
        self.nodes[node].ip(*lines)

    def masquerade(self) -> None:
        """Make the first router a home NAT; who lies behind it learns where its address is."""
        for ttl in range(3, self.length):
            self.router(ttl).ip(
                f"route add 198.18.2.0/24 via {address(ttl, 1, 4)}",
                f"route add 2001:db8:0:2::/64 via {address(ttl, 1, 6)}",
            )
        masquerade(self.router(1))

    def warm_up(self, family: int) -> None:
        """Have every link resolve its neighbours; fails if the target does not answer."""
        for _ in range(20):
            done = self.client.run(
                ["ping", "-n", "-c1", "-W1", self.target_address(family)], check=False
            )
            if done.returncode == 0:
                return
        raise AssertionError(f"IPv{family} chain does not carry packets: {done.stdout}")

    def close(self) -> None:
        """Take everything down."""
        for box in (self.relay, self._box):
            if box is not None:
                box.close()
        for space in self.nodes + ([self._relay_space] if self._relay_space else []):
            space.delete()


def _veth(left: str, left_name: str, right: str, right_name: str) -> str:
    return f"link add {left_name} netns {left} type veth peer name {right_name} netns {right}"
