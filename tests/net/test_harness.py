"""The harness itself: it measures what it says, and lets no probe out."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6

from tests.helpers.network import peers
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.delay_relay import DelayRelay
from tests.helpers.network.fault_injection import Dropping
from tests.helpers.network.netns import Netns, NotOursError
from tests.helpers.network.packet_parser import parse
from tests.helpers.network.params import OPEN_PORT

FAMILIES = pytest.mark.parametrize("family", [4, 6])


def test_no_prober_starts_outside_a_namespace_of_ours() -> None:
    with pytest.raises(NotOursError):
        Netns("never-made").run(["true"])
    with pytest.raises(NotOursError):
        Netns("never-made").popen(["true"])


@FAMILIES
def test_relay_delays_by_what_it_was_told(family: int) -> None:
    with Chain(2, relay=2) as chain:
        assert isinstance(chain.relay, DelayRelay)
        chain.relay.delay(100, 200)
        with Capture(chain.client, DOWN) as capture:
            chain.client.run(["ping", "-n", "-c5", "-i0.2", chain.target_address(family)])
            seen = capture.stop()
        source, target = chain.source_address(family), chain.target_address(family)
        asked = [one.wall for one in probes(seen, source, target)]
        echo_reply = 0 if family == 4 else 129
        told = [
            one.wall
            for one in seen
            if one.packet.source == target and one.packet.transport[0] == echo_reply
        ]
        rtts = [back - out for out, back in zip(asked, told, strict=True)]
        # a busy machine makes it late, never early
        assert 300e6 <= min(rtts) < 350e6


@FAMILIES
def test_peers_see_the_chain(plain: Chain, family: int) -> None:
    target = plain.target_address(family)
    expected = plain.hops(family)
    assert [
        hop.address for hop in peers.mtr(plain.client, target, "-c1", "-G1", "-i0.1")
    ] == expected
    assert [hop.address for hop in peers.traceroute(plain.client, target)] == expected
    raw = peers.parse_mtr_raw(peers.mtr_raw(plain.client, target, "-c2", "-G1", "-i0.1"))
    assert [len(raw[ttl]) for ttl in range(1, 10)] == [2] * 9
    assert all(rtt is not None for rtts in raw.values() for rtt in rtts)


def test_tcptraceroute_sees_the_chain(plain: Chain) -> None:
    found = peers.tcptraceroute(plain.client, plain.target_address(), OPEN_PORT)
    assert [hop.address for hop in found] == plain.hops()
    assert all(None not in hop.rtts_ms and len(hop.rtts_ms) == 3 for hop in found)


@FAMILIES
def test_drop_counter_counts_what_ping_misses(family: int) -> None:
    with Chain(2) as chain:
        target = chain.target_address(family)
        dropping = Dropping(chain.router(1), target, 30)
        done = chain.client.run(
            ["ping", "-n", "-f", "-c200", "-W1", target], check=False, timeout=20
        )
        received = int(done.stdout.split(" received")[0].split()[-1])
        assert dropping.counts() == (200, 200 - received)
        assert 0 < received < 200


def test_packets_are_read_as_scapy_writes_them() -> None:
    error = (
        IP(src="192.0.2.1", dst="192.0.2.9", ttl=60)
        / ICMP(type=11)
        / IP(src="192.0.2.9", dst="192.0.2.7", ttl=1, tos=0xB8, flags="DF", id=77)
        / TCP(sport=4000, dport=443, seq=0xDEADBEEF, flags="SEC")
    )
    packet = parse(bytes(error))
    assert packet.icmp == (11, 0)
    assert not packet.is_probe
    quote = packet.quote
    assert quote is not None
    assert (quote.ttl, quote.tos, quote.df, quote.ip_id) == (1, 0xB8, True, 77)
    assert (quote.ports, quote.sequence, quote.tcp_flags) == ((4000, 443), 0xDEADBEEF, 0xC2)
    six = parse(bytes(IPv6(src="2001:db8::1", dst="2001:db8::2", tc=0xB8, hlim=9) / TCP(dport=80)))
    assert (six.source, six.destination, six.tos, six.ttl) == (
        "2001:db8::1",
        "2001:db8::2",
        0xB8,
        9,
    )
    assert six.length == 60
