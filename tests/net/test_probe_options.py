"""Each option of a probe, seen on the wire by a capture."""

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, Seen
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.packet_parser import Packet
from tests.helpers.network.params import FAMILIES, OPEN_PORT
from tui_trace.core.events import Notice, Reply, ReplyKind, RunOpened

SYN, RST, ACK, ECE, CWR = 0x02, 0x04, 0x10, 0x40, 0x80
QUICK = ("-c1", "-n")


def seen(
    chain: Chain, family: int, *options: str
) -> tuple[list[Packet], list[tui_trace_process.Event]]:
    """The probes that leave the client, and the stream."""
    source, target = chain.source_address(family), chain.target_address(family)
    with Capture(chain.client, DOWN) as capture:
        stream = tui_trace_process.trace(chain.client, *QUICK, *options, target)
        packets = capture.stop()

    def is_ours(one: Seen) -> bool:
        packet = one.packet
        return (packet.source, packet.destination) == (source, target) and not packet.is_rst

    probes = [one.packet for one in packets if is_ours(one)]
    assert len(probes) >= chain.length
    return probes, stream


def words(packet: Packet) -> str:
    """A SYN's options, as tcpdump prints them."""
    data = packet.transport[20 : (packet.transport[12] >> 4) * 4]
    names = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 8: "TS"}
    found, at = [], 0
    while at < len(data):
        found.append(names[data[at]])
        at += 1 if data[at] < 2 else data[at + 1]
    return " ".join(found)


@FAMILIES
@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (("-T",), SYN),
        (("--syn",), SYN),
        (("--ack",), ACK),
        (("--syn", "--ack"), SYN | ACK),
        (("--ecn",), SYN | ECE | CWR),
        (("--syn", "--ecn"), SYN | ECE | CWR),
    ],
)
def test_tcp_flags_and_options(
    plain: Chain, family: int, options: tuple[str, ...], flags: int
) -> None:
    probes, stream = seen(plain, family, *options, "-P", str(OPEN_PORT))
    assert {packet.tcp_flags for packet in probes} == {flags}
    assert {packet.tos & 3 for packet in probes} == {0}
    assert all(packet.has_right_checksum for packet in probes)
    if flags & SYN:
        assert {words(packet) for packet in probes} == {"mss sackOK TS nop wscale"}
        assert {packet.length for packet in probes} == {60 if family == 4 else 80}
    last = [reply for reply in tui_trace_process.only(Reply, stream) if reply.reached]
    wanted = ReplyKind.RST if flags & ACK else ReplyKind.SYN_ACK
    assert {reply.kind for reply in last} == {wanted}
    assert tui_trace_process.hops(stream) == plain.hops(family)


@FAMILIES
@pytest.mark.parametrize(
    ("options", "tos"),
    [
        (("-Q", "0xb8"), 0xB8),
        (("-Q", "EF", "-T"), 0xB8),
        (("-Q", "AF41", "-u"), 0x88),
        (("-Q", "255"), 255),
    ],
)
def test_tos(plain: Chain, family: int, options: tuple[str, ...], tos: int) -> None:
    probes, _ = seen(plain, family, *options)
    assert {packet.tos for packet in probes} == {tos}


@pytest.mark.parametrize("protocol", ["--icmp", "-u", "-T"])
def test_df_and_ip_id(plain: Chain, protocol: str) -> None:
    for df in (True, False):
        probes, _ = seen(plain, 4, protocol, *(["--df"] if df else []))
        assert {packet.df for packet in probes} == {df}
        ids = [packet.ip_id for packet in probes]
        assert len(set(ids)) == len(ids)
        assert 0 not in ids


@FAMILIES
@pytest.mark.parametrize("protocol", ["--icmp", "-u", "-T", "--protocol=99"])
@pytest.mark.parametrize("size", [1, 100, 1500])
def test_size(plain: Chain, family: int, protocol: str, size: int) -> None:
    probes, stream = seen(plain, family, protocol, "-s", str(size))
    (length,) = {packet.length for packet in probes}
    assert tui_trace_process.only(RunOpened, stream)[0].settings.size == length
    if size == 1:
        notices = [notice.text for notice in tui_trace_process.only(Notice, stream)]
        assert any(f"raised from 1 to {length} bytes" in text for text in notices)
    else:
        assert length == size
    assert tui_trace_process.hops(stream) == plain.hops(family)


@FAMILIES
def test_a_syn_with_data_is_remarked_upon(plain: Chain, family: int) -> None:
    def notices(*options: str) -> list[str]:
        _, stream = seen(plain, family, "-P", str(OPEN_PORT), *options)
        return [notice.text for notice in tui_trace_process.only(Notice, stream)]

    (line,) = notices("-T", "-s", "200")
    assert "drop a SYN" in line
    assert notices("-T") == []
    assert notices("--ack", "-s", "200") == []


@pytest.mark.parametrize("protocol", ["--icmp", "-u", "-T", "--protocol=99"])
def test_ipv6_flow_label(plain: Chain, protocol: str) -> None:
    constant, _ = seen(plain, 6, protocol, "-c3", "-i0.1")
    (label,) = {packet.flow_label for packet in constant}
    assert label
    varied, _ = seen(plain, 6, protocol, "-c3", "-i0.1", "--flow", "vary")
    assert len({packet.flow_label for packet in varied}) > 10


@FAMILIES
@pytest.mark.parametrize("name", ["gre", "47", "0x2f", "sctp", "253"])
def test_any_protocol(plain: Chain, family: int, name: str) -> None:
    number = {"sctp": 132, "253": 253}.get(name, 47)
    probes, stream = seen(plain, family, "--protocol", name)
    assert {packet.protocol for packet in probes} == {number}
    flows = {packet.transport[:4] for packet in probes}
    assert len(flows) == 1
    assert len({packet.transport[:8] for packet in probes}) == len(probes)
    assert tui_trace_process.hops(stream) == plain.hops(family)
    (last,) = [
        reply for reply in tui_trace_process.only(Reply, stream) if reply.ttl == plain.length
    ]
    told = (last.kind, last.reached, last.icmp_type, last.code)
    icmp = (3, 2) if family == 4 else (4, 1)
    assert told == (ReplyKind.UNREACHABLE, True, *icmp)
    report = tui_trace_process.program(
        plain.client, "-r", *QUICK, "--protocol", name, plain.target_address(family)
    ).stdout
    assert f"IP protocol {number}" in report.splitlines()[0]
    row = next(line for line in report.splitlines() if f"{plain.length}.|--" in line)
    assert row.endswith("!P")


def test_protocols_with_probes_of_their_own(plain: Chain) -> None:
    for name, number in (("tcp", 6), ("17", 17), ("icmp", 1)):
        probes, stream = seen(plain, 4, "--protocol", name)
        assert {packet.protocol for packet in probes} == {number}
        assert tui_trace_process.hops(stream) == plain.hops()


@FAMILIES
@pytest.mark.parametrize("protocol", ["-u", "-T"])
def test_a_source_port_below_1024(plain: Chain, family: int, protocol: str) -> None:
    probes, stream = seen(plain, family, protocol, "-P", str(OPEN_PORT), "-L", "123")
    assert {packet.ports for packet in probes} == {(123, OPEN_PORT)}
    assert tui_trace_process.hops(stream) == plain.hops(family)


@FAMILIES
def test_ecn_accepted_and_refused(family: int) -> None:
    with Chain(1) as chain:
        listen(chain.target, OPEN_PORT)
        for accepted in (0, 1):
            chain.target.sysctl(ipv4__tcp_ecn=accepted)
            _, stream = seen(chain, family, "--ecn", "-P", str(OPEN_PORT))
            (last,) = [one for one in tui_trace_process.only(Reply, stream) if one.ttl == 2]
            assert (last.kind, last.ecn) == (ReplyKind.SYN_ACK, bool(accepted))
            report = tui_trace_process.program(
                chain.client, "-r", *QUICK, "--ecn", "-P", str(OPEN_PORT),
                chain.target_address(family),
            ).stdout  # fmt: skip
            mark = "[open, ecn]" if accepted else "[open] · ECN refused"
            assert report.rstrip().endswith(mark)
