"""Which probe a quote is of: what NAT rewrote still matches, what is somebody else's never does."""

import random
import struct
from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from tui_trace.engine.matching import match_reply
from tui_trace.engine.probe_ids import ProbeIdGenerator
from tui_trace.engine.probe_registry import Probe, ProbeRegistry

from tests.helpers.simulated_network import SimNet
from tui_trace.core.events import Stamp
from tui_trace.core.settings import DnatMode, FlowMode, ProbeIdField, ProbeSettings, Protocol
from tui_trace.engine.flows import Flows, PortBook
from tui_trace.engine.run_state import EngineRun
from tui_trace.wire.network import ProbeSpec, QuoteDetails, ReceivedReply
from tui_trace.wire.packets import decoder, icmp_extensions, quote_diff
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS

US = {4: "192.0.2.77", 6: "2001:db8::77"}
OUTSIDE = {4: "198.51.100.7", 6: "2001:db8:8::7"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
INSIDE = {4: "198.51.100.80", 6: "2001:db8:9::80"}
PORT, CHECKSUM = 33434, 0x1234
LIVE = 200
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", list(Protocol))


class Wire:
    """A ledger of probes in flight, and quotes of them or of others, all as bytes."""

    def __init__(self, family: int, seed: int = 1, **fields: Any) -> None:
        self.family = family
        self.settings = ProbeSettings(**{"port": PORT, "size": 90, "number": 99, **fields})
        self.rng = random.Random(seed)
        self.template = Template(self.settings, US[family], TARGET[family], family, 7)
        self.identity = ProbeIdGenerator(self.rng)
        self.ledger = ProbeRegistry()
        book = PortBook(SimNet())
        self.run = EngineRun(1, self.settings, Flows(self.settings, book, CHECKSUM))
        self.probes = [self.send(number) for number in range(LIVE)]
        self.flows = {probe.flow[0] for probe in self.probes}

    def send(self, number: int) -> Probe:
        flow = self.run.flows.choose(0, False, 0)
        assert flow is not None
        is_long = self.settings.protocol in (Protocol.TCP, Protocol.IP)
        key = self.identity.long_key if is_long else self.identity.short_key
        probe = Probe(
            number=number,
            run=self.run,
            ttl=5,
            protocol=self.settings.protocol,
            flow_index=0,
            flow=flow,
            key=key(number),
            ip_id=self.identity.ip_id(number),
            tcp_data_length=0,
            monotonic=0,
            wall=0,
            epoch=0,
            may_reach_target=False,
            is_first=False,
            is_scout=False,
        )
        self.ledger.add(probe)
        self.run.add_sent(probe)
        return probe

    def packet(self, probe: Probe) -> bytes:
        return bytes(self.template.probe(1, probe.flow, probe.key, probe.ip_id))

    def answer(self, quote: bytes, length: int = 200) -> ReceivedReply | None:
        kind = 11 if self.family == 4 else 3
        message = bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + quote[:length]
        received = ReceivedPacket(message, 0, "203.0.113.1", 60, 0, Stamp.KERNEL, False)
        answer = (decoder.decode_icmpv4 if self.family == 4 else decoder.decode_icmpv6)(received)
        if answer is None:
            return None
        return quote_diff.undo_nat(answer, US[self.family], TARGET[self.family])

    def quoted(self, probe: ProbeSpec, answer: ReceivedReply) -> QuoteDetails:
        quote, _ = icmp_extensions.split_extensions(answer.message, self.family)
        sent = self.template.probe(answer.quoted_ttl or 0, probe.flow, probe.key, probe.ip_id)
        return QuoteDetails(*quote_diff.diff_quote(bytes(sent), quote, self.family))

    def match(self, quote: bytes, length: int = 200) -> Probe | None:
        answer = self.answer(quote, length)
        if answer is None:
            return None
        return match_reply(self.ledger, answer, TARGET[self.family], self.quoted)

    def rewritten(self, probe: Probe, **fields: Any) -> bytes:
        """The probe's packet with these fields, and the checksums that follow from them."""
        return rewritten(self.packet(probe), self.family, **fields)


def rewritten(data: bytes, family: int, **fields: Any) -> bytes:
    packet: Any = (IP if family == 4 else IPv6)(data)
    for name, value in fields.items():
        below = name in ("src", "dst", "ip_id")
        setattr(packet if below else packet.payload, name.removeprefix("ip_"), value)
    if family == 4:
        del packet.chksum
    for layer in (TCP, UDP, ICMP):
        if layer in packet:
            del packet[layer].chksum
    if ICMPv6EchoRequest in packet:
        del packet[ICMPv6EchoRequest].cksum
    return bytes(packet)


@FAMILIES
@PROTOCOLS
@pytest.mark.parametrize("dnat", DnatMode)
@pytest.mark.parametrize("length", [48, 200])
def test_a_destination_rewritten(
    protocol: Protocol, family: int, dnat: DnatMode, length: int
) -> None:
    wire = Wire(family, protocol=protocol, dnat=dnat)
    for probe in wire.probes:
        quote = wire.rewritten(probe, dst=INSIDE[family])
        assert wire.match(quote, length) is (None if dnat is DnatMode.OFF else probe)
        assert wire.match(wire.packet(probe), length) is probe


@pytest.mark.parametrize(
    ("protocol", "family"),
    [(Protocol.TCP, 4), (Protocol.TCP, 6), (Protocol.UDP, 4), (Protocol.UDP, 6)],
)
def test_a_destination_port_rewritten_too(protocol: Protocol, family: int) -> None:
    wire = Wire(family, protocol=protocol)
    for probe in wire.probes:
        quote = wire.rewritten(probe, dst=INSIDE[family], dport=8080)
        assert wire.match(quote, 48) is probe


@FAMILIES
@pytest.mark.parametrize("protocol", [Protocol.ICMP, Protocol.UDP, Protocol.TCP])
def test_a_source_rewritten(protocol: Protocol, family: int) -> None:
    own = "id" if protocol is Protocol.ICMP else "sport"
    wire = Wire(family, protocol=protocol)
    for probe in wire.probes:
        for fields in ({own: 61000}, {}):
            quote = wire.rewritten(probe, src=OUTSIDE[family], **fields)
            assert wire.match(quote, 28 if family == 4 else 48) is probe


_address = st.integers(1, (1 << 64) - 1).map(lambda host: str(IPv6Address((0xFD66 << 112) + host)))
_WIRE6 = [Wire(6, seed, protocol=Protocol.UDP, flow=flow) for seed, flow in enumerate(FlowMode)]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(_WIRE6),
    st.integers(0, LIVE - 1),
    _address,
    _address,
    st.integers(1, 0xFFFF),
    st.sampled_from([48, 200]),
    st.sampled_from(["src", "dst"]),
)
def test_nat66_of_udp(
    wire: Wire, number: int, outside: str, inside: str, port: int, length: int, end: str
) -> None:
    """Whatever address and port it gives a probe, the quote is of that probe and no other."""
    probe = wire.probes[number]
    ports = {"src": "sport", "dst": "dport"}
    fields: dict[str, Any] = {end: outside, ports[end]: port}
    assert wire.match(wire.rewritten(probe, **fields), length) is probe
    # both ends at once, one port
    fields = {"src": outside, "dst": inside, ports[end]: port}
    assert wire.match(wire.rewritten(probe, **fields), length) is probe


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(_WIRE6),
    st.integers(0, LIVE - 1),
    _address,
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFF),
    st.integers(1, 0xFFFFF),
    st.sampled_from(["src", "dst"]),
)
def test_what_no_nat66_does_to_udp(
    wire: Wire, number: int, address: str, port: int, noise: int, label: int, end: str
) -> None:
    """A number of ours that does not fit the rest, or a flow label of somebody else's."""
    probe = wire.probes[number]
    quote = bytearray(wire.rewritten(probe, **{end: address}))
    (was,) = struct.unpack_from("!H", quote, 46)
    struct.pack_into("!H", quote, 46, was ^ noise)
    found = wire.match(bytes(quote), 48)
    assert found is not probe
    if end == "src" and port != probe.flow[0]:
        quote = bytearray(wire.rewritten(probe, src=address, sport=port))
        (first,) = struct.unpack_from("!I", quote)
        struct.pack_into("!I", quote, 0, first ^ label)
        assert wire.match(bytes(quote), 48) is None


@PROTOCOLS
def test_an_ip_id_rewritten(protocol: Protocol) -> None:
    for dnat in (DnatMode.MATCH, DnatMode.OFF):
        wire = Wire(4, protocol=protocol, dnat=dnat)
        for probe in wire.probes:
            found = wire.match(wire.rewritten(probe, ip_id=0), 28)
            assert found is (probe if dnat is DnatMode.MATCH else None)


def test_a_firewall_that_renumbers_tcp_is_seen_through_by_ip_id() -> None:
    for track in (ProbeIdField.SEQUENCE, ProbeIdField.IP_ID):
        wire = Wire(4, protocol=Protocol.TCP, track=track)
        for probe in wire.probes:
            quote = wire.rewritten(probe, seq=probe.key ^ 0x5555)
            assert wire.match(quote, 28) is (probe if track is ProbeIdField.IP_ID else None)
            quote = wire.rewritten(probe, seq=probe.key ^ 0x5555, dst=INSIDE[4], dport=8080)
            assert wire.match(quote, 28) is (probe if track is ProbeIdField.IP_ID else None)


@FAMILIES
@pytest.mark.parametrize("protocol", [Protocol.UDP, Protocol.TCP])
def test_ports_tell_probes_apart_where_all_else_is_rewritten(
    protocol: Protocol, family: int
) -> None:
    wire = Wire(family, protocol=protocol, track=ProbeIdField.PORT)
    recent = wire.probes[-128:]
    assert len({probe.flow[0] for probe in recent}) == 128
    for probe in recent:
        fields: dict[str, Any] = {"ip_id": 9} if family == 4 else {}
        if protocol is Protocol.TCP:
            fields["seq"] = 77
        quote = bytearray(wire.rewritten(probe, dst=INSIDE[family], dport=8080, **fields))
        assert wire.match(bytes(quote), 48) is probe


@pytest.mark.slow
@pytest.mark.parametrize("track", ProbeIdField)
def test_no_reply_of_a_foreign_flow_in_a_hundred_thousand(track: ProbeIdField) -> None:
    """Other programs of this machine probe the same target; some of their numbers are ours."""
    tries = 0
    protocols = [Protocol.UDP, Protocol.TCP] if track is ProbeIdField.PORT else list(Protocol)
    each = 100_000 // len(protocols) // 2
    for family in (4, 6):
        for protocol in protocols:
            wire = Wire(family, protocol=protocol, track=track)
            for _ in range(each):
                assert wire.match(foreign(wire), wire.rng.choice((48, 200))) is None
                tries += 1
    assert tries == 100_000


def foreign(wire: Wire) -> bytes:
    """A probe to the target, or to where NAT sends it, that is not of our flows."""
    rng, probe = wire.rng, wire.rng.choice(wire.probes)
    own = rng.randrange(0x10000)
    while own in wire.flows:
        own = rng.randrange(0x10000)
    second = probe.flow[1] if rng.random() < 0.8 else rng.randrange(1, 0xFFFF)
    wide = wire.settings.protocol in (Protocol.TCP, Protocol.IP)
    key = rng.randrange(1, 1 << (32 if wide else 16))
    key = probe.key if rng.random() < 0.5 else key
    ip_id = probe.ip_id if rng.random() < 0.5 else rng.randrange(1, 0x10000)
    packet = bytearray(wire.template.probe(1, (own, second), key, ip_id))
    if rng.random() < 0.3:
        at = 16 if wire.family == 4 else 24
        packet[at : at + (4 if wire.family == 4 else 16)] = rng.randbytes(
            4 if wire.family == 4 else 16
        )
    return bytes(packet)


def datagram(family: int, number: int, above: bytes, sender: str) -> ReceivedReply | None:
    """As it comes off a packet socket."""
    if family == 4:
        data = bytes(IP(src=sender, dst=US[4], proto=number) / above)
        received = decoder.from_ip4(data, 0, Stamp.KERNEL)
    else:
        data = bytes(IPv6(src=sender, dst=US[6], nh=number) / above)
        received = decoder.from_ip6(data, 0, Stamp.KERNEL)
    assert received is not None
    assert received.address == sender
    return PROBE_PROTOCOLS[family][Protocol.IP].decode_reply(received)


@FAMILIES
@pytest.mark.parametrize("number", [132, 33, 136, 47, 253])
def test_a_datagram_of_the_targets_own(family: int, number: int) -> None:
    """It goes to the oldest probe that it can be for, in its own protocol."""
    wire = Wire(family, protocol=Protocol.IP, number=number)
    own, other = wire.probes[0].flow
    has_ports = number in (132, 33, 136)

    def found(number: int, ports: tuple[int, int], sender: str) -> Probe | None:
        above = b"".join(port.to_bytes(2, "big") for port in ports) + bytes(8)
        answer = datagram(family, number, above, sender)
        assert answer is not None
        return match_reply(wire.ledger, answer, TARGET[family], wire.quoted)

    assert found(number, (other, own), TARGET[family]) is wire.probes[0]
    assert found(number, (other, own), INSIDE[family]) is None
    assert found(99, (other, own), TARGET[family]) is None
    for ports in ((own, other), (other, own ^ 1), (other ^ 1, own)):
        assert found(number, ports, TARGET[family]) is (None if has_ports else wire.probes[0])
    assert datagram(family, number, b"abc", TARGET[family]) is None
