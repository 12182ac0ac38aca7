"""In which order the replies of one wait are handed over, without rights."""

from tests.helpers.simulated_network import make_answer, router
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, ProbeSettings, Protocol
from tui_trace.wire.network import Answer, OutgoingProbe
from tui_trace.wire.unprivileged.error_queue_network import arrival

WALL = 1_700_000_000_000_400_000


def answer(kind: ReplyKind, ttl: int, wall: int) -> Answer[OutgoingProbe]:
    probe = OutgoingProbe(ProbeSettings(protocol=Protocol.TCP), ttl, (40000, 443), 0, 0)
    return Answer(probe, make_answer(probe, router(ttl), kind)._replace(wall=wall))


def test_a_syn_ack_known_to_the_millisecond_does_not_overtake_a_router() -> None:
    """Its time is that of the SYN and whole milliseconds: here 0.3 ms before the router's reply."""
    came = [
        answer(ReplyKind.SYN_ACK, 5, WALL - 300_000),
        answer(ReplyKind.TIME_EXCEEDED, 4, WALL),
        answer(ReplyKind.TIME_EXCEEDED, 3, WALL - NS_PER_MS),
        answer(ReplyKind.TIME_EXCEEDED, 2, WALL + NS_PER_MS),
    ]
    assert [one.probe.ttl for one in sorted(came, key=arrival)] == [3, 4, 5, 2]
