"""Quotes that were changed on the way, by scapy and by hand, against the probe as it was sent."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from tui_trace.core.events import Change, RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.quote_diff import QuoteDiff, diff_quote, is_as_sent

US = {4: "192.0.2.77", 6: "2001:db8::77"}
TARGET = {4: "203.0.113.9", 6: "2001:db8:5::9"}
INSIDE = {4: "198.51.100.80", 6: "2001:db8:9::80"}
OUTSIDE = {4: "198.51.100.7", 6: "2001:db8:8::7"}
PORTS = (Protocol.UDP, Protocol.TCP)
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PROTOCOLS = pytest.mark.parametrize("protocol", list(Protocol))


def sent_probe(protocol: Protocol, family: int, **fields: Any) -> bytes:
    size = minimum_size(protocol, family) + fields.pop("more", 16)
    chosen = ProbeSettings(
        protocol=protocol, port=80, size=size, number=99, **{"tos": 0xB8, "df": True, **fields}
    )
    flow = (4000, 0x1234) if protocol is Protocol.ICMP else (4000, 80)
    template = Template(chosen, US[family], TARGET[family], family, 0x4711A)
    return bytes(template.probe(1, flow, 0x7A69, 4711))


def changed(sent: bytes, family: int, **fields: Any) -> bytes:
    """The packet with fields of scapy's changed, all checksums computed anew."""
    packet: Any = (IP if family == 4 else IPv6)(sent)
    below = {"src": "src", "dst": "dst", "tos": "tos" if family == 4 else "tc", "fl": "fl"}
    below["ip_flags"] = "flags"
    for name, value in fields.items():
        setattr(packet if name in below else packet.payload, below.get(name, name), value)
    if family == 4:
        del packet.chksum
    for kind, name in ((TCP, "chksum"), (UDP, "chksum"), (ICMP, "chksum")):
        if kind in packet:
            delattr(packet[kind], name)
    if ICMPv6EchoRequest in packet:
        del packet[ICMPv6EchoRequest].cksum
    return bytes(packet)


def whole(sent: bytes, quote: bytes, family: int) -> QuoteDiff:
    result = diff_quote(sent, quote, family)
    assert result.shown is None
    return result


@FAMILIES
@PROTOCOLS
def test_what_came_as_it_was_sent_is_no_finding(protocol: Protocol, family: int) -> None:
    sent = sent_probe(protocol, family)
    assert is_as_sent(bytearray(sent), sent, family)
    assert diff_quote(sent, sent, family) == QuoteDiff((), None)


@FAMILIES
@PROTOCOLS
def test_ttl_and_ip_checksum_are_no_finding(protocol: Protocol, family: int) -> None:
    sent = sent_probe(protocol, family)
    quote = bytearray(sent)
    if family == 4:
        quote[10] ^= 0x55
        assert is_as_sent(bytearray(sent), bytes(quote), family)
    quote[8 if family == 4 else 7] = 7
    assert is_as_sent(bytearray(sent), bytes(quote), family)
    assert diff_quote(sent, bytes(quote), family) == QuoteDiff((), None)


@FAMILIES
@PROTOCOLS
@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"tos": 0}, [Change(RewrittenField.TOS, 0xB8, 0)]),
        ({"tos": 0xBB}, [Change(RewrittenField.ECN, 0, 3)]),
        ({"tos": 0x01}, [Change(RewrittenField.TOS, 0xB8, 1), Change(RewrittenField.ECN, 0, 1)]),
    ],
)
def test_tos_and_ecn(
    protocol: Protocol, family: int, fields: dict[str, int], changes: list[Change]
) -> None:
    sent = sent_probe(protocol, family)
    found = whole(sent, changed(sent, family, **fields), family)
    assert found == QuoteDiff(tuple(changes), None)


@PROTOCOLS
def test_df_and_ip_id(protocol: Protocol) -> None:
    sent = sent_probe(protocol, 4)
    assert whole(sent, changed(sent, 4, ip_flags=0), 4).changed == (
        Change(RewrittenField.DF, 1, 0),
    )
    quote = bytearray(sent)
    quote[4:6] = b"\0\0"
    assert whole(sent, bytes(quote), 4).changed == (Change(RewrittenField.IP_ID),)


def test_flow_label() -> None:
    sent = sent_probe(Protocol.UDP, 6)
    found = whole(sent, changed(sent, 6, fl=9), 6).changed
    assert found == (Change(RewrittenField.FLOW_LABEL, 0x4711A, 9),)


@FAMILIES
@PROTOCOLS
@pytest.mark.parametrize("end", ["dst", "src"])
def test_nat_is_told_by_the_address_alone(protocol: Protocol, family: int, end: str) -> None:
    sent = sent_probe(protocol, family)
    to = (INSIDE if end == "dst" else OUTSIDE)[family]
    field = RewrittenField.DESTINATION if end == "dst" else RewrittenField.SOURCE
    was = (TARGET if end == "dst" else US)[family]
    found = whole(sent, changed(sent, family, **{end: to}), family)
    assert found == QuoteDiff((Change(field, was, to),), None)


@FAMILIES
@pytest.mark.parametrize("protocol", PORTS)
def test_nat_of_ports(protocol: Protocol, family: int) -> None:
    sent = sent_probe(protocol, family)
    there = whole(sent, changed(sent, family, dst=INSIDE[family], dport=8080), family)
    assert there.changed == (
        Change(RewrittenField.DESTINATION, TARGET[family], INSIDE[family]),
        Change(RewrittenField.DESTINATION_PORT, 80, 8080),
    )
    here = whole(sent, changed(sent, family, src=OUTSIDE[family], sport=61000), family)
    assert {change.field for change in here.changed} == {
        RewrittenField.SOURCE,
        RewrittenField.SOURCE_PORT,
    }


@FAMILIES
def test_nat_of_an_identifier(family: int) -> None:
    sent = sent_probe(Protocol.ICMP, family)
    found = whole(sent, changed(sent, family, src=OUTSIDE[family], id=61000), family)
    assert Change(RewrittenField.IDENTIFIER, 4000, 61000) in found.changed


@FAMILIES
def test_syn_fields_that_middleboxes_rewrite(family: int) -> None:
    sent = sent_probe(Protocol.TCP, family, tcp_flags=TcpFlags.ECN, more=0)
    mss = 1460 if family == 4 else 1440
    packet: Any = (IP if family == 4 else IPv6)(sent)
    options = packet[TCP].options

    def told(**fields: Any) -> list[Change]:
        return list(whole(sent, changed(sent, family, **fields), family).changed)

    assert told(flags="S") == [Change(RewrittenField.TCP_FLAGS, "SEW", "S")]
    assert told(window=65535) == [Change(RewrittenField.WINDOW, 64240, 65535)]
    assert told(seq=99) == [Change(RewrittenField.SEQUENCE)]
    assert told(ack=99) == [Change(RewrittenField.ACKNOWLEDGEMENT)]
    clamped = [("MSS", 1360), *options[1:]]
    assert told(options=clamped) == [Change(RewrittenField.MSS, mss, 1360)]
    words = "mss sackOK TS nop wscale 7"
    stripped = [options[0], ("NOP", None), ("NOP", None), *options[2:]]
    without = "mss nop nop TS nop wscale 7"
    assert told(options=stripped) == [Change(RewrittenField.OPTIONS, words, without)]
    no_mss = [("NOP", None)] * 4 + options[1:]
    assert told(options=no_mss) == [
        Change(RewrittenField.MSS, mss, None),
        Change(RewrittenField.OPTIONS, words, "nop nop nop nop " + words[4:]),
    ]


@FAMILIES
@PROTOCOLS
def test_a_payload_and_a_checksum_that_nothing_explains(protocol: Protocol, family: int) -> None:
    sent = sent_probe(protocol, family)
    quote = bytearray(sent)
    quote[-1] ^= 0xFF
    found = whole(sent, bytes(quote), family)
    assert found == QuoteDiff((Change(RewrittenField.PAYLOAD),), None)
    if protocol is Protocol.IP:
        return
    at = {Protocol.ICMP: 2, Protocol.UDP: 6, Protocol.TCP: 16}[protocol.transport]
    quote = bytearray(sent)
    quote[(20 if family == 4 else 40) + at] ^= 0xFF
    assert whole(sent, bytes(quote), family).changed == (Change(RewrittenField.CHECKSUM),)


def test_a_fragment() -> None:
    sent = sent_probe(Protocol.UDP, 4, more=1000, df=False)
    packet: Any = IP(sent)
    packet.flags, packet.len = "MF", 596
    del packet.chksum
    found = diff_quote(sent, bytes(packet)[:576], 4)
    assert found.shown == 576
    assert found.changed == (
        Change(RewrittenField.LENGTH, 1030, 596),
        Change(RewrittenField.FRAGMENT, 0, 1),
    )


@given(
    st.sampled_from(Protocol), st.sampled_from((4, 6)), st.integers(28, 200), st.integers(0, 100)
)
@settings(deadline=None)
def test_a_short_quote_is_told_as_short_and_finds_nothing_that_is_not_there(
    protocol: Protocol, family: int, length: int, padding: int
) -> None:
    """Whatever is cut, or padded with zeros instead: no field is told that was not quoted."""
    sent = sent_probe(protocol, family, more=100)
    length = max(length, (20 if family == 4 else 40) + 8)
    found = diff_quote(sent, sent[:length] + bytes(padding), family)
    assert found.changed == ()
    if length < len(sent) and not padding:
        assert found.shown == length
        quote = changed(sent, family, tos=0)[:length]
        assert diff_quote(sent, quote, family).changed == (Change(RewrittenField.TOS, 0xB8, 0),)


@pytest.mark.slow
@given(st.sampled_from(Protocol), st.sampled_from((4, 6)), st.binary(max_size=120), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_noise_never_raises(
    protocol: Protocol, family: int, noise: bytes, data: st.DataObject
) -> None:
    sent = sent_probe(protocol, family)
    at = data.draw(st.integers(0, len(sent)))
    for quote in (noise, sent[:at] + noise, sent[:at] + noise + sent[at + len(noise) :]):
        found = diff_quote(sent, quote, family)
        assert all(isinstance(change, Change) for change in found.changed)
        assert is_as_sent(bytearray(sent), quote, family) in (True, False)
