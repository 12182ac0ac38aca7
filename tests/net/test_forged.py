"""A flood of ICMP errors that quote somebody else's probes to our target credits none of ours."""

import subprocess
import sys

import pytest

from tests.helpers.network import tui_trace_process
from tests.helpers.network.chain import Chain
from tests.helpers.network.params import FAMILIES
from tests.helpers.places import ROOT
from tui_trace.core.events import Foreign, Reply, RoundBegan
from tui_trace.core.settings import DEFAULT_PORT, NS_PER_MS, Pace, ProbeIdField, Protocol

EACH = 25_000
FORGER = {4: "203.0.113.66", 6: "2001:db8:66::1"}

_FLOOD = """
import random, socket, struct, sys, time
from tests.helpers.icmp_messages import message
from tui_trace.wire.packets.checksum import ones_sum
forger, source, target, number, port, count = sys.argv[1:4] + [int(word) for word in sys.argv[4:]]
rng = random.Random(4)
family = 6 if ":" in target else 4
af = socket.AF_INET6 if family == 6 else socket.AF_INET
ends = [socket.inet_pton(af, end) for end in (forger, source, target)]
sock = socket.socket(af, socket.SOCK_RAW, socket.IPPROTO_RAW)
for n in range(count):
    if number == 6:
        above = struct.pack("!HHI", rng.randrange(1, 1024), port, rng.getrandbits(32))
    elif number == 17:
        above = struct.pack("!HHHH", rng.randrange(1, 1024), port, 44, rng.randrange(1, 1 << 16))
    elif number == 99:
        above = rng.randbytes(8)
    else:
        head = 0x0800 if family == 4 else 0x8000
        above = struct.pack("!HHHH", head, *(rng.randrange(1 << 16) for _ in range(3)))
    above += bytes(12)
    ip_id = rng.randrange(1, 1 << 16)
    if family == 4:
        quote = struct.pack("!BBHHHBBH", 69, 0, 64, ip_id, 0, 1, number, 0) + ends[1] + ends[2]
    else:
        quote = struct.pack("!IHBB", 6 << 28, 24, number, 1) + ends[1] + ends[2]
    body = bytearray(message(family, quote + above, b"", 0))
    pseudo = 0 if family == 4 else ones_sum(ends[0] + ends[1]) + len(body) + 58
    struct.pack_into("!H", body, 2, -(pseudo + ones_sum(body)) % 0xFFFF)
    if family == 4:
        head = struct.pack("!BBHHHBBH", 69, 0, 20 + len(body), 0, 0, 60, 1, 0) + ends[0] + ends[1]
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), 58, 60) + ends[0] + ends[1]
    sock.sendto(head + body, (source, 0))
    if n % 50 == 0:
        time.sleep(0.004)
"""

NUMBER = {
    Protocol.ICMP: {4: 1, 6: 58},
    Protocol.UDP: {4: 17, 6: 17},
    Protocol.TCP: {4: 6, 6: 6},
    Protocol.IP: {4: 99, 6: 99},
    Protocol.QUIC: {4: 17, 6: 17},
}


@FAMILIES
@pytest.mark.parametrize("protocol", list(Protocol))
def test_no_reply_of_a_foreign_flow_is_accepted(
    plain: Chain, protocol: Protocol, family: int
) -> None:
    """Eight floods of 25,000."""
    source, target = plain.source_address(family), plain.target_address(family)
    port = DEFAULT_PORT[protocol]
    track = ProbeIdField.IP_ID if family == 4 else ProbeIdField.SEQUENCE
    settings = tui_trace_process.probe_of(protocol, track=track, number=99)
    pace = Pace(interval=50 * NS_PER_MS, wait=300 * NS_PER_MS)
    root = str(ROOT)
    words = (FORGER[family], source, target, NUMBER[protocol][family], port, EACH)
    with tui_trace_process.Live(plain.client, target, settings, pace) as live:
        live.run_on(RoundBegan, 3)
        flood = plain.router(1).popen(
            ["env", f"PYTHONPATH={root}", sys.executable, "-c", _FLOOD, *map(str, words)],
            stdout=subprocess.DEVNULL,
        )
        live.run_until(
            lambda stream: (
                sum(one.count for one in tui_trace_process.only(Foreign, stream)) >= 0.95 * EACH
            ),
            60,
        )
        assert flood.wait(30) == 0
        stream = live.stop()
    replies = tui_trace_process.only(Reply, stream)
    assert len(replies) > 50
    assert {reply.address for reply in replies} == set(plain.hops(family))
    assert not any(reply.duplicate for reply in replies)
    assert tui_trace_process.hops(stream) == plain.hops(family)
