"""Replies as scapy builds them, decoded; and whatever else the network may send."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.packet import Raw

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.network import ReceivedReply
from tui_trace.wire.packets import decoder
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS

US = {4: "192.0.2.77", 6: "2001:db8::77"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
ROUTER = {4: "198.51.100.1", 6: "2001:db8:ff::1"}
WALL = 1_795_000_000_123_456_789
U16 = st.integers(0, 0xFFFF)
DECODERS = {
    "icmp4": (4, decoder.decode_icmpv4),
    "icmp6": (6, decoder.decode_icmpv6),
    "tcp4": (4, PROBE_PROTOCOLS[4][Protocol.TCP].decode_reply),
    "tcp6": (6, PROBE_PROTOCOLS[6][Protocol.TCP].decode_reply),
    "udp4": (4, PROBE_PROTOCOLS[4][Protocol.UDP].decode_reply),
    "udp6": (6, PROBE_PROTOCOLS[6][Protocol.UDP].decode_reply),
}


def decode(name: str, packet: bytes, whole: bool = True) -> ReceivedReply | None:
    """As a raw socket gives it: IPv4 with its header, IPv6 without."""
    family, decode_as = DECODERS[name]
    if family == 4:
        received = decoder.from_ip4(packet, WALL, Stamp.KERNEL, whole)
    else:
        received = ReceivedPacket(packet[40:], 0, ROUTER[6], 61, WALL, Stamp.KERNEL, whole)
    return None if received is None else decode_as(received)


def on_the_wire(packet: Any) -> bytes:
    return bytes(packet)


@st.composite
def probe_cases(draw: Any) -> tuple[int, ProbeSettings, int, tuple[int, int], int, int]:
    family = draw(st.sampled_from((4, 6)))
    protocol = draw(st.sampled_from(Protocol))
    size = minimum_size(protocol, family) + draw(st.integers(0, 60))
    chosen = ProbeSettings(
        protocol=protocol,
        port=80,
        tos=draw(st.integers(0, 255)),
        size=size,
        tcp_flags=draw(st.sampled_from(TcpFlags)),
        number=99,
    )
    most = 0xFFFF_FFFF if protocol in (Protocol.TCP, Protocol.IP) else 0xFFFF
    key = draw(st.integers(1, most))
    flow = draw(st.integers(1, 0xFFFF)), draw(st.integers(1, 0xFFFE))
    return family, chosen, draw(st.integers(1, 255)), flow, key, draw(st.integers(1, 0xFFFF))


def built(case: tuple[int, ProbeSettings, int, tuple[int, int], int, int]) -> bytes:
    family, chosen, *patch = case
    return bytes(Template(chosen, US[family], TARGET[family], family, 5).probe(*patch))


ERRORS = [
    (4, 11, 0, ReplyKind.TIME_EXCEEDED),
    (4, 11, 1, ReplyKind.OTHER),
    (4, 12, 0, ReplyKind.OTHER),
    *[(4, 3, code, ReplyKind.UNREACHABLE) for code in range(16) if code != 4],
    (4, 3, 4, ReplyKind.TOO_BIG),
    (6, 3, 0, ReplyKind.TIME_EXCEEDED),
    (6, 3, 1, ReplyKind.OTHER),
    (6, 4, 2, ReplyKind.OTHER),
    (6, 4, 1, ReplyKind.UNREACHABLE),
    (6, 2, 0, ReplyKind.TOO_BIG),
    *[(6, 1, code, ReplyKind.UNREACHABLE) for code in range(8)],
]


def error(kind: int, code: int, quote: bytes, family: int, mtu: int = 0) -> bytes:
    if family == 4:
        head = ICMP(type=kind, code=code, **({"nexthopmtu": mtu} if kind == 3 else {}))
        return on_the_wire(IP(src=ROUTER[4], dst=US[4], ttl=61) / head / Raw(quote))
    layer = {
        1: ICMPv6DestUnreach(code=code),
        2: ICMPv6PacketTooBig(code=code, mtu=mtu),
        3: ICMPv6TimeExceeded(code=code),
        4: ICMPv6ParamProblem(code=code),
    }[kind]
    return on_the_wire(IPv6(src=ROUTER[6], dst=US[6], hlim=61) / layer / Raw(quote))


@given(probe_cases(), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_error_names_the_probe_it_quotes(case: Any, data: st.DataObject) -> None:
    family, chosen, ttl, flow, key, ip_id = case
    kind, code, expected = data.draw(st.sampled_from([e[1:] for e in ERRORS if e[0] == family]))
    least = (20 if family == 4 else 40) + 8
    quote = built(case)[: data.draw(st.integers(least, least + 60))]
    mtu = data.draw(st.integers(0, 0xFFFF))
    packet = error(kind, code, quote, family, mtu)
    answer = decode(f"icmp{family}", packet)
    assert answer == ReceivedReply(
        address=ROUTER[family],
        kind=expected,
        protocol=chosen.protocol.transport,
        flow=flow,
        key=key,
        ip_id=ip_id if family == 4 else None,
        destination=TARGET[family],
        wall=WALL,
        stamp=Stamp.KERNEL,
        icmp_type=kind,
        code=code,
        reply_ttl=61,
        mtu=(mtu or None) if expected is ReplyKind.TOO_BIG else None,
        ecn=False,
        quoted_tos=chosen.tos,
        quoted_ttl=ttl,
        message=packet[20 if family == 4 else 40 :],
    )


@given(probe_cases(), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_short_quote_is_nothing(case: Any, data: st.DataObject) -> None:
    family = case[0]
    most = (20 if family == 4 else 40) + 7
    quote = built(case)[: data.draw(st.integers(0, most))]
    kind = 11 if family == 4 else 3
    assert decode(f"icmp{family}", error(kind, 0, quote, family)) is None


@given(st.integers(1, 0xFFFF), st.integers(0, 0xFFFE), U16, st.sampled_from((4, 6)))
@settings(deadline=None)
def test_an_echo_reply_gives_its_requests_checksum(
    identifier: int, checksum: int, sequence: int, family: int
) -> None:
    template = Template(ProbeSettings(size=100), US[family], TARGET[family], family)
    request = bytes(template.probe(9, (identifier, checksum), sequence, 3))
    data = Raw(request[(20 if family == 4 else 40) + 8 :])
    # scapy computes the reply's checksum from what the target sends: our data, another type
    packet: Any
    if family == 4:
        packet = IP(src=TARGET[4], dst=US[4]) / ICMP(type=0, id=identifier, seq=sequence) / data
    else:
        packet = IPv6(src=TARGET[6], dst=US[6])
        packet = packet / ICMPv6EchoReply(id=identifier, seq=sequence) / data
    answer = decode(f"icmp{family}", on_the_wire(packet))
    assert answer is not None
    assert answer.kind is ReplyKind.ECHO
    assert answer.flow == (identifier, checksum)
    assert answer.key == sequence
    assert answer.address == answer.destination


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("flags", "kind", "key", "ecn"),
    [
        ("SA", ReplyKind.SYN_ACK, 0xFFFF_FFFF, False),
        ("SAE", ReplyKind.SYN_ACK, 0xFFFF_FFFF, True),
        ("SAEC", ReplyKind.SYN_ACK, 0xFFFF_FFFF, False),
        ("R", ReplyKind.RST, 77, False),
        ("RA", ReplyKind.RST, 0xFFFF_FFFF, False),
        ("RAE", ReplyKind.RST, 0xFFFF_FFFF, False),
        ("S", None, 0, False),
        ("A", None, 0, False),
        ("FA", None, 0, False),
        ("PA", None, 0, False),
        ("SFA", None, 0, False),
        ("", None, 0, False),
    ],
)
def test_tcp(family: int, flags: str, kind: ReplyKind | None, key: int, ecn: bool) -> None:
    below: Any = IP(src=TARGET[4], dst=US[4]) if family == 4 else IPv6(src=TARGET[6], dst=US[6])
    packet = bytes(below / TCP(sport=443, dport=40001, seq=77, ack=0, flags=flags))
    answer = decode(f"tcp{family}", packet)
    if kind is None:
        assert answer is None
        return
    assert answer is not None
    assert answer.kind is kind
    assert (answer.flow, answer.key, answer.ecn) == ((40001, 443), key, ecn)
    assert (answer.ip_id, answer.icmp_type, answer.code) == (None, None, None)


@given(st.sampled_from(TcpFlags), st.integers(0, 100), st.integers(0, 0xFFFF_FFFF))
@settings(deadline=None)
def test_an_rst_acknowledges_key_and_data(flags: TcpFlags, extra: int, key: int) -> None:
    """An RST with ACK, to SYN and ACK probes alike, as RFC 9293 §3.10.7.1 has it computed."""
    chosen = ProbeSettings(protocol=Protocol.TCP, port=80, size=60 + extra, tcp_flags=flags)
    probe: Any = IP(bytes(Template(chosen, US[4], TARGET[4], 4).probe(9, (4000, 80), key, 1)))
    segment = probe[TCP]
    length = len(segment.payload) + bool(segment.flags & "S")
    packet = IP(src=TARGET[4], dst=US[4]) / TCP(
        sport=80, dport=4000, flags="RA", ack=(key + length) % (1 << 32)
    )
    answer = decode("tcp4", bytes(packet))
    assert answer is not None
    assert answer.key is not None
    assert (answer.key - PROBE_PROTOCOLS[4][Protocol.TCP].data_length(chosen)) % (1 << 32) == key


@pytest.mark.parametrize("family", [4, 6])
def test_udp(family: int) -> None:
    below: Any = IP(src=TARGET[4], dst=US[4]) if family == 4 else IPv6(src=TARGET[6], dst=US[6])
    packet = bytes(below / UDP(sport=53, dport=40001) / Raw(b"an answer"))
    answer = decode(f"udp{family}", packet)
    assert answer is not None
    assert answer.kind is ReplyKind.UDP
    assert (answer.flow, answer.key) == ((40001, 53), None)
    assert decode(f"udp{family}", packet[:-1]) is None
    assert decode(f"udp{family}", packet[:-1], whole=False) is not None


@pytest.mark.parametrize(
    ("kind", "is_error"),
    [
        *[(kind, False) for kind in (0, 4, 5, 8, 9, 10, 13, 14, 15, 17, 42)],
        *[(kind, True) for kind in (12, 31, 40, 41, 255)],
    ],
)
def test_other_icmp_is_told_by_its_number_if_it_is_an_error(kind: int, is_error: bool) -> None:
    quote = bytes(IP(src=US[4], dst=TARGET[4]) / UDP(sport=4000, dport=33434, chksum=9))
    answer = decode("icmp4", error(kind, 7, quote, 4))
    assert (answer is not None) is is_error
    if answer is not None:
        assert (answer.kind, answer.icmp_type, answer.code) == (ReplyKind.OTHER, kind, 7)


@pytest.mark.parametrize("kind", [5, 100, 127, 128, 130, 133, 134, 135, 136, 137, 143, 160, 255])
def test_other_icmp6_is_told_by_its_number_if_it_is_an_error(kind: int) -> None:
    quote = bytes(IPv6(src=US[6], dst=TARGET[6]) / UDP(sport=4000, dport=33434, chksum=9))
    packet = bytearray(error(1, 0, quote, 6))
    packet[40] = kind
    answer = decode("icmp6", bytes(packet))
    assert (answer is not None) is (kind < 128)
    assert answer is None or answer.kind is ReplyKind.OTHER


@pytest.mark.parametrize(
    "above",
    [ICMP(type=0, id=1), ICMP(type=3) / IP() / UDP(), ICMP(type=13)],
)
def test_a_quote_of_something_else_is_nothing(above: Any) -> None:
    quote = bytes(IP(src=US[4], dst=TARGET[4], proto=1) / above)
    assert decode("icmp4", error(11, 0, quote, 4)) is None


def test_quoted_ip_options_are_skipped() -> None:
    probe: Any = IP(src=US[4], dst=TARGET[4], options=[IPOption_NOP()] * 4, ttl=1, id=5)
    quote = bytes(probe / UDP(sport=4000, dport=33434, chksum=0x1234))
    answer = decode("icmp4", error(11, 0, quote, 4))
    assert answer is not None
    assert (answer.flow, answer.key) == ((4000, 33434), 0x1234)


def test_a_later_fragment_quotes_no_probe() -> None:
    quote = bytes(IP(src=US[4], dst=TARGET[4], frag=1) / UDP(sport=4000, dport=33434, chksum=9))
    assert decode("icmp4", error(11, 0, quote, 4)) is None
    first = bytes(IP(src=US[4], dst=TARGET[4], flags="MF") / UDP(sport=1, dport=2, chksum=9))
    assert decode("icmp4", error(11, 0, first, 4)) is not None


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ([IPv6ExtHdrHopByHop()], True),
        ([IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()], True),
        ([IPv6ExtHdrFragment(offset=0, m=1)], True),
        ([IPv6ExtHdrFragment(offset=3)], False),
        ([IPv6ExtHdrDestOpt()] * 20, False),
    ],
)
def test_quoted_extension_headers(headers: list[Any], known: bool) -> None:
    probe: Any = IPv6(src=US[6], dst=TARGET[6])
    for header in headers:
        probe = probe / header
    quote = bytes(probe / UDP(sport=4000, dport=33434, chksum=0x1234))
    answer = decode("icmp6", error(3, 0, quote, 6))
    assert (answer is not None) is known
    if answer is not None:
        assert (answer.flow, answer.key) == ((4000, 33434), 0x1234)


def test_a_corrupt_icmp_message_is_nothing() -> None:
    quote = bytes(IP(src=US[4], dst=TARGET[4]) / UDP(sport=4000, dport=33434, chksum=9))
    packet = bytearray(error(11, 0, quote, 4))
    assert decode("icmp4", bytes(packet)) is not None
    packet[-1] ^= 1
    assert decode("icmp4", bytes(packet)) is None
    assert decode("icmp4", bytes(packet), whole=False) is not None


@given(probe_cases())
@settings(deadline=None)
def test_our_own_packet_looped_back(case: Any) -> None:
    family, chosen, ttl, flow, key, ip_id = case
    quote = (decoder.quote4 if family == 4 else decoder.quote6)(b"link header" + built(case), 11)
    assert quote == decoder.QuotedHeader(
        chosen.protocol.transport,
        flow,
        key,
        ip_id if family == 4 else None,
        TARGET[family],
        chosen.tos,
        ttl,
    )


@pytest.mark.slow
@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=200), st.booleans())
@settings(max_examples=800)
def test_noise_never_raises(name: str, packet: bytes, whole: bool) -> None:
    answer = decode(name, packet, whole)
    assert answer is None or isinstance(answer, ReceivedReply)


@pytest.mark.slow
@given(probe_cases(), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_replies_never_raise(case: Any, data: st.DataObject) -> None:
    family = case[0]
    kind, code = data.draw(st.sampled_from([e[1:3] for e in ERRORS if e[0] == family]))
    packet = bytearray(error(kind, code, built(case), family))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(packet) - 1))
        packet[at] = data.draw(st.integers(0, 255))
    cut = bytes(packet[: data.draw(st.integers(0, len(packet)))])
    for name in DECODERS:
        answer = decode(name, cut, whole=False)
        assert answer is None or isinstance(answer, ReceivedReply)
