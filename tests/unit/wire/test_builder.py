"""Patched templates against scapy, byte by byte, and against RFC 1071."""

import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from tui_trace.core.settings import FlowMode, ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.packets.builder import Template
from tui_trace.wire.packets.checksum import ones_sum
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS
from tui_trace.wire.packets.tcp import tcp_options

ADDRESSES = {4: ("192.0.2.77", "203.0.113.9"), 6: ("2001:db8::77", "2001:db8:5::9")}
NUMBERS = {
    Protocol.ICMP: {4: 1, 6: 58},
    Protocol.UDP: {4: 17, 6: 17},
    Protocol.TCP: {4: 6, 6: 6},
    Protocol.IP: {4: 99, 6: 99},
    Protocol.QUIC: {4: 17, 6: 17},
}
U16 = st.integers(0, 0xFFFF)
PORT = st.integers(1, 0xFFFF)
LABEL = 0x4711A
QUIC_HEADER = 28
"""Bytes up to the packet number, with connection IDs of eight bytes and a token of two."""


@st.composite
def probes(draw: Any) -> tuple[int, ProbeSettings, list[tuple[int, tuple[int, int], int, int]]]:
    """A family, settings, and several (ttl, flow, key, IP ID) to patch in one after another."""
    family = draw(st.sampled_from((4, 6)))
    protocol = draw(st.sampled_from(Protocol))
    bare = draw(st.booleans())
    least = minimum_size(protocol, family, bare)
    chosen = ProbeSettings(
        protocol=protocol,
        port=80,
        tos=draw(st.integers(0, 255)),
        df=draw(st.booleans()),
        size=draw(st.one_of(st.integers(least, least + 40), st.integers(least, 9000))),
        tcp_flags=draw(st.sampled_from(TcpFlags)),
        number=99,
        no_tcp_options=bare,
        payload_byte=draw(st.integers(0, 255)),
    )
    key = {
        Protocol.ICMP: U16,
        Protocol.UDP: st.one_of(PORT, st.sampled_from((1, 0xFFFE, 0xFFFF))),
        Protocol.TCP: st.integers(0, 0xFFFF_FFFF),
        Protocol.IP: st.integers(0, 0xFFFF_FFFF),
    }[protocol.transport]
    second = st.integers(0, 0xFFFE) if protocol is Protocol.ICMP else PORT
    patches = st.tuples(st.integers(1, 255), st.tuples(PORT, second), key, PORT)
    return family, chosen, draw(st.lists(patches, min_size=1, max_size=4))


def by_scapy(
    family: int, chosen: ProbeSettings, ttl: int, flow: tuple[int, int], key: int, ip_id: int
) -> Any:
    """The headers, with lengths and checksums left to scapy."""
    source, target = ADDRESSES[family]
    below: Any
    if family == 4:
        frag = "DF" if chosen.df else 0
        below = IP(src=source, dst=target, ttl=ttl, id=ip_id, tos=chosen.tos, flags=frag)
    else:
        below = IPv6(src=source, dst=target, hlim=ttl, tc=chosen.tos, fl=LABEL)
    above: Any
    if chosen.protocol.transport is Protocol.UDP:
        above = UDP(sport=flow[0], dport=flow[1])
    elif chosen.protocol is Protocol.TCP:
        flags = {
            TcpFlags.SYN: "S",
            TcpFlags.ACK: "A",
            TcpFlags.SYN_ACK: "SA",
            TcpFlags.ECN: "SEC",
        }[chosen.tcp_flags]
        above = TCP(
            sport=flow[0],
            dport=flow[1],
            seq=key,
            ack=key if "A" in flags else 0,
            flags=flags,
            window=64240,
            options=[] if chosen.no_tcp_options else options_of(chosen, family, key),
        )
    elif chosen.protocol is Protocol.IP:
        setattr(below, "proto" if family == 4 else "nh", chosen.number)
        above = Raw(struct.pack("!HHI", *flow, key))
    else:
        echo = ICMP if family == 4 else ICMPv6EchoRequest
        above = echo(id=flow[0], seq=key)
    return below / above


def options_of(chosen: ProbeSettings, family: int, key: int) -> list[tuple[str, Any]]:
    """The timestamp repeats the sequence number."""
    return [
        (name, (key, 0) if name == "Timestamp" else value)
        for name, value in tcp_options(chosen.tcp_flags, family)
    ]


@pytest.mark.slow
@given(probes())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_patched_is_what_scapy_builds(
    case: tuple[int, ProbeSettings, list[tuple[int, tuple[int, int], int, int]]],
) -> None:
    family, chosen, patches = case
    template = Template(chosen, *ADDRESSES[family], family, LABEL)
    for ttl, flow, key, ip_id in patches:
        ours = bytes(template.probe(ttl, flow, key, ip_id))
        packet = by_scapy(family, chosen, ttl, flow, key, ip_id)
        headers = len(packet)
        # The payload is ours to choose; its checksum, scapy's to compute.
        assert bytes(packet / Raw(ours[headers:])) == ours
        assert len(ours) == chosen.size
        ours_alone = QUIC_HEADER if chosen.protocol is Protocol.QUIC else 2
        assert set(ours[headers + ours_alone :]) <= {chosen.payload_byte}


@given(probes())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_wire_carries_flow_and_key(
    case: tuple[int, ProbeSettings, list[tuple[int, tuple[int, int], int, int]]],
) -> None:
    family, chosen, patches = case
    template = Template(chosen, *ADDRESSES[family], family, LABEL)
    for ttl, flow, key, ip_id in patches:
        packet: Any = (IP if family == 4 else IPv6)(bytes(template.probe(ttl, flow, key, ip_id)))
        above = packet.payload
        if chosen.protocol.transport is Protocol.UDP:
            assert (above.sport, above.dport, above.chksum) == (*flow, key)
        elif chosen.protocol is Protocol.TCP:
            assert (above.sport, above.dport, above.seq) == (*flow, key)
            options = dict(above.options)
            assert chosen.no_tcp_options or options["Timestamp"] == (key, 0)
        elif chosen.protocol is Protocol.IP:
            assert struct.unpack_from("!HHI", bytes(above)) == (*flow, key)
        else:
            checksum = above.chksum if family == 4 else above.cksum
            assert (above.id, checksum, above.seq) == (*flow, key)


@given(probes())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_receiver_verifies_the_checksum(
    case: tuple[int, ProbeSettings, list[tuple[int, tuple[int, int], int, int]]],
) -> None:
    family, chosen, patches = case
    template = Template(chosen, *ADDRESSES[family], family, LABEL)
    start = 20 if family == 4 else 40
    for patch in patches:
        packet = bytes(template.probe(*patch))
        total = rfc1071(packet[start:])
        if family == 6 or chosen.protocol is not Protocol.ICMP:
            total += rfc1071(packet[12:20] if family == 4 else packet[8:40])
            total += chosen.size - start + NUMBERS[chosen.protocol][family]
        if chosen.protocol is not Protocol.IP:
            assert fold(total) == 0xFFFF
        if family == 4:
            assert fold(rfc1071(packet[:20])) == 0xFFFF


def data_length(chosen: ProbeSettings, family: int) -> int:
    return PROBE_PROTOCOLS[family][chosen.protocol].data_length(chosen)


def rfc1071(data: bytes) -> int:
    """As the RFC's example in C does it."""
    padded = data + b"\0" * (len(data) % 2)
    return sum(padded[i] << 8 | padded[i + 1] for i in range(0, len(padded), 2))


def fold(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.binary(max_size=200))
def test_ones_sum_is_the_rfcs(data: bytes) -> None:
    assert ones_sum(data) == fold(rfc1071(data)) % 0xFFFF


@given(st.sampled_from((4, 6)), st.data())
@settings(deadline=None)
def test_a_paris_flow_keeps_its_checksum_over_sizes(family: int, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(minimum_size(Protocol.ICMP, family), 1500), max_size=5))
    at = (20 if family == 4 else 40) + 2
    seen = set()
    for size in sizes:
        template = Template(ProbeSettings(size=size), *ADDRESSES[family], family)
        for ttl in (1, 30):
            key = data.draw(U16)
            seen.add(bytes(template.probe(ttl, (7, 0x1234), key, 9)[at : at + 4]))
    assert seen <= {b"\x12\x34\x00\x07"}


@pytest.mark.parametrize("mode", FlowMode)
def test_flow_label_is_one_a_flow(mode: FlowMode) -> None:
    chosen = ProbeSettings(protocol=Protocol.UDP, port=1, size=64, flow=mode)
    template = Template(chosen, *ADDRESSES[6], 6, LABEL)

    def label(port: int, key: int) -> int:
        return int.from_bytes(template.probe(5, (4000, port), key, 1)[:4], "big") & 0xFFFFF

    labels = {label(port, 77) for port in range(33434, 33534)}
    assert label(33434, 1) == label(33434, 2)
    if mode is FlowMode.CONSTANT:
        assert labels == {LABEL}
    else:
        assert len(labels) == 100


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("flags", TcpFlags)
def test_tcp_options_fill_the_minimum(family: int, flags: TcpFlags) -> None:
    least = minimum_size(Protocol.TCP, family)
    chosen = ProbeSettings(protocol=Protocol.TCP, port=80, size=least, tcp_flags=flags)
    packet = Template(chosen, *ADDRESSES[family], family).probe(3, (1, 80), 5, 1)
    assert len(packet) == least
    assert packet[(20 if family == 4 else 40) + 12] >> 4 == 10
    assert data_length(chosen, family) == (-1 if flags is TcpFlags.ACK else 0)


@given(st.integers(60, 9000))
def test_data_length_counts_what_lies_beyond(size: int) -> None:
    assert data_length(ProbeSettings(protocol=Protocol.TCP, size=size), 4) == size - 60
    assert data_length(ProbeSettings(protocol=Protocol.UDP, size=size), 4) == 0


@pytest.mark.parametrize("family", [4, 6])
def test_what_the_wire_cannot_carry_is_refused(family: int) -> None:
    icmp = Template(ProbeSettings(), *ADDRESSES[family], family)
    with pytest.raises(ValueError, match="0xFFFF"):
        icmp.probe(1, (1, 0xFFFF), 1, 1)
    udp = Template(ProbeSettings(protocol=Protocol.UDP, port=5), *ADDRESSES[family], family)
    with pytest.raises(ValueError, match="none"):
        udp.probe(1, (1, 5), 0, 1)


@given(st.sampled_from(Protocol), st.sampled_from((4, 6)), st.data())
def test_an_impossible_size_is_refused(
    protocol: Protocol, family: int, data: st.DataObject
) -> None:
    least = minimum_size(protocol, family)
    size = data.draw(st.one_of(st.integers(0, least - 1), st.integers(65_536, 70_000)))
    with pytest.raises(ValueError, match="bytes"):
        Template(ProbeSettings(protocol=protocol, size=size), *ADDRESSES[family], family)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("protocol", Protocol)
def test_the_largest_packet(protocol: Protocol, family: int) -> None:
    chosen = ProbeSettings(protocol=protocol, port=5, size=65_535)
    packet = bytes(Template(chosen, *ADDRESSES[family], family).probe(9, (3, 5), 5, 5))
    assert len(packet) == 65_535
    parsed: Any = (IP if family == 4 else IPv6)(packet)
    assert (parsed.len if family == 4 else parsed.plen + 40) == 65_535


def test_scapy_reads_no_vendors() -> None:
    """Half of its import would be for names that no probe has."""
    child = (
        "from tui_trace.wire.packets.lazy_scapy import scapy_layers; scapy_layers();"
        "from scapy.data import MANUFDB; print(len(MANUFDB))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0\n"
