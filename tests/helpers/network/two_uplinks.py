"""A client with two uplinks, each through a router of its own, to one target.

The main table knows the first uplink only; table 100 the second one only.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.helpers.closing import Closing
from tests.helpers.network.capture import Capture
from tests.helpers.network.chain import SYSCTLS
from tests.helpers.network.netns import Netns, make_all
from tests.helpers.network.packet_parser import Packet

TABLE = 100
TARGET = {4: "198.18.9.9", 6: "2001:db8:0:9::9"}


class Uplink(NamedTuple):
    """One way out of the client."""

    interface: str
    number: int
    mtu: int

    def address(self, side: int, family: int) -> str:
        """Side 1 is the client's, side 2 its router's."""
        net = f"198.18.{self.number}." if family == 4 else f"2001:db8:0:{self.number}::"
        return f"{net}{side}"


FIRST, SECOND = Uplink("first", 1, 1500), Uplink("second", 2, 1400)
UPLINKS = FIRST, SECOND


class TwoUplinks(Closing):
    """Client, two routers and target; `close` takes them down."""

    def __init__(self) -> None:
        """Build it."""
        spaces = self._spaces = make_all(["u-client", "u-first", "u-second", "u-target"])
        self.client, *self.routers, self.target = spaces
        for space in spaces:
            space.sysctl(**SYSCTLS)
            space.ip("link set lo up")
        self.target.ip(*(f"addr add {one} dev lo" for one in (TARGET[4], f"{TARGET[6]}/128")))
        for uplink, router in zip(UPLINKS, self.routers, strict=True):
            self._join(uplink, router)

    def _join(self, uplink: Uplink, router: Netns) -> None:
        name, number = uplink.interface, uplink.number
        ends = ((self.client, name, 1), (router, "client", 2))
        self.client.ip(f"link add {name} type veth peer name client netns {router.name}")
        self._address(ends, number, uplink.mtu)
        router.ip(f"link add target type veth peer name {name} netns {self.target.name}")
        self._address(((router, "target", 1), (self.target, name, 2)), number + 10, 1500)
        table = "" if uplink is FIRST else f" table {TABLE}"
        for family, everywhere in ((4, "0.0.0.0/0"), (6, "::/0")):
            there = Uplink(name, number + 10, 0)
            self.client.ip(
                f"route add {everywhere} via {uplink.address(2, family)} dev {name}{table}"
            )
            router.ip(f"route add {TARGET[family]} via {there.address(2, family)}")
            width = 24 if family == 4 else 64
            back = ipaddress.ip_network(f"{uplink.address(1, family)}/{width}", strict=False)
            self.target.ip(f"route add {back} via {there.address(1, family)}")

    def _address(self, ends: tuple[tuple[Netns, str, int], ...], number: int, mtu: int) -> None:
        for space, name, side in ends:
            four, six = (Uplink("", number, 0).address(side, family) for family in (4, 6))
            space.ip(
                f"link set {name} mtu {mtu} up",
                f"addr add {four}/24 dev {name}",
                f"addr add {six}/64 dev {name} nodad",
            )

    @contextmanager
    def rule(self, words: str, family: int) -> Iterator[None]:
        """A rule of the client's (ip-rule(8)) for one IP version, in force in the block."""
        command = ["ip", f"-{family}", "rule"]
        self.client.run([*command, "add", *words.split()])
        try:
            yield
        finally:
            self.client.run([*command, "del", *words.split()])

    @contextmanager
    def watched(self, family: int) -> Iterator[dict[Uplink, list[Packet]]]:
        """What leaves for the target in the block, by uplink; filled at its end."""
        expression = f"dst host {TARGET[family]}"
        captures = {
            uplink: Capture(self.client, uplink.interface, expression) for uplink in UPLINKS
        }
        found: dict[Uplink, list[Packet]] = {}
        try:
            yield found
            for uplink, capture in captures.items():
                found[uplink] = [one.packet for one in capture.stop()]
        finally:
            for capture in captures.values():
                capture.close()

    def close(self) -> None:
        """Take everything down."""
        for space in self._spaces:
            space.delete()
