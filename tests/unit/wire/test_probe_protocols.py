"""A further protocol of probes is one entry in the registry: packets and quotes follow it."""

import enum
import struct
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6
from scapy.packet import Raw

from tui_trace.core import settings as core_settings
from tui_trace.core.events import Change, ReplyKind, RewrittenField, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets import decoder, registry
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.probe_protocol import PORT_PLACES, FieldPlaces, Patch, ProbeProtocol
from tui_trace.wire.packets.quote_diff import diff_quote
from tui_trace.wire.packets.received_packet import ReceivedPacket, direct_reply

US = {4: "192.0.2.77", 6: "2001:db8::77"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
INSIDE = {4: "198.51.100.80", 6: "2001:db8:9::80"}
ROUTER = {4: "198.51.100.1", 6: "2001:db8:ff::1"}
FAMILIES = pytest.mark.parametrize("family", [4, 6])
FLOW, KEY = (4000, 7), 0xCAFE_F00D


class Added(enum.StrEnum):
    """What the recipe adds to `Protocol`, which cannot be done while the program runs."""

    SCTP = "sctp"


SCTP = cast(Protocol, Added.SCTP)


class SctpInit(ProbeProtocol):
    """Ports and a verification tag. No checksum covers the addresses."""

    protocol = SCTP
    ip_numbers: ClassVar[Mapping[int, int]] = {4: 132, 6: 132}
    field_places: ClassVar[FieldPlaces] = {**PORT_PLACES, RewrittenField.SEQUENCE: (4, 4)}
    header_length = 12

    @property
    def sums_addresses(self) -> bool:
        return False

    def header(self, _settings: ProbeSettings) -> bytes:
        return bytes(12)

    def patcher(self, _settings: ProbeSettings, start: int, _fixed_sum: int) -> Patch:
        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            struct.pack_into("!HHI", packet, start, *flow, key)

        return patch

    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int]:
        source, destination, key = struct.unpack_from("!HHI", data, start)
        return (source, destination), key

    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply | None:
        if len(packet.data) < packet.start + 12:
            return None
        (source, destination), key = self.flow_and_key(packet.data, packet.start)
        return direct_reply(packet, ReplyKind.OTHER, SCTP, (destination, source), key, number=132)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tables: list[dict[Any, Any]] = []
    for family in (4, 6):
        tables += [registry.PROBE_PROTOCOLS[family], registry.BY_IP_NUMBER[family]]
    before = [dict(table) for table in tables]
    monkeypatch.setitem(core_settings._TRANSPORT_MINIMUM, SCTP, 12)
    registry.register(SctpInit)
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def probe(family: int) -> bytes:
    settings = ProbeSettings(protocol=SCTP, port=7, size=64, tos=8)
    return bytes(Template(settings, US[family], TARGET[family], family).probe(3, FLOW, KEY, 9))


def quoted_by_a_router(quote: bytes, family: int) -> ReceivedReply | None:
    packet: Any
    if family == 4:
        packet = IP(src=ROUTER[4], dst=US[4], ttl=61) / ICMP(type=11) / Raw(quote)
        received = decoder.from_ip4(bytes(packet), 1, Stamp.KERNEL)
    else:
        packet = IPv6(src=ROUTER[6], dst=US[6], hlim=61) / ICMPv6TimeExceeded() / Raw(quote)
        received = decoder.from_ip6(bytes(packet), 1, Stamp.KERNEL)
    assert received is not None
    return (decoder.decode_icmpv4 if family == 4 else decoder.decode_icmpv6)(received)


@FAMILIES
def test_a_probe_is_built(family: int) -> None:
    packet = probe(family)
    assert len(packet) == 64
    assert packet[9 if family == 4 else 6] == 132
    assert packet[20 if family == 4 else 40 :][:8] == struct.pack("!HHI", *FLOW, KEY)
    with pytest.raises(ValueError, match="no probe of"):
        Template(ProbeSettings(protocol=SCTP, size=31), US[4], TARGET[4], 4)


@FAMILIES
def test_a_quote_names_its_probe(family: int) -> None:
    reply = quoted_by_a_router(probe(family), family)
    assert reply is not None
    assert (reply.protocol, reply.flow, reply.key) == (SCTP, FLOW, KEY)
    assert (reply.kind, reply.quoted_ttl) == (ReplyKind.TIME_EXCEEDED, 3)


@FAMILIES
def test_a_rewritten_quote_is_compared(family: int) -> None:
    sent = probe(family)
    start = 20 if family == 4 else 40
    renumbered = sent[: start + 4] + bytes(4) + sent[start + 8 :]
    found = diff_quote(sent, renumbered, family)
    assert found.changed == (Change(RewrittenField.SEQUENCE),)
    other_port = sent[: start + 2] + b"\0\x08" + sent[start + 4 :]
    found = diff_quote(sent, other_port, family)
    assert found.changed == (Change(RewrittenField.DESTINATION_PORT, 7, 8),)


@FAMILIES
def test_a_direct_reply_is_decoded(family: int) -> None:
    header = struct.pack("!HHI", 7, 4000, KEY) + bytes(4)
    ip: Any = IP(src=TARGET[4], proto=132) if family == 4 else IPv6(src=TARGET[6], nh=132)
    packet = bytes(ip / Raw(header))
    received = (decoder.from_ip4 if family == 4 else decoder.from_ip6)(packet, 1, Stamp.KERNEL)
    assert received is not None
    decode = registry.protocol_of(132, family).decode_reply
    reply = decode(received)
    assert reply is not None
    assert (reply.protocol, reply.flow, reply.key) == (SCTP, FLOW, KEY)
    assert (reply.address, reply.number) == (TARGET[family], 132)
    assert decode(received._replace(data=packet[:-1])) is None


@FAMILIES
def test_a_number_without_an_entry_is_any_other_protocol(family: int) -> None:
    assert registry.protocol_of(99, family).protocol is Protocol.IP
    # ICMP of the other IP version is none
    assert registry.protocol_of({4: 58, 6: 1}[family], family).protocol is Protocol.IP
