"""The same hops as mtr, traceroute and tcptraceroute show on the same network."""

from collections.abc import Sequence

from tests.helpers.network import peers, tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.fault_injection import listen
from tests.helpers.network.params import (
    FAMILIES,
    MTR_OPTION,
    OPEN_PORT,
    OPTION,
    PROTOCOLS,
    TRACEROUTE_OPTION,
)
from tui_trace.core.events import PathEnd, Reply, ReplyKind
from tui_trace.core.settings import Protocol


def _addresses(hops: Sequence[peers.PeerHop]) -> list[str | None]:
    return [hop.address for hop in hops]


@FAMILIES
@PROTOCOLS
def test_same_hops_as_the_peers(long: Chain, protocol: Protocol, family: int) -> None:
    target, client = long.target_address(family), long.client
    stream = tui_trace_process.trace(client, *OPTION[protocol], "-c", "2", "-i", "0.3", target)
    mine = tui_trace_process.hops(stream)
    assert mine == long.hops(family)
    assert mine == _addresses(peers.traceroute(client, target, "-q1", *TRACEROUTE_OPTION[protocol]))
    fast = ("-c1", "-i0.1", "-G1")
    assert mine == _addresses(peers.mtr(client, target, *fast, *MTR_OPTION[protocol]))
    for one in tui_trace_process.outcomes(stream):
        is_silent = one.sent.ttl in long.silent_hops
        assert one.lost == (is_silent and not one.void), one


def test_same_hops_as_tcptraceroute(long: Chain) -> None:
    mine = tui_trace_process.hops(
        tui_trace_process.trace(long.client, *OPTION[Protocol.TCP], "-c1", long.target_address())
    )
    theirs = peers.tcptraceroute(
        long.client, long.target_address(), OPEN_PORT, "-q", "1", "-w", "1"
    )
    assert mine == _addresses(theirs)


@FAMILIES
def test_each_protocol_reaches_the_target_in_its_own_way(plain: Chain, family: int) -> None:
    target = plain.target_address(family)
    for options, kind in (
        (("--icmp",), ReplyKind.ECHO),
        (("-u",), ReplyKind.UNREACHABLE),
        (("-T", "-P", str(OPEN_PORT)), ReplyKind.SYN_ACK),
        (("-T", "-P", "81"), ReplyKind.RST),
        (("-T", "-P", str(OPEN_PORT), "--ack"), ReplyKind.RST),
    ):
        stream = tui_trace_process.trace(plain.client, *options, "-c", "3", "-i", "0.1", target)
        replies = tui_trace_process.only(Reply, stream)
        kinds = {reply.kind for reply in replies if reply.reached}
        assert kinds == {kind}, options
        assert {reply.address for reply in replies if reply.reached} == {target}
        end = tui_trace_process.only(PathEnd, stream)[-1]
        assert (end.ttl, end.reached) == (plain.length, True)


@FAMILIES
def test_an_answer_in_udp_reaches_the_target_too(family: int) -> None:
    with Chain(2) as chain:
        listen(chain.target, 5353, udp=True)
        stream = tui_trace_process.trace(
            chain.client, "-u", "-P", "5353", "-c5", "-i0.1", chain.target_address(family)
        )
        assert tui_trace_process.hops(stream) == chain.hops(family)
        at_target = [
            one for one in tui_trace_process.outcomes(stream) if one.sent.ttl == chain.length
        ]
        kinds = {one.answer.kind if one.answer else None for one in at_target}
        assert kinds == {ReplyKind.UDP}


@FAMILIES
def test_range_of_ttls(plain: Chain, family: int) -> None:
    stream = tui_trace_process.trace(
        plain.client, "-f3", "-m5", "-c2", "-i0.1", plain.target_address(family)
    )
    assert [one.sent.ttl for one in tui_trace_process.outcomes(stream)] == [3, 4, 5] * 2
    assert tui_trace_process.hops(stream) == [None, None, *plain.hops(family)[2:5]]


@FAMILIES
def test_probing_stops_after_unknown_hops(family: int) -> None:
    with Chain(8, silent=range(3, 10)) as chain:
        # the target answers nothing either
        chain.target.nft(
            "table inet mute {\nchain c {\ntype filter hook input priority 0\n"
            "ip protocol icmp drop\nicmpv6 type echo-request drop\n}\n}\n"
        )
        stream = tui_trace_process.trace(
            chain.client, "-U", "2", "-Z0.2", "-c3", "-i0.3", chain.target_address(family)
        )
        assert tui_trace_process.hops(stream) == chain.hops(family)[:2]
        found = tui_trace_process.outcomes(stream)
        assert [one.sent.ttl for one in found if not one.void][-4:] == [1, 2, 3, 4]
        scouts = [one.sent.ttl for one in found if one.void]
        assert scouts == [30, 30], "one of the first sweep, and one of the last round"
        end = tui_trace_process.only(PathEnd, stream)[-1]
        assert (end.ttl, end.reached) == (4, False)
