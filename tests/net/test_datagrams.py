"""A target that answers in the protocol it was asked in, by no ICMP: SCTP's ABORT, say."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.params import FAMILIES
from tui_trace.core.events import Event, Reply, ReplyKind

ROUTERS = 3

_ANSWERING = """
import socket, sys
from scapy.layers.sctp import SCTP, SCTPChunkAbort
number, answers = int(sys.argv[1]), sys.argv[2]
socks = {af: socket.socket(af, socket.SOCK_RAW, number) for af in (socket.AF_INET, socket.AF_INET6)}
print("ready", flush=True)
import select
while True:
    for sock in select.select(list(socks.values()), [], [])[0]:
        data, peer = sock.recvfrom(2000)
        if sock is socks[socket.AF_INET]:
            data = data[20:]
        ports, tag = (data[2:4], data[:2]), int.from_bytes(data[4:8], "big")
        if answers == "abort":
            sport, dport = (int.from_bytes(port, "big") for port in ports)
            answer = bytes(SCTP(sport=sport, dport=dport, tag=tag) / SCTPChunkAbort(TCB=1))
        elif answers == "others":
            answer = bytes(SCTP(sport=9, dport=9, tag=tag) / SCTPChunkAbort(TCB=1))
        else:
            answer = bytes.fromhex("0000 0800 4500")
        sock.sendto(answer, (peer[0], 0))
"""
"""A host that speaks the protocol: what it answers an unknown association (RFC 9260 §8.4)."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain(ROUTERS) as made:
        yield made


def traced(chain: Chain, family: int, number: int, answers: str) -> list[Event]:
    words = [sys.executable, "-uc", _ANSWERING, str(number), answers]
    host = chain.target.popen(words, stderr=subprocess.DEVNULL)
    try:
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        pace = ("-c2", "-i0.5", "-Z1", "-m6")
        target = chain.target_address(family)
        return tui_trace_process.trace(chain.client, *pace, "--protocol", str(number), target)
    finally:
        host.kill()
        host.communicate()


@FAMILIES
@pytest.mark.parametrize(("number", "answers"), [(132, "abort"), (47, "packet"), (253, "packet")])
def test_the_target_is_reached(chain: Chain, family: int, number: int, answers: str) -> None:
    stream = traced(chain, family, number, answers)
    assert tui_trace_process.hops(stream) == chain.hops(family)
    direct = [
        one
        for one in tui_trace_process.only(Reply, stream)
        if one.address == chain.target_address(family)
    ]
    assert {(one.kind, one.icmp_type, one.reached) for one in direct} == {
        (ReplyKind.OTHER, None, True)
    }
    assert {one.reply_ttl for one in direct} == {64 - ROUTERS}
    assert not any(one.duplicate or one.late for one in direct)
    at_target = [one for one in tui_trace_process.outcomes(stream) if one.sent.ttl == chain.length]
    assert [bool(one.replies) for one in at_target] == [True, True]


@FAMILIES
def test_another_association_is_not_ours(chain: Chain, family: int) -> None:
    stream = traced(chain, family, 132, "others")
    assert tui_trace_process.hops(stream) == chain.hops(family)[:-1]
    assert not any(one.reached for one in tui_trace_process.only(Reply, stream))
