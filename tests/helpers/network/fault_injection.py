"""What goes wrong in a network, on purpose: each fault is done to one node, and some undone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.helpers.network.netns import Netns


def _table(name: str, hook: str, *rules: str) -> str:
    lines = "\n".join(rules)
    return (
        f"table inet {name} {{\nchain c {{\ntype filter hook {hook} priority 0\n{lines}\n}}\n}}\n"
    )


def silence(router: Netns) -> None:
    """The router sends no time exceeded any more."""
    drops = ("icmp type time-exceeded drop", "icmpv6 type time-exceeded drop")
    router.nft(_table("silent", "output", *drops))


def mute(target: Netns) -> None:
    """The target hears no probe any more, and its neighbours still find it."""
    drops = ("meta l4proto {icmp, tcp, udp} drop", "icmpv6 type echo-request drop")
    target.nft(_table("mute", "input", *drops))


class Dropping:
    """A router that drops some of what it forwards to one address, at random, and counts.

    Resets of the client's kernel are neither dropped nor counted: they are no probes.
    """

    def __init__(self, router: Netns, destination: str, percent: int) -> None:
        self._router = router
        match = f"{'ip6' if ':' in destination else 'ip'} daddr {destination}"
        rule = f"{match} numgen random mod 100 < {percent} counter drop"
        resets = "tcp flags & (syn | rst) == rst accept"
        router.nft(_table("dropping", "forward", resets, f"{match} counter", rule))

    def counts(self) -> tuple[int, int]:
        """Packets that came to be forwarded, and those of them that were dropped."""
        forwarded, dropped = _counters(self._router, "dropping")
        return forwarded, dropped


class DroppingAnswers:
    """A node that drops some of what it sends, at random, and counts."""

    def __init__(self, node: Netns, match: str, percent: int) -> None:
        """`match` is in nft's words: which of its packets are meant."""
        self._node = node
        rule = f"{match} numgen random mod 100 < {percent} counter drop"
        node.nft(_table("answers", "output", f"{match} counter", rule))

    def counts(self) -> tuple[int, int]:
        """Packets that came to be sent, and those of them that were dropped."""
        meant, dropped = _counters(self._node, "answers")
        return meant, dropped


class Sending:
    """Counts what leaves a node over IP."""

    def __init__(self, node: Netns) -> None:
        self._node = node
        node.nft(_table("sending", "output", "counter"))

    def count(self) -> int:
        """Packets since the beginning."""
        return _counters(self._node, "sending")[0]


def _counters(node: Netns, table: str) -> list[int]:
    listing = node.run(["nft", "-j", "list", "table", "inet", table])
    return [
        expression["counter"]["packets"]
        for entry in json.loads(listing.stdout)["nftables"]
        if "rule" in entry
        for expression in entry["rule"]["expr"]
        if "counter" in expression
    ]


def limit_errors(router: Netns, per_second: int) -> None:
    """The router's kernel sends each host at most so many ICMP errors a second."""
    pause_ms = 1000 // per_second
    router.sysctl(ipv4__icmp_ratelimit=pause_ms, ipv6__icmp__ratelimit=pause_ms)


def filter_resets(client: Netns) -> None:
    """The client's kernel cannot answer a SYN/ACK with RST."""
    client.nft(_table("resets", "output", "tcp flags & rst == rst drop"))


@contextmanager
def refusing(client: Netns, rule: str = "meta l4proto {icmp, icmpv6, udp, tcp}") -> Iterator[None]:
    """A firewall on the client itself: `sendto` fails with EPERM."""
    client.nft(_table("refusing", "output", f"{rule} drop"))
    yield
    client.nft("delete table inet refusing\n")


_TRACKING = "ct state invalid counter drop\nct state established,related accept"
_NEIGHBOURS = "icmpv6 type {nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert} accept"


def track_connections(host: Netns) -> None:
    """A firewall as ufw and firewalld set it up: only answers come in, none that is invalid."""
    host.nft(
        "table inet tracker {\nchain c {\n"
        "type filter hook input priority 0; policy drop\n"
        f"iif lo accept\n{_TRACKING}\n{_NEIGHBOURS}\n"
        "}\n}\n"
    )


def track_forwarded(router: Netns) -> None:
    """A stateful firewall on the way: what is invalid is dropped, and only the client begins."""
    router.nft(
        "table inet tracker {\nchain c {\n"
        "type filter hook forward priority 0; policy drop\n"
        f'{_TRACKING}\n{_NEIGHBOURS}\niifname "up0" accept\n'
        "}\n}\n"
    )


def masquerade(router: Netns) -> None:
    """A home NAT: the client's connections leave with the router's address.

    `Chain.masquerade` sees to it that the answers find their way back.
    """
    router.nft(
        "table inet home {\nchain c {\n"
        'type nat hook postrouting priority srcnat\noifname "down0" masquerade\n'
        "}\n}\n"
    )


_SERVER = """
import socket, sys
both = {"family": socket.AF_INET6, "dualstack_ipv6": True}
tcp = socket.create_server(("", int(sys.argv[1])), backlog=4096, **both)
print("ready", flush=True)
while True:
    tcp.accept()[0].close()
"""

_ECHO = """
import contextlib, os, socket, sys
with contextlib.suppress(PermissionError):  # a busy machine must not make the service slow
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.bind((sys.argv[2], int(sys.argv[1])))
print("ready", flush=True)
while True:
    answer = udp.recvfrom(65535)
    with contextlib.suppress(PermissionError):  # a firewall of this host's drops it
        udp.sendto(*answer)
"""


def listen(target: Netns, port: int, *, udp: bool = False, address: str = "") -> None:
    """Open a port until the namespace ends: TCP that accepts and closes, or UDP that echoes.

    UDP answers from `address`, where one is given.
    """
    mapped = f"::ffff:{address}" if "." in address else address
    program = _ECHO if udp else _SERVER
    server = target.popen(["python3", "-c", program, str(port), mapped], stderr=None)
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        raise AssertionError(f"nothing listens on port {port}")


def readdress(router: Netns, vip: str, real: str, client: str, *, ports: tuple[int, int]) -> None:
    """Send what goes to `vip` on to `real`, and answers back, without repairing any quote.

    TCP and UDP to the first of two ports goes to the second.
    """
    ip, alive = ("ip6", "hoplimit") if ":" in vip else ("ip", "ttl")
    outer, inner = ports
    way_in = f"{ip} daddr {vip} {ip} {alive} > 1"
    way_out = f"{ip} saddr {real} {ip} daddr {client}"
    router.nft(
        f"table {ip} readdress {{\n"
        "chain before {\n"
        "type filter hook prerouting priority -300\n"
        f"{way_in} tcp dport {outer} tcp dport set {inner}\n"
        f"{way_in} udp dport {outer} udp dport set {inner}\n"
        f"{way_in} {ip} daddr set {real}\n"
        "}\n"
        "chain after {\n"
        "type filter hook postrouting priority 300\n"
        f"{way_out} tcp sport {inner} tcp sport set {outer}\n"
        f"{way_out} {ip} saddr set {vip}\n"
        "}\n"
        "}\n"
    )
