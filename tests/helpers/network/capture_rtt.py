"""What a capture says of a prober: each probe, and when its answer passed the same interface."""

from dataclasses import dataclass

from tests.helpers.network.capture import Seen, probes
from tests.helpers.network.packet_parser import ICMP, ICMP6, TCP, UDP, Packet

_ECHO_REPLY = {ICMP: 0, ICMP6: 129}


@dataclass
class Exchange:
    """A probe on the wire, and its first answer."""

    sent: Seen
    answer: Seen | None = None

    @property
    def rtt(self) -> int | None:
        """Nanoseconds."""
        return self.answer.wall - self.sent.wall if self.answer else None


def exchanges(seen: list[Seen], source: str, target: str) -> list[Exchange]:
    """The probes from `source` to `target` in the order they were sent, with their answers."""
    outgoing = {id(one): Exchange(one) for one in probes(seen, source, target)}
    waiting: dict[tuple[object, ...], Exchange] = {}
    for one in seen:
        exchange = outgoing.get(id(one))
        if exchange is not None:
            for key in _keys(one.packet):
                waiting[key] = exchange
        elif one.packet.destination == source:
            exchange = waiting.get(_answered(one.packet))
            if exchange is not None and exchange.answer is None:
                exchange.answer = one
    return list(outgoing.values())


def by_ttl(found: list[Exchange]) -> dict[int, list[Exchange]]:
    """The exchanges of each TTL, in the order they were sent."""
    sorted_out: dict[int, list[Exchange]] = {}
    for exchange in found:
        sorted_out.setdefault(exchange.sent.packet.ttl, []).append(exchange)
    return sorted_out


def _keys(probe: Packet) -> list[tuple[object, ...]]:
    quoted = ("quote", probe.protocol, probe.transport[:8], probe.ip_id)
    match probe.protocol:
        case 6:
            end = probe.sequence + len(probe.transport) - (probe.transport[12] >> 4) * 4
            # an open port acknowledges the SYN, a closed one the data too; an ACK gets its own back
            numbers = {probe.sequence + 1, end + 1, probe.acknowledged}
            return [quoted, *(("tcp", *probe.ports, number % 2**32) for number in numbers)]
        case 17:
            return [quoted, ("udp", *probe.ports, probe.transport[8:])]
        case _:
            return [quoted, ("echo", probe.echo)]


def _answered(reply: Packet) -> tuple[object, ...]:
    quote = reply.quote
    if quote is not None:
        return "quote", quote.protocol, quote.transport[:8], quote.ip_id
    if reply.protocol in _ECHO_REPLY and reply.icmp[0] == _ECHO_REPLY[reply.protocol]:
        return "echo", reply.echo
    if reply.protocol == TCP:
        is_plain_reset = reply.is_rst and not reply.tcp_flags & 0x10
        number = reply.sequence if is_plain_reset else reply.acknowledged
        return "tcp", *reply.ports[::-1], number
    if reply.protocol == UDP:
        return "udp", *reply.ports[::-1], reply.transport[8:]
    return ()
