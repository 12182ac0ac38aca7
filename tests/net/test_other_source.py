"""Whose answer it is: the target's from another address, a router's from the target's own."""

import pytest

from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.netns import Netns
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tests.helpers.network.rows import Report, report

OTHER = {4: "198.18.99.7", 6: "2001:db8:0:99::7"}
LAN, ANYCAST = "2001:db8:aaaa::1", "2001:db8:aaaa::"
LENGTH = 4
ECHO = {4: "icmp type echo-reply", 6: "icmpv6 type echo-reply"}
CLOSED = {4: "icmp type destination-unreachable", 6: "icmpv6 type destination-unreachable"}
TCP, UDP = ("-T", "-P", str(OPEN_PORT)), ("-u", "-P", "5001")
GATEWAY = 2
"""The router that refuses, or that forwards ports."""


def answer_from(node: Netns, family: int, match: str) -> None:
    """These of the node's packets leave with another source."""
    ip = "ip" if family == 4 else "ip6"
    node.nft(
        f"table {ip} other {{\nchain c {{\ntype filter hook output priority 300\n"
        f"{match} {ip} saddr set {OTHER[family]}\n}}\n}}\n"
    )


def is_whole(seen: Report, chain: Chain, family: int, last: str) -> None:
    """Every hop, no loss, nothing foreign, the target reached at this address."""
    assert seen.addresses == [*chain.hops(family)[:-1], last]
    assert set(seen.losses().values()) == {0}
    assert (seen.reached, seen.foreign) == (True, 0)
    assert [hub["reached"] for hub in seen.hubs.values()] == [False] * (LENGTH - 1) + [True]


@FAMILIES
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("options", [(), UDP], ids=["icmp", "udp"])
def test_the_target_answers_from_another_address(
    family: int, other: bool, options: tuple[str, ...]
) -> None:
    with Chain(LENGTH - 1) as chain:
        if other:
            answer_from(chain.target, family, (CLOSED if options else ECHO)[family])
        target = chain.target_address(family)
        if not options:
            ping = chain.client.run(["ping", "-n", "-c3", "-i0.2", "-W1", target])
            assert " 0% packet loss" in ping.stdout
        seen = report(chain.client, "-c8", "-i0.2", *options, target)
        is_whole(seen, chain, family, OTHER[family] if other else target)


@pytest.mark.parametrize("options", [(), UDP], ids=["icmp", "udp"])
def test_an_anycast_address_is_answered_from_a_unicast_one(options: tuple[str, ...]) -> None:
    """The subnet-router anycast address (RFC 4291 §2.6.1) is no source (RFC 4443 §4.2)."""
    with Chain(LENGTH - 1) as chain:
        chain.target.ip(
            "link add lan type veth peer name port",
            f"address add {LAN}/64 dev lan nodad",
            "link set port up",
            "link set lan up",
        )
        ping = chain.client.run(["ping", "-n", "-c3", "-i0.2", "-W1", ANYCAST])
        assert " 0% packet loss" in ping.stdout
        seen = report(chain.client, "-c8", "-i0.2", *options, ANYCAST)
        # Linux answers an echo from an address of its own, and errors from the anycast one
        is_whole(seen, chain, 6, ANYCAST if options else chain.target_address(6))


@FAMILIES
@pytest.mark.parametrize("options", [(), TCP, UDP], ids=["icmp", "tcp", "udp"])
def test_a_router_that_rejects_is_not_the_target(family: int, options: tuple[str, ...]) -> None:
    """It answers as a target with a closed port would, but it is a hop of the path."""
    with Chain(LENGTH - 1) as chain:
        listen(chain.target, OPEN_PORT)
        icmp, kind = ("ip", "icmp") if family == 4 else ("ip6", "icmpv6")
        chain.router(GATEWAY).nft(
            f"table {icmp} refusing {{\nchain c {{\ntype filter hook forward priority 0\n"
            f"{icmp} daddr {chain.target_address(family)} reject with {kind} type "
            "port-unreachable\n}\n}\n"
        )
        seen = report(chain.client, "-c8", "-i0.2", *options, chain.target_address(family))
        assert seen.addresses[:GATEWAY] == chain.hops(family)[:GATEWAY]
        assert not seen.reached
        assert not any(hub["reached"] for hub in seen.hubs.values())
        assert {seen.hubs[ttl]["Loss%"] for ttl in range(1, GATEWAY + 1)} == {0}
        assert len(seen.hubs) <= GATEWAY + 1
        assert "!p" in str([hub["marks"] for hub in seen.hubs.values()])


@FAMILIES
@pytest.mark.parametrize("options", [(), TCP, UDP], ids=["icmp", "tcp", "udp"])
def test_a_router_that_forwards_ports_is_not_the_end(family: int, options: tuple[str, ...]) -> None:
    """Its time exceeded comes from the target's address, and so do errors from behind it."""
    with Chain(LENGTH - 1) as chain:
        listen(chain.target, OPEN_PORT)
        gate, ip = chain.hop(GATEWAY, family), "ip" if family == 4 else "ip6"
        chain.router(GATEWAY).nft(
            "table inet forwarding {\nchain c {\ntype nat hook prerouting priority dstnat\n"
            f"{ip} daddr {gate} meta l4proto {{tcp, udp}} dnat {ip} to "
            f"{chain.target_address(family)}\n}}\n}}\n"
        )
        seen = report(chain.client, "-c8", "-i0.2", *options, gate)
        end = LENGTH if options else GATEWAY
        shown = chain.hops(family)[: GATEWAY - 1]
        assert seen.addresses == shown + [gate] * (end - GATEWAY + 1)
        assert set(seen.losses().values()) == {0}
        assert (seen.reached, seen.foreign) == (True, 0)
        assert [ttl for ttl, hub in seen.hubs.items() if hub["reached"]] == [end]
