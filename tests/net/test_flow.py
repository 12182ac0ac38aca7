"""What load balancers hash stays the same, and an open port gets no SYN that it cannot answer."""

import msgspec
import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.capture_rtt import exchanges
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import filter_resets, listen
from tests.helpers.network.packet_parser import Packet
from tests.helpers.network.params import FAMILIES, OPEN_PORT, PROTOCOLS
from tui_trace.core.events import ProbeLost, ProbeSent, Reply, ReplyKind
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings, Protocol

SIZES = (100, 101, 777, 1400, 100)


def _captured(chain: Chain, family: int, settings: ProbeSettings) -> list[Packet]:
    target = chain.target_address(family)
    pace = Pace(interval=60 * NS_PER_MS)
    with Capture(chain.client, DOWN) as capture:
        first = msgspec.structs.replace(settings, size=SIZES[0])
        with tui_trace_process.Live(chain.client, target, first, pace) as live:
            for size in SIZES:
                live.switch(size=size)
                live.run_on(ProbeSent, 40)
            stream = live.stop()
        seen = [one.packet for one in probes(capture.stop(), chain.source_address(family), target)]
    assert len(seen) == len(tui_trace_process.only(ProbeSent, stream))
    return seen


@FAMILIES
@PROTOCOLS
def test_flow_is_constant_over_rounds_ttls_and_sizes_and_checksums_are_right(
    plain: Chain, protocol: Protocol, family: int
) -> None:
    seen = _captured(plain, family, tui_trace_process.probe_of(protocol, tos=0xB8))
    assert {packet.tos for packet in seen} == {0xB8}
    assert all(packet.has_right_checksum for packet in seen)
    assert {packet.length for packet in seen} == set(SIZES)
    assert {packet.ttl for packet in seen} >= set(range(1, plain.length + 1))
    # the first sweep's scout may meet an open port before the others do
    path = [packet for packet in seen if packet.ttl <= plain.length or protocol is not Protocol.TCP]
    assert len({packet.flow for packet in path}) == 1
    assert len({packet.key for packet in seen}) == len(seen)
    if family == 4:
        assert all(packet.ip_id for packet in seen)


@FAMILIES
@pytest.mark.parametrize("flow", ["classic", "vary"])
def test_other_flows_vary(plain: Chain, flow: str, family: int) -> None:
    target = plain.target_address(family)
    with Capture(plain.client, DOWN) as capture:
        tui_trace_process.trace(plain.client, "-u", "--flow", flow, "-c3", "-i0.1", target)
        seen = [one.packet for one in probes(capture.stop(), plain.source_address(family), target)]
    ports = {packet.ports for packet in seen}
    assert len(ports) >= 16
    if flow == "classic":
        assert len({source for source, _ in ports}) == 1
        destinations = [packet.ports[1] for packet in seen]
        assert destinations == list(range(33434, 33434 + len(seen)))


@FAMILIES
@pytest.mark.parametrize("resets", ["seen", "filtered"])
def test_many_syns_to_an_open_port_are_no_loss(resets: str, family: int) -> None:
    with Chain(2) as chain:
        listen(chain.target, OPEN_PORT)
        if resets == "filtered":
            filter_resets(chain.client)
        target = chain.target_address(family)
        with Capture(chain.client, DOWN) as capture:
            stream = tui_trace_process.trace(
                chain.client, "-T", "-P", str(OPEN_PORT), "-i0.03", "-c100", "-Z1", target
            )
            found = exchanges(capture.stop(), chain.source_address(family), target)
        assert tui_trace_process.only(ProbeLost, stream) == []
        at_target = [
            one
            for one in tui_trace_process.outcomes(stream)
            if one.sent.ttl == chain.length and not one.void
        ]
        kinds = [one.answer.kind for one in at_target if one.answer]
        assert kinds == [ReplyKind.SYN_ACK] * len(at_target)
        assert len(at_target) > (90 if resets == "seen" else 50)
        on_the_wire = [one for one in found if one.sent.packet.ttl == chain.length]
        assert all(one.answer is not None for one in on_the_wire)
        in_routers = {one.sent.packet.flow for one in found if one.sent.packet.ttl < chain.length}
        assert len(in_routers) == 1


def test_a_repeated_syn_ack_is_a_duplicate() -> None:
    with Chain(1) as chain:
        listen(chain.target, OPEN_PORT)
        filter_resets(chain.client)
        pace = Pace(interval=500 * NS_PER_MS)
        settings = tui_trace_process.probe_of(Protocol.TCP, port=OPEN_PORT)
        with tui_trace_process.Live(chain.client, chain.target_address(), settings, pace) as live:
            live.run_until(
                lambda stream: any(e.duplicate for e in tui_trace_process.only(Reply, stream))
            )
            stream = live.stop()
        assert tui_trace_process.only(ProbeLost, stream) == []
