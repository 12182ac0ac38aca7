"""Many targets behind a tree of real Linux routers: which of them share what is known."""

import itertools

from tests.helpers.closing import Closing
from tests.helpers.network import netns
from tests.helpers.network.chain import SYSCTLS
from tests.helpers.network.netns import Netns

_numbers = itertools.count()


class TreeNetwork(Closing):
    """Client, one router, `cores` behind it, `accesses` behind each of these, and hosts.

    Behind each access router is one host with `targets` addresses. A target is at hop 4.
    """

    def __init__(self, cores: int = 2, accesses: int = 2, targets: int = 5) -> None:
        number = next(_numbers)
        self._above = {"in": "client"}
        for core in range(cores):
            self._above[f"core{core}"] = "in"
            for access in range(accesses):
                name = f"{core}-{access}"
                self._above[f"acc{name}"] = f"core{core}"
                self._above[f"host{name}"] = f"acc{name}"
        names = ["client", *self._above]
        spaces = netns.make_all([f"t{number}{name}" for name in names])
        self.spaces: dict[str, Netns] = dict(zip(names, spaces, strict=True))
        self._hosts = [name for name in names if name.startswith("host")]
        self._count = targets
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    @property
    def client(self) -> Netns:
        """Where probers run."""
        return self.spaces["client"]

    def targets(self) -> dict[str, list[str]]:
        """Return the addresses of each host."""
        return {
            name: [f"198.51.{place}.{n + 1}" for n in range(self._count)]
            for place, name in enumerate(self._hosts)
        }

    def address(self, name: str) -> str:
        """Return the address that a router answers with: that of the link that leads to it."""
        return f"198.18.{list(self._above).index(name)}.2"

    def lose(self, name: str, percent: int) -> None:
        """Have a router lose so many of the probes that come to it, to be forwarded or for it."""
        self.spaces[name].nft(
            "table inet faults {\n chain lose {\n type filter hook prerouting priority -400;\n"
            f" ip daddr 198.51.0.0/16 numgen random mod 100 < {percent} drop\n }}\n}}\n"
        )

    def limit(self) -> None:
        """Have all routers limit their ICMP errors as Linux does by default."""
        for name, space in self.spaces.items():
            if not name.startswith(("host", "client")):
                space.sysctl(ipv4__icmp_ratelimit=1000)

    def _is_behind(self, name: str, router: str) -> bool:
        while name in self._above:
            if name == router:
                return True
            name = self._above[name]
        return False

    def _build(self) -> None:
        links = []
        lines: dict[str, list[str]] = {name: ["link set lo up"] for name in self.spaces}
        for number, (name, above) in enumerate(self._above.items()):
            near, far = self.spaces[above].name, self.spaces[name].name
            links.append(f"link add d{number} netns {near} type veth peer name u0 netns {far}")
            lines[above] += [
                f"address add 198.18.{number}.1/30 dev d{number}",
                f"link set d{number} up",
            ]
            lines[name] += [
                f"address add 198.18.{number}.2/30 dev u0",
                "link set u0 up",
                f"route add default via 198.18.{number}.1",
            ]
        for place, host in enumerate(self._hosts):
            lines[host] += [f"address add {each}/32 dev lo" for each in self.targets()[host]]
            for number, (name, above) in enumerate(self._above.items()):
                if self._is_behind(host, name):
                    lines[above].append(f"route add 198.51.{place}.0/24 via 198.18.{number}.2")
        # links back and forth are reached by way of the tree, too
        for number, name in enumerate(self._above):
            for hop, (router, above) in enumerate(self._above.items()):
                if router != name and self._is_behind(name, router):
                    lines[above].append(f"route add 198.18.{number}.0/30 via 198.18.{hop}.2")
        netns.batch(links)
        for name, space in self.spaces.items():
            space.sysctl(**SYSCTLS)
            space.ip(*lines[name])

    def close(self) -> None:
        """Take it all down."""
        for space in self.spaces.values():
            space.delete()
