"""Destination NAT whose quotes nobody repairs: found where tcptraceroute finds it."""

import re
from collections.abc import Iterator

import pytest

from tests.helpers.network import peers, tui_trace_process
from tests.helpers.network.chain import DOWN, Chain
from tests.helpers.network.fault_injection import listen, readdress
from tests.helpers.network.params import FAMILIES
from tui_trace.core.events import (
    Change,
    ProbeSent,
    Reply,
    ReplyKind,
    RewrittenField,
    RoundBegan,
    SourceChanged,
)
from tui_trace.core.settings import NS_PER_MS, Pace, Protocol

VIP = {4: "203.0.113.80", 6: "2001:db8:ff::80"}
PORT, INNER = 443, 8443
NAT_AT = 2
"""The router that rewrites."""
LENGTH = 5

MODES = [("show", "--dnat"), ("match", "--no-dnat"), ("off", "--no-dnat-strict")]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Four routers, the second of which sends what goes to an address on to the target."""
    with Chain(LENGTH - 1) as chain:
        listen(chain.target, PORT)
        listen(chain.target, INNER)
        for family in (4, 6):
            readdress(
                chain.router(NAT_AT),
                VIP[family],
                chain.target_address(family),
                chain.source_address(family),
                ports=(PORT + 1, INNER),
            )
        yield chain


def told(stream: list[tui_trace_process.Event], field: RewrittenField) -> dict[int, object]:
    """What replies at each TTL say that a field was changed to."""
    return {
        reply.ttl: change.received
        for reply in tui_trace_process.only(Reply, stream)
        for change in reply.changed
        if change.field is field and not reply.past_target
    }


def theirs(chain: Chain, port: int, *options: str) -> tuple[list[str | None], dict[int, str]]:
    """tcptraceroute's hops, and at which of them it finds a DNAT to where."""
    words = [peers.PROGRAMS["tcptraceroute"], "-n", "-q1", "-w1", "-m", str(LENGTH)]
    done = chain.client.run([*words, *options, VIP[4], str(port)], check=False)
    found, pending = {}, None
    for line in done.stdout.splitlines():
        if match := re.match(r"\s+Detected DNAT to (\S+)", line):
            pending = match[1]
        elif pending and (match := re.match(r"\s*(\d+)", line)):
            found[int(match[1])], pending = pending, None
    return [hop.address for hop in peers.parse_lines(done.stdout)], found


@pytest.mark.parametrize("port", [PORT, PORT + 1])
@pytest.mark.parametrize(("mode", "their_mode"), MODES)
@pytest.mark.parametrize("track", ["id", "port"])
def test_we_find_what_tcptraceroute_finds(
    chain: Chain, port: int, mode: str, their_mode: str, track: str
) -> None:
    hops, nat = theirs(chain, port, their_mode, f"--track-{track}")
    options = ("-T", "-P", str(port), "--dnat", mode, "--track", track, "-c1", "-m", str(LENGTH))
    stream = tui_trace_process.trace(chain.client, *options, VIP[4])
    found = tui_trace_process.hops(stream)
    assert found == hops
    if mode == "off":
        assert found[NAT_AT : LENGTH - 1] == [None] * (LENGTH - 1 - NAT_AT)
    else:
        assert found == [*chain.hops()[:-1], VIP[4]]
        addresses = told(stream, RewrittenField.DESTINATION)
        ports = told(stream, RewrittenField.DESTINATION_PORT)
        assert set(addresses) == set(range(NAT_AT + 1, LENGTH))
        assert set(ports) == (set(addresses) if port != PORT else set())
        if mode == "show":
            ((ttl, to),) = nat.items()
            where = f"{addresses[ttl]}:{ports[ttl]}" if ports else addresses[ttl]
            assert (min(addresses), where) == (ttl, to)
    last = [reply for reply in tui_trace_process.only(Reply, stream) if reply.ttl == LENGTH]
    assert {reply.kind for reply in last} == {ReplyKind.SYN_ACK}


@FAMILIES
@pytest.mark.parametrize(
    "options",
    [(), ("-u",), ("-T", "-P", str(PORT)), ("--protocol", "99"), ("--protocol", "quic")],
)
def test_every_protocol_is_followed_through(
    chain: Chain, family: int, options: tuple[str, ...]
) -> None:
    stream = tui_trace_process.trace(
        chain.client, *options, "-c2", "-i0.1", "-m", str(LENGTH), VIP[family]
    )
    assert tui_trace_process.hops(stream) == [*chain.hops(family)[:-1], VIP[family]]
    behind = {
        reply.ttl: reply.changed
        for reply in tui_trace_process.only(Reply, stream)
        if NAT_AT < reply.ttl < LENGTH
    }
    change = Change(RewrittenField.DESTINATION, VIP[family], chain.target_address(family))
    assert behind == dict.fromkeys(range(NAT_AT + 1, LENGTH), (change,))


@FAMILIES
def test_udp_is_followed_to_another_port(chain: Chain, family: int) -> None:
    """Address and port both change the checksum, which is what tells UDP probes apart."""
    options = ("-u", "-P", str(PORT + 1), "-c3", "-i0.1", "-m", str(LENGTH))
    stream = tui_trace_process.trace(chain.client, *options, VIP[family])
    assert tui_trace_process.hops(stream) == [*chain.hops(family)[:-1], VIP[family]]
    addresses, ports = (
        told(stream, RewrittenField.DESTINATION),
        told(stream, RewrittenField.DESTINATION_PORT),
    )
    behind = range(NAT_AT + 1, LENGTH + 1)
    assert addresses == dict.fromkeys(behind, chain.target_address(family))
    assert ports == dict.fromkeys(behind, INNER)


def test_the_report_says_where_the_probes_went(chain: Chain) -> None:
    common = ("-T", "-P", str(PORT + 1), "-c2", "-i0.1", "-n", "-r", VIP[4])
    shown = tui_trace_process.program(chain.client, "--dnat", "show", *common).stdout.splitlines()
    where = f"NAT to {chain.target_address()}:{INNER}"
    assert [where in line for line in shown if ".|--" in line] == [
        False, False, True, True, False
    ]  # fmt: skip
    quiet = tui_trace_process.program(chain.client, *common).stdout.splitlines()
    assert [line.endswith("NAT") for line in quiet if ".|--" in line] == [
        False, False, True, True, False
    ]  # fmt: skip


@FAMILIES
def test_a_source_address_of_our_own_is_no_nat(family: int) -> None:
    """Probes are on their way when the route turns to another address of this machine."""
    with Chain(2, relay=1) as chain:
        assert chain.relay is not None
        chain.relay.delay(100, 100)
        other = "198.18.1.9" if family == 4 else "2001:db8:0:1::9"
        width, everywhere = (24, "0.0.0.0/0") if family == 4 else (64, "::/0")
        settings = tui_trace_process.probe_of(Protocol.UDP)
        pace = Pace(interval=60 * NS_PER_MS)
        with tui_trace_process.Live(
            chain.client, chain.target_address(family), settings, pace
        ) as live:
            live.run_on(RoundBegan, 20)
            chain.client.ip(
                f"address add {other}/{width} dev {DOWN}{' nodad' if family == 6 else ''}",
                f"route replace {everywhere} via {chain.hop(1, family)} src {other}",
            )
            live.run_until(lambda stream: bool(tui_trace_process.only(SourceChanged, stream)))
            live.run_on(RoundBegan, 20)
            stream = live.stop()
    after = stream[stream.index(tui_trace_process.only(SourceChanged, stream)[0]) :]
    sent_after = {one.probe for one in tui_trace_process.only(ProbeSent, after)}
    replies = tui_trace_process.only(Reply, after)
    assert any(reply.probe not in sent_after for reply in replies)
    assert any(reply.probe in sent_after for reply in replies)
    assert not any(reply.changed for reply in replies)
