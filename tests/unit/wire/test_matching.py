"""Which probe a quote is of: what NAT rewrote still matches, what is somebody else's never does."""

import random
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import (
    DnatMode,
    FlowMode,
    ProbeIdField,
    ProbeSettings,
    Protocol,
    minimum_size,
)
from tui_trace.wire.matching import Matcher
from tui_trace.wire.network import OutgoingProbe, ReceivedReply
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.checksum import ones_sum
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.probe_ids import ProbeIdGenerator
from tui_trace.wire.quotes import KEPT_BYTES
from tui_trace.wire.sent_probes import KEEP_TIME, MAX_PROBES, SentProbes

US = {4: "192.0.2.77", 6: "2001:db8::77"}
OUTSIDE = {4: "198.51.100.7", 6: "2001:db8:8::7"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
INSIDE = {4: "198.51.100.80", 6: "2001:db8:9::80"}
PORT, CHECKSUM, SOURCE_PORT = 33434, 0x1234, 40_000
LIVE = 200
SHORT = {4: 28, 6: 48}
"""Bytes that every router quotes: the IP header and eight more."""
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", list(Protocol))

AT_ONCE, KEPT_BACK, BOTH, FOREIGN = "at once", "kept back", "both", "foreign"
BY_THE_SECOND = [KEPT_BACK, BOTH, AT_ONCE]


class Wire:
    """What was sent, and quotes of it or of others, all as bytes."""

    def __repr__(self) -> str:
        return f"Wire({self.family}, {self.settings})"

    def __init__(self, family: int, seed: int = 1, **fields: Any) -> None:
        self.family = family
        least = minimum_size(fields["protocol"], family)
        usual = {"port": PORT, "size": max(90, least), "number": 99}
        self.settings = ProbeSettings(**{**usual, **fields})
        self.rng = random.Random(seed)
        self.protocol = PROBE_PROTOCOLS[family][self.settings.protocol]
        self.template = Template(self.settings, US[family], TARGET[family], family, 0x4711A)
        self.others = Template(self.settings, US[family], TARGET[family], family, 0x1B0B0)
        """Another program's."""
        self.ids = ProbeIdGenerator(self.rng)
        self.sent: SentProbes[OutgoingProbe] = SentProbes()
        self.matcher = Matcher(self.sent)
        self.probes = [self.send(number) for number in range(LIVE)]
        self.flows = {probe.flow[0] for probe in self.probes}

    def send(self, number: int, monotonic: int = 0) -> OutgoingProbe:
        probe = OutgoingProbe(self.settings, 5, self.flow(number), monotonic, 0)
        probe.target = TARGET[self.family]
        probe.data_length = self.protocol.data_length(self.settings)
        probe.key, probe.ip_id = self.ids.next_ids(self.settings.protocol, probe.data_length)
        probe.packet = self.packet(probe)[:KEPT_BYTES]
        self.sent.add(probe, self.protocol)
        return probe

    def flow(self, number: int) -> tuple[int, int]:
        second = CHECKSUM if self.settings.protocol is Protocol.ICMP else PORT
        if self.settings.track is ProbeIdField.PORT:
            return SOURCE_PORT + number % 128, second
        if self.settings.flow is FlowMode.VARY:
            return SOURCE_PORT + number % 16, second
        if self.settings.flow is FlowMode.CLASSIC:
            return SOURCE_PORT, second + number
        return SOURCE_PORT, second

    def packet(self, probe: OutgoingProbe) -> bytes:
        return bytes(self.template.probe(5, probe.flow, probe.key, probe.ip_id))

    def answer(self, quote: bytes, length: int = 200) -> ReceivedReply | None:
        kind = 11 if self.family == 4 else 3
        message = bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + quote[:length]
        received = ReceivedPacket(message, 0, "203.0.113.1", 60, 0, Stamp.KERNEL, False)
        return (decoder.decode_icmpv4 if self.family == 4 else decoder.decode_icmpv6)(received)

    def match(self, quote: bytes, length: int = 200) -> OutgoingProbe | None:
        """The probe that one quote is credited to; None: to none, or not yet."""
        answer = self.answer(quote, length)
        matches = None if answer is None else self.matcher.match(answer)
        return matches[-1].probe if matches else None

    def feed(self, quotes: Iterable[tuple[OutgoingProbe, bytes]], length: int = 200) -> list[str]:
        """What becomes of quotes, each of which is of the probe that it comes with."""
        self.matcher = Matcher(self.sent)
        probes: list[OutgoingProbe] = []
        fates = []
        for number, (probe, quote) in enumerate(quotes):
            probes.append(probe)
            answer = self.answer(quote, length)
            assert answer is not None
            matches = self.matcher.match(answer._replace(wall=number))
            for found, reply in matches or ():
                assert found is probes[reply.wall]
            fates.append(FOREIGN if matches is None else (KEPT_BACK, AT_ONCE, BOTH)[len(matches)])
        return fates

    def fates(self, length: int = 200, **fields: Any) -> list[str]:
        """What becomes of the first quotes of this run in which these fields are rewritten."""
        fates = self.feed(((each, self.rewritten(each, **fields)) for each in self.probes), length)
        assert set(fates[2:]) == {fates[2]}
        return fates[:3]

    def fates_of_bytes(self, length: int, *places: tuple[int, bytes]) -> list[str]:
        """The same where bytes are overwritten above IP, and no checksum follows."""
        start = 20 if self.family == 4 else 40

        def overwritten(probe: OutgoingProbe) -> bytes:
            quote = bytearray(self.packet(probe))
            for at, data in places:
                quote[start + at : start + at + len(data)] = data
            return bytes(quote)

        fates = self.feed(((each, overwritten(each)) for each in self.probes), length)
        assert set(fates[2:]) == {fates[2]}
        return fates[:3]

    def rewritten(self, probe: OutgoingProbe, **fields: Any) -> bytes:
        """The probe's packet with these fields, and the checksums that follow from them."""
        return rewritten(self.packet(probe), self.family, **fields)


def rewritten(data: bytes, family: int, **fields: Any) -> bytes:
    packet: Any = (IP if family == 4 else IPv6)(data)
    for name, value in fields.items():
        below = name in ("src", "dst") or name.startswith("ip_")
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
    assert wire.fates(SHORT[family], src=OUTSIDE[family]) == [AT_ONCE] * 3
    # of UDP, only a sum and the IP ID or the flow label are left
    expected = BY_THE_SECOND if protocol is Protocol.UDP else [AT_ONCE] * 3
    assert wire.fates(SHORT[family], src=OUTSIDE[family], **{own: 61000}) == expected


_address = st.integers(1, (1 << 64) - 1).map(lambda host: str(IPv6Address((0xFD66 << 112) + host)))
_WIRE6 = [
    Wire(6, seed, protocol=Protocol.UDP, flow=flow)
    for seed, flow in enumerate((FlowMode.CONSTANT, FlowMode.CLASSIC))
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(_WIRE6),
    st.integers(0, LIVE - 2),
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
    two = wire.probes[number : number + 2]
    ports = {"src": "sport", "dst": "dport"}
    fields: dict[str, Any] = {end: outside, ports[end]: port}
    lost_port = end == "src" and port != SOURCE_PORT
    expected = [KEPT_BACK, BOTH] if lost_port else [AT_ONCE, AT_ONCE]
    assert wire.feed([(each, wire.rewritten(each, **fields)) for each in two], length) == expected
    # both ends at once, one port
    fields = {"src": outside, "dst": inside, ports[end]: port}
    assert wire.feed([(each, wire.rewritten(each, **fields)) for each in two], length) == expected


@FAMILIES
def test_nat_that_turns_the_checksum_into_another_probes(family: int) -> None:
    """By chance, one probe in so many that are kept; here all destination ports are tried."""
    wire = Wire(family, protocol=Protocol.UDP)
    probe, keys = wire.probes[0], {each.key for each in wire.probes[1:]}
    tried = 0
    for port in range(1, 3000):
        quote = wire.rewritten(probe, dst=INSIDE[family], dport=port)
        start = 20 if family == 4 else 40
        if int.from_bytes(quote[start + 6 : start + 8], "big") in keys:
            tried += 1
            assert wire.match(quote, SHORT[family]) is probe
    assert tried


@settings(max_examples=200, deadline=None)
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
    wire.matcher = Matcher(wire.sent)
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
    """Of UDP, 28 bytes have only the port and the checksum left."""
    expected = BY_THE_SECOND if protocol.transport is Protocol.UDP else [AT_ONCE] * 3
    assert Wire(4, protocol=protocol).fates(28, ip_id=0) == expected
    assert Wire(4, protocol=protocol, dnat=DnatMode.OFF).fates(28, ip_id=0) == [FOREIGN] * 3


@PROTOCOLS
@pytest.mark.parametrize("length", [48, 200])
def test_a_flow_label_zeroed(protocol: Protocol, length: int) -> None:
    """Of UDP, the port and the checksum are left, and what follows from them; of QUIC, its IDs."""
    is_cut = protocol is Protocol.QUIC and length == 48
    expected = BY_THE_SECOND if protocol is Protocol.UDP or is_cut else [AT_ONCE] * 3
    assert Wire(6, protocol=protocol).fates(length, ip_fl=0) == expected


@pytest.mark.parametrize("checksum", [b"\0\0", b"\x5a\xa5"])
@pytest.mark.parametrize(
    ("length", "fates"), [(28, BY_THE_SECOND), (200, [AT_ONCE] * 3)], ids=["short", "whole"]
)
def test_a_udp_checksum_that_is_zeroed_or_not_restored(
    checksum: bytes, length: int, fates: list[str]
) -> None:
    """Port and IP ID are left, and in whole quotes the filler."""
    assert Wire(4, protocol=Protocol.UDP).fates_of_bytes(length, (6, checksum)) == fates


def test_a_udp_checksum_rewritten_in_ipv6() -> None:
    wire = Wire(6, protocol=Protocol.UDP)
    assert wire.fates_of_bytes(200, (6, b"\x5a\xa5")) == [AT_ONCE] * 3
    # the flow label is the same in all probes: nothing is left that tells which one it is
    assert wire.fates_of_bytes(48, (6, b"\x5a\xa5")) == [FOREIGN] * 3


@FAMILIES
@pytest.mark.parametrize("track", [ProbeIdField.SEQUENCE, ProbeIdField.IP_ID])
def test_a_firewall_that_renumbers_tcp_is_seen_through(family: int, track: ProbeIdField) -> None:
    wire = Wire(family, protocol=Protocol.TCP, track=track)
    renumbered = [(4, b"\x12\x34\x56\x78")]
    assert wire.fates_of_bytes(200, *renumbered) == [AT_ONCE] * 3, "the timestamp proves it"
    short = FOREIGN if family == 6 else AT_ONCE
    expected = [short] * 3 if track is ProbeIdField.IP_ID or family == 6 else BY_THE_SECOND
    assert wire.fates_of_bytes(SHORT[family], *renumbered) == expected
    fields: dict[str, Any] = {"seq": 77, "dst": INSIDE[family], "dport": 8080}
    assert wire.fates(SHORT[family], **fields) == expected


def test_quotes_of_one_probe_alone_prove_no_middlebox() -> None:
    wire = Wire(4, protocol=Protocol.TCP)
    quote = wire.rewritten(wire.probes[0], seq=77)
    assert wire.feed([(wire.probes[0], quote)] * 5, 28) == [KEPT_BACK] * 5
    other = wire.rewritten(wire.probes[1], ip_id=0, seq=77)
    assert wire.feed([(wire.probes[0], quote), (wire.probes[1], other)], 28)[1] != BOTH


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
        quote = wire.rewritten(probe, dst=INSIDE[family], dport=8080, **fields)
        assert wire.match(quote, 48) is probe


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
    """A probe to the target, or to where NAT sends it, that is not of our flows.

    One of the numbers that tell our probes apart is one of ours, more are not: 32 bits would be.
    """
    rng, probe = wire.rng, wire.rng.choice(wire.probes)
    own = rng.randrange(0x10000)
    while own in wire.flows:
        own = rng.randrange(0x10000)
    second = probe.flow[1] if rng.random() < 0.8 else rng.randrange(1, 0xFFFF)
    if wire.settings.protocol is Protocol.ICMP:
        second = rng.randrange(1, 0xFFFF)
    wide = wire.settings.protocol in (Protocol.TCP, Protocol.IP)
    has_key = not wide and rng.random() < 0.5
    key = probe.key if has_key else rng.randrange(1, 1 << (32 if wide else 16))
    has_ip_id = not has_key and rng.random() < 0.5
    ip_id = probe.ip_id if has_ip_id else rng.randrange(1, 0x10000)
    packet = bytearray(wire.others.probe(1, (own, second), key, ip_id))
    if rng.random() < 0.3:
        at, size = (16, 4) if wire.family == 4 else (24, 16)
        packet[at : at + size] = rng.randbytes(size)
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
    """It goes to the probe that left last from its port, or with its protocol."""
    wire = Wire(family, protocol=Protocol.IP, number=number)
    own, other = wire.probes[-1].flow
    has_ports = number in (132, 33, 136)

    def found(number: int, ports: tuple[int, int], sender: str) -> OutgoingProbe | None:
        above = b"".join(port.to_bytes(2, "big") for port in ports) + bytes(8)
        answer = datagram(family, number, above, sender)
        assert answer is not None
        matches = wire.matcher.match(answer)
        return matches[0].probe if matches else None

    assert found(number, (other, own), TARGET[family]) is wire.probes[-1]
    assert found(number, (other, own), INSIDE[family]) is None
    assert found(99, (other, own), TARGET[family]) is None
    for ports in ((own, other), (other, own ^ 1), (other ^ 1, own)):
        assert found(number, ports, TARGET[family]) is (None if has_ports else wire.probes[-1])
    assert datagram(family, number, b"abc", TARGET[family]) is None


def direct(wire: Wire, probe: OutgoingProbe, kind: ReplyKind, **fields: Any) -> ReceivedReply:
    """What the target sends for a probe, with these fields changed."""
    reply = ReceivedReply(
        *(TARGET[wire.family], kind, wire.settings.protocol, probe.flow, probe.key, None),
        *(TARGET[wire.family], 0, Stamp.KERNEL, None, None, 60, None, False, None, None),
    )
    return reply._replace(**fields)


DIRECT = [
    (Protocol.ICMP, ReplyKind.ECHO),
    (Protocol.TCP, ReplyKind.SYN_ACK),
    (Protocol.TCP, ReplyKind.RST),
]


@FAMILIES
@pytest.mark.parametrize(("protocol", "kind"), DIRECT)
def test_a_direct_reply_is_right_in_flow_and_key(
    protocol: Protocol, kind: ReplyKind, family: int
) -> None:
    wire = Wire(family, protocol=protocol)

    def credited(probe: OutgoingProbe, **fields: Any) -> OutgoingProbe | None:
        matches = wire.matcher.match(direct(wire, probe, kind, **fields))
        return matches[0].probe if matches else None

    keys = {probe.key for probe in wire.probes}
    for probe in wire.probes:
        first, second = probe.flow
        assert credited(probe) is probe
        assert credited(probe, flow=(first ^ 1, second)) is None
        assert credited(probe, flow=(first, second ^ 1)) is None
        assert probe.key + 7 in keys or credited(probe, key=probe.key + 7) is None
        assert credited(probe, protocol=Protocol.UDP) is None
        # a host may answer an echo request from another address of its own
        flow = probe.flow
        if kind is ReplyKind.ECHO and family == 6:
            # with another source the reply has another checksum
            moved = [
                ones_sum(socket.inet_pton(socket.AF_INET6, each[6])) for each in (TARGET, INSIDE)
            ]
            flow = first, (second + moved[0] - moved[1]) % 0xFFFF
        elsewhere = credited(probe, flow=flow, address=INSIDE[family], destination=INSIDE[family])
        assert elsewhere is (probe if kind is ReplyKind.ECHO else None)


@FAMILIES
def test_an_rst_that_acknowledges_the_data_is_ours(family: int) -> None:
    wire = Wire(family, protocol=Protocol.TCP, size=500)
    for probe in wire.probes:
        for key in (probe.key, (probe.key + probe.data_length) & 0xFFFF_FFFF):
            (match,) = wire.matcher.match(direct(wire, probe, ReplyKind.RST, key=key)) or ()
            assert match.probe is probe
        beyond = (probe.key + probe.data_length + 1) & 0xFFFF_FFFF
        assert wire.matcher.match(direct(wire, probe, ReplyKind.RST, key=beyond)) is None


FORGERIES = {
    "key": lambda a: a._replace(key=((a.key or 0) + 7) % 0xFFFF),
    "flow": lambda a: a._replace(flow=(a.flow[0] ^ 1, a.flow[1])),
    "other end of the flow": lambda a: a._replace(flow=(a.flow[0], a.flow[1] ^ 1)),
    "ip id": lambda a: a._replace(ip_id=(a.ip_id or 0) ^ 1),
    "destination": lambda a: a._replace(destination=INSIDE[4]),
}


@PROTOCOLS
@pytest.mark.parametrize("what", FORGERIES)
def test_where_nothing_may_be_rewritten_one_wrong_field_makes_a_quote_foreign(
    protocol: Protocol, what: str
) -> None:
    wire = Wire(4, protocol=protocol, dnat=DnatMode.OFF)
    keys = {probe.key for probe in wire.probes}
    for probe in wire.probes:
        answer = wire.answer(wire.packet(probe))
        assert answer is not None
        (match,) = wire.matcher.match(answer) or ()
        assert match.probe is probe
        forged = FORGERIES[what](answer)
        if what != "key" or forged.key not in keys:
            assert wire.matcher.match(forged) is None


_ALL = [
    Wire(family, seed, protocol=protocol, flow=flow)
    for family in (4, 6)
    for seed, (protocol, flow) in enumerate(
        [*((each, FlowMode.CONSTANT) for each in Protocol), (Protocol.UDP, FlowMode.VARY)]
    )
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(_ALL),
    st.lists(st.integers(0, LIVE - 1), min_size=2, max_size=6, unique=True),
    st.lists(
        st.tuples(st.one_of(st.integers(-40, 89), st.integers(0, 9)), st.integers(1, 255)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([48, 200]),
)
def test_whatever_is_rewritten_no_other_probe_is_credited(
    wire: Wire, numbers: list[int], noise: list[tuple[int, int]], length: int
) -> None:
    """The same bytes in several quotes, as a middlebox does it: `feed` sees whose they become."""
    start = 20 if wire.family == 4 else 40
    quotes = []
    for probe in (wire.probes[number] for number in numbers):
        quote = bytearray(wire.packet(probe))
        for at, bits in noise:
            quote[min(max(0, start + at), len(quote) - 1)] ^= bits
        assume(wire.answer(bytes(quote), length) is not None)
        assume(not says_another(wire, probe, bytes(quote)))
        quotes.append((probe, bytes(quote)))
    wire.feed(quotes, length)


def says_another(wire: Wire, probe: OutgoingProbe, quote: bytes) -> bool:
    """Whether a number that tells probes apart has become another probe's by chance."""
    start = decoder.behind_extensions(quote, quote[6], 40)[1] if wire.family == 6 else 20
    protocol = PROBE_PROTOCOLS[wire.family][wire.settings.protocol.transport]
    own_port = wire.sent.by_port(protocol.protocol, int.from_bytes(quote[start : start + 2], "big"))
    found = wire.sent.candidates(protocol, quote, start)
    return any(each is not probe and each is not own_port for each in found)


def test_what_is_too_old_or_too_many_is_forgotten() -> None:
    wire = Wire(4, protocol=Protocol.TCP)
    old = wire.probes[0]
    wire.send(LIVE, monotonic=KEEP_TIME)
    assert wire.match(wire.packet(old)) is old
    wire.send(LIVE + 1, monotonic=KEEP_TIME + 1)
    assert wire.match(wire.packet(old)) is None
    assert wire.match(wire.packet(old), 28) is None
    first = wire.send(LIVE + 2, monotonic=KEEP_TIME + 1)
    for number in range(MAX_PROBES - 1):
        wire.send(number, monotonic=KEEP_TIME + 1)
    assert wire.match(wire.packet(first)) is first
    wire.send(0, monotonic=KEEP_TIME + 1)
    assert wire.match(wire.packet(first)) is None


@PROTOCOLS
@FAMILIES
def test_a_probe_that_could_not_leave_is_forgotten(protocol: Protocol, family: int) -> None:
    wire = Wire(family, protocol=protocol)
    refused = wire.send(LIVE)
    wire.sent.remove_last()
    assert wire.match(wire.packet(refused)) is None
    assert wire.match(wire.packet(wire.probes[0])) is wire.probes[0]
