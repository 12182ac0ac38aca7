"""Probes of QUIC, read by others, and the answers of others, read by us."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from aioquic.buffer import Buffer
from aioquic.quic.packet import (
    QuicHeader,
    QuicPacketType,
    encode_quic_version_negotiation,
    pull_quic_header,
)
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.quic import QUIC, QUIC_Initial
from scapy.packet import Raw

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.quic_versions import (
    MAX_VERSIONS,
    describe_versions,
    is_reserved,
    version_name,
)
from tui_trace.core.settings import QUIC_DATAGRAM, ProbeSettings, Protocol, minimum_size
from tui_trace.wire.matching import Matcher
from tui_trace.wire.network import OutgoingProbe, ReceivedReply
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.quic_packet import ConnectionIds, read_version_negotiation
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS, protocol_of
from tui_trace.wire.quotes import KEPT_BYTES
from tui_trace.wire.sent_probes import SentProbes

US = {4: "192.0.2.77", 6: "2001:db8::77"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
OTHER = {4: "203.0.113.10", 6: "2001:db8:5::10"}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
SOURCE_PORT, PORT = 40_000, 443
HEADERS = {4: 28, 6: 48}
VERSIONS = [1, 0x6B33_43CF, 0xFF00_001D, 0x5A7A_1ACA]


class Sent:
    """Probes of one run, as a QUIC server receives them, and what comes back."""

    def __init__(self, family: int, protocol: Protocol = Protocol.QUIC, size: int = 0) -> None:
        self.family = family
        size = size or minimum_size(protocol, family)
        settings = ProbeSettings(protocol=protocol, port=PORT, size=size, payload_byte=0x5A)
        template = Template(settings, US[family], TARGET[family], family)
        self.sent: SentProbes[OutgoingProbe] = SentProbes()
        self.matcher = Matcher(self.sent)
        self.packets: list[bytes] = []
        self.probes: list[OutgoingProbe] = []
        for number in range(50):
            probe = OutgoingProbe(settings, 5, (SOURCE_PORT, PORT), 0, 0)
            probe.target, probe.key, probe.ip_id = TARGET[family], 1 + 1237 * number, 1 + number
            self.packets.append(bytes(template.probe(5, probe.flow, probe.key, probe.ip_id)))
            probe.packet = self.packets[-1][:KEPT_BYTES]
            self.sent.add(probe, PROBE_PROTOCOLS[family][protocol])
            self.probes.append(probe)

    def payload(self, number: int) -> bytes:
        return self.packets[number][HEADERS[self.family] :]

    def header(self, number: int) -> QuicHeader:
        return pull_quic_header(Buffer(data=self.payload(number)), host_cid_length=8)

    def answer(self, datagram: bytes, sender: str = "", port: int = PORT) -> ReceivedReply:
        """The datagram as it comes off the raw socket of UDP."""
        transport = UDP(sport=port, dport=SOURCE_PORT) / Raw(datagram)
        ip: Any = IP if self.family == 4 else IPv6
        packet = bytes(ip(src=sender or TARGET[self.family], dst=US[self.family]) / transport)
        read = decoder.from_ip4 if self.family == 4 else decoder.from_ip6
        received = read(packet, 0, Stamp.KERNEL)
        assert received is not None
        reply = protocol_of(17, self.family).decode_reply(received)
        assert reply is not None
        return reply

    def credited(self, datagram: bytes, sender: str = "", port: int = PORT) -> ReceivedReply | None:
        """What a datagram is matched as, to whichever probe."""
        match = self.matcher.match(self.answer(datagram, sender, port))
        self.credited_to = match[0].probe if match else None
        return match[0].reply if match else None

    def negotiation(self, number: int, versions: list[int] = VERSIONS) -> bytes:
        """What aioquic's server answers to a probe."""
        header = self.header(number)
        return encode_quic_version_negotiation(header.destination_cid, header.source_cid, versions)


@FAMILIES
@pytest.mark.parametrize("more", [0, 1, 272])
def test_other_decoders_read_an_initial_of_a_reserved_version(family: int, more: int) -> None:
    sent = Sent(family, size=minimum_size(Protocol.QUIC, family) + more)
    seen = set()
    for number, probe in enumerate(sent.probes):
        payload, header = sent.payload(number), sent.header(number)
        assert len(payload) == QUIC_DATAGRAM + more
        assert header.packet_type is QuicPacketType.INITIAL
        assert is_reserved(header.version or 0)
        assert header.packet_length == len(payload), "nothing lies behind the packet"
        assert (len(header.destination_cid), len(header.source_cid)) == (8, 8)
        by_scapy: Any = QUIC(payload)
        assert isinstance(by_scapy, QUIC_Initial)
        assert (by_scapy.DstConnID, by_scapy.SrcConnID) == (
            header.destination_cid,
            header.source_cid,
        )
        assert by_scapy.Length == len(bytes(by_scapy.payload)) + 1
        seen.add((header.destination_cid, header.source_cid))
        below: Any = (IP if family == 4 else IPv6)(sent.packets[number])
        assert (below[UDP].sport, below[UDP].dport, below[UDP].chksum) == (*probe.flow, probe.key)
        del below[UDP].chksum
        assert bytes(below) == sent.packets[number], "scapy computes the same checksum"
    assert len(seen) == len(sent.probes)


def test_another_process_has_other_connection_ids() -> None:
    one, other = ConnectionIds(), ConnectionIds()
    for key in (1, 77, 0xFFFF):
        assert one.key_of(one.of(key)) == key
        assert one.of(key) == one.of(key)
        assert other.key_of(one.of(key)) is None


@FAMILIES
def test_a_servers_answer_is_that_of_its_own_probe(family: int) -> None:
    sent = Sent(family)
    for number in reversed(range(len(sent.probes))):
        reply = sent.credited(sent.negotiation(number))
        assert reply is not None
        assert sent.credited_to is sent.probes[number]
        assert reply.kind is ReplyKind.VERSION_NEGOTIATION
        assert (reply.key, reply.versions) == (sent.probes[number].key, tuple(VERSIONS))


def unswapped(sent: Sent) -> bytes:
    header = sent.header(0)
    return encode_quic_version_negotiation(header.source_cid, header.destination_cid, VERSIONS)


def of_two_probes(sent: Sent) -> bytes:
    return encode_quic_version_negotiation(
        sent.header(0).destination_cid, sent.header(1).source_cid, VERSIONS
    )


def of_another_program(sent: Sent) -> bytes:
    return Sent(sent.family).negotiation(0)


@FAMILIES
@pytest.mark.parametrize("forge", [unswapped, of_two_probes, of_another_program])
def test_wrong_connection_ids_are_refused(family: int, forge: Callable[[Sent], bytes]) -> None:
    sent = Sent(family)
    assert sent.credited(forge(sent)) is None
    assert sent.credited(sent.negotiation(0)) is not None


@FAMILIES
def test_each_byte_of_the_connection_ids_counts(family: int) -> None:
    sent = Sent(family)
    right = sent.negotiation(3)
    for at in [*range(6, 14), *range(15, 23)]:
        forged = bytearray(right)
        forged[at] ^= 1
        assert sent.credited(bytes(forged)) is None, at
    assert sent.credited(right, sender=OTHER[family]) is None
    assert sent.credited(right, port=PORT + 1) is None


@FAMILIES
def test_any_other_datagram_is_an_answer_as_of_udp(family: int) -> None:
    """It says by its port alone which probe it answers: a service that is none of QUIC."""
    sent = Sent(family)
    for datagram in (b"", b"hello", bytes(40), b"\xc0" + bytes(4), b"\x40" + bytes(60)):
        reply = sent.credited(datagram)
        assert reply is not None
        assert (reply.kind, reply.key) == (ReplyKind.UDP, None)
        assert sent.credited_to is sent.probes[-1]


@FAMILIES
def test_a_udp_probe_that_gets_a_negotiation_back_was_answered(family: int) -> None:
    sent = Sent(family, Protocol.UDP, size=1400)
    reply = sent.credited(Sent(family).negotiation(0))
    assert reply is not None
    assert (reply.kind, reply.key, reply.versions) == (ReplyKind.UDP, None, ())
    assert sent.credited_to is sent.probes[-1]


def negotiation(*versions: int, rest: bytes = b"") -> bytes:
    listed = struct.pack(f"!{len(versions)}I", *versions)
    return b"\x80\0\0\0\0\x08sourceID\x08destinID" + listed + rest


def test_versions_are_bounded_and_half_a_version_is_none() -> None:
    many = read_version_negotiation(negotiation(*range(10_000)))
    assert many is not None
    assert many.versions == tuple(range(MAX_VERSIONS))
    for rest in (b"", b"\1", b"\1\2\3"):
        told = read_version_negotiation(negotiation(1, 2, rest=rest))
        assert told is not None
        assert (told.ids, told.versions) == (b"destinID\x08sourceID", (1, 2))


@pytest.mark.parametrize(
    "other",
    [b"\0" + negotiation(1)[1:], negotiation(1)[:4] + b"\1" + negotiation(1)[5:]],
    ids=["short header", "version 1"],
)
def test_other_packets_are_no_negotiation(other: bytes) -> None:
    assert read_version_negotiation(other) is None


@given(st.binary(max_size=80), st.booleans())
def test_whatever_a_server_sends_nothing_raises(data: bytes, is_negotiation: bool) -> None:
    told = read_version_negotiation(b"\x80\0\0\0\0" * is_negotiation + data)
    assert told is None or len(told.ids) == 17
    cut = read_version_negotiation(negotiation(1, 2)[: len(data)])
    assert cut is None or len(data) >= 23


def test_names_of_versions() -> None:
    assert [version_name(each) for each in VERSIONS] == ["v1", "v2", "draft-29", "0x5a7a1aca"]
    assert describe_versions(VERSIONS) == "v1, v2, draft-29"
    assert describe_versions([1, 1, 0x5130_3530, 0]) == "v1, 0x51303530, 0x00000000"
    assert describe_versions([0x0A0A_0A0A]) == ""
