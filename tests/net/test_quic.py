"""QUIC on real routers, to a server that is not ours: hops, whose answer it is, NAT, switches."""

from collections.abc import Iterator

import pytest

from tests.helpers.network import quic_server, tui_trace_process
from tests.helpers.network.capture import Capture, probes
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import (
    listen,
    track_connections,
    track_forwarded,
)
from tests.helpers.network.params import FAMILIES, NOBODY, OPEN_PORT
from tests.helpers.network.rows import folded, parse
from tests.helpers.network.tui_trace_process import Live, only, outcomes, probe_of
from tui_trace.core.events import (
    Event,
    Foreign,
    PathEnd,
    ProbeSent,
    Reply,
    ReplyKind,
    RoundBegan,
    RunOpened,
)
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol

PORT, CLOSED_PORT = 443, 444
SIZE = {4: 1228, 6: 1248}
RIGHTS = pytest.mark.parametrize("rights", ["raw", "nobody"])


@pytest.fixture(scope="module")
def served() -> Iterator[Chain]:
    """Eight routers and a target that speaks QUIC, and TCP."""
    with Chain(8) as chain:
        quic_server.serve(chain.target, PORT)
        listen(chain.target, OPEN_PORT)
        yield chain


def trace(chain: Chain, rights: str, *options: str, out: str = "--jsonl") -> str:
    """What is printed with all rights, or with none."""
    who = NOBODY if rights == "nobody" else ()
    command = tui_trace_process.command(out, "-n", "--protocol", "quic", *options)
    done = chain.client.run(
        [*who, *command], timeout=90, env=tui_trace_process.environment(), check=True
    )
    assert "Traceback" not in done.stderr
    return done.stdout


def events_of(chain: Chain, rights: str, *options: str) -> list[Event]:
    return tui_trace_process.decode(trace(chain, rights, *options))


def answers_at(stream: list[Event], ttl: int) -> list[Reply]:
    return [reply for reply in only(Reply, stream) if reply.ttl == ttl and not reply.past_target]


@FAMILIES
@RIGHTS
def test_every_hop_answers_and_none_is_lost(served: Chain, rights: str, family: int) -> None:
    target = served.target_address(family)
    with Capture(served.client, DOWN) as capture:
        stream = events_of(served, rights, "-c30", "-i0.1", target)
        seen = [one.packet for one in probes(capture.stop(), served.source_address(family), target)]
    assert tui_trace_process.hops(stream) == served.hops(family)
    assert (only(PathEnd, stream)[-1].ttl, only(PathEnd, stream)[-1].reached) == (9, True)
    assert not [one for one in outcomes(stream) if one.lost]
    assert not only(Foreign, stream)
    assert not any(reply.duplicate or reply.late for reply in only(Reply, stream))
    last = answers_at(stream, served.length)
    assert len(last) == 30
    assert {(one.kind, one.reached, one.versions) for one in last} == {
        (ReplyKind.VERSION_NEGOTIATION, True, quic_server.VERSIONS)
    }
    assert {packet.length for packet in seen} == {SIZE[family]}
    assert {packet.ports[1] for packet in seen} == {PORT}
    if rights == "raw":  # else the driver computes the checksum
        assert all(packet.has_right_checksum for packet in seen)
        assert len({packet.flow for packet in seen}) == 1, "over TTLs and rounds, at the target too"
        assert not any(probe.source_port for probe in only(ProbeSent, stream))
        tui_trace_process.check_stamps(stream)


@RIGHTS
def test_the_report_says_which_versions_the_server_has(served: Chain, rights: str) -> None:
    options = ("-c3", "-i0.1", served.target_address())
    told = parse(trace(served, rights, *options, out="-j")).hubs[served.length]
    assert (told["marks"], told["quic_versions"]) == (["[quic]"], ["v1", "v2"])
    assert "  [quic] · QUIC v1, v2\n" in trace(served, rights, *options, out="-r")
    assert ",[quic]," in trace(served, rights, *options, out="-C").splitlines()[-1]


@FAMILIES
@RIGHTS
def test_a_closed_port_is_reached(served: Chain, rights: str, family: int) -> None:
    target = served.target_address(family)
    stream = events_of(served, rights, "-P", str(CLOSED_PORT), "-c3", "-i1.1", target)
    assert tui_trace_process.hops(stream) == served.hops(family)
    assert {reply.kind for reply in answers_at(stream, served.length)} == {ReplyKind.UNREACHABLE}
    assert all(reply.reached for reply in answers_at(stream, served.length))
    row = folded(stream)[served.length]
    assert (row.marks, row.lost, row.versions) == (("[closed]",), 0, ())


@FAMILIES
@RIGHTS
def test_a_negotiation_of_no_probe_is_no_answer(rights: str, family: int) -> None:
    with Chain(2) as chain:
        quic_server.serve(chain.target, PORT, forging=True)
        options = ("-c40", "-i0.05", "-Z0.5", chain.target_address(family))
        with Capture(chain.client, DOWN, f"udp src port {PORT}") as capture:
            stream = events_of(chain, rights, *options)
            assert len(capture.stop()) >= 35, "the forger answered"
    assert tui_trace_process.hops(stream) == chain.hops(family)[:-1]
    assert not any(reply.reached for reply in only(Reply, stream))
    if rights == "raw":
        assert sum(one.count for one in only(Foreign, stream)) >= 35


@FAMILIES
@RIGHTS
def test_a_service_that_is_none_of_quic_reaches_too(rights: str, family: int) -> None:
    with Chain(2) as chain:
        listen(chain.target, PORT, udp=True)
        stream = events_of(chain, rights, "-c10", "-i0.1", chain.target_address(family))
    assert tui_trace_process.hops(stream) == chain.hops(family)
    last = answers_at(stream, chain.length)
    assert {(one.kind, one.versions) for one in last} == {(ReplyKind.UDP, ())}
    assert not [one for one in outcomes(stream) if one.lost]


@FAMILIES
@RIGHTS
def test_behind_trackers_and_a_nat(rights: str, family: int) -> None:
    with Chain(4) as chain:
        quic_server.serve(chain.target, PORT)
        track_connections(chain.client)
        chain.masquerade()
        track_forwarded(chain.router(2))
        target = chain.target_address(family)
        for port, kind in (
            (PORT, ReplyKind.VERSION_NEGOTIATION),
            (CLOSED_PORT, ReplyKind.UNREACHABLE),
        ):
            stream = events_of(chain, rights, "-P", str(port), "-c4", "-i1.1", target)
            assert tui_trace_process.hops(stream) == chain.hops(family)
            assert {reply.kind for reply in answers_at(stream, chain.length)} == {kind}
            assert not [one for one in outcomes(stream) if one.lost]


@FAMILIES
def test_switches_between_udp_quic_and_tcp_while_it_runs(served: Chain, family: int) -> None:
    udp, quic, tcp = (probe_of(each) for each in (Protocol.UDP, Protocol.QUIC, Protocol.TCP))
    expected = {
        Protocol.UDP: ReplyKind.UNREACHABLE,
        Protocol.QUIC: ReplyKind.VERSION_NEGOTIATION,
        Protocol.TCP: ReplyKind.SYN_ACK,
    }
    pace = Pace(interval=200 * NS_PER_MS)
    with Live(served.client, served.target_address(family), udp, pace) as live:
        for settings in (udp, quic, tcp, quic, udp, quic):
            port = OPEN_PORT if settings is tcp else settings.port
            live.switch(protocol=settings.protocol, port=port, size=settings.size)
            live.run_on(RoundBegan, 6)
        stream = live.stop()
    runs = {run.run: run.settings.protocol for run in only(RunOpened, stream)}
    assert list(runs.values()) == [Protocol.UDP, Protocol.QUIC, Protocol.TCP]
    by_run: dict[int, set[ReplyKind]] = {}
    for reply in only(Reply, stream):
        if reply.reached:
            by_run.setdefault(reply.run, set()).add(reply.kind)
    assert by_run == {run: {expected[protocol]} for run, protocol in runs.items()}
    ports = {run.settings.protocol: run.source_port for run in only(RunOpened, stream)}
    assert ports[Protocol.UDP] == ports[Protocol.QUIC]
    quic_probes = [one for one in outcomes(stream) if runs[one.sent.run] is Protocol.QUIC]
    assert len(quic_probes) > 100
    assert not [one for one in quic_probes if one.lost]
    assert not only(Foreign, stream)
