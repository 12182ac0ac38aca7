"""The packet that a hop received, compared with the packet that was sent, field by field.

Nothing here raises, whatever the quote is. TTL and IP checksum change at every hop and are not
reported. A checksum is not reported if another change explains it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tui_trace.core.events import Change, RewrittenField
from tui_trace.wire.packets.decoder import behind_extensions, text_of
from tui_trace.wire.packets.probe_protocol import FieldValue, FieldValues, ProbeProtocol
from tui_trace.wire.packets.registry import protocol_of

_DIFFERENT_IN_EVERY_PROBE = frozenset(
    {
        RewrittenField.IP_ID,
        RewrittenField.SEQUENCE,
        RewrittenField.ACKNOWLEDGEMENT,
        RewrittenField.CHECKSUM,
        RewrittenField.PAYLOAD,
    }
)
"""What matters is that they changed, not from which value to which."""

_COVERED_WITH_ADDRESSES = frozenset(
    {RewrittenField.SOURCE, RewrittenField.DESTINATION, RewrittenField.LENGTH}
)
"""IP fields that a transport's checksum covers, if it covers a pseudo-header (RFC 9293 §3.1)."""


class QuoteDiff(NamedTuple):
    """How a quote differs from its probe."""

    changed: tuple[Change, ...]
    shown: int | None
    """Bytes quoted, if fewer than were sent."""


def is_as_sent(sent: bytes, quote: bytes, family: int) -> bool:
    """Return whether all that is quoted is as it was sent, but for TTL and IP checksum."""
    if len(quote) > len(sent):
        quote = quote[: len(sent)]
    if family == 6:
        return quote[:7] == sent[:7] and quote[8:] == sent[8 : len(quote)]
    return quote[:8] == sent[:8] and quote[12:] == sent[12 : len(quote)]


def diff_quote(sent: bytes, quote: bytes, family: int) -> QuoteDiff:
    """Compare a quote, from its IP header on, with the probe's packet."""
    quote = _without_padding(sent, quote)
    shown = len(quote) if len(quote) < len(sent) else None
    ours, theirs = _packet(sent, family), _packet(quote, family)
    if ours is None or theirs is None or ours.number != theirs.number:
        return QuoteDiff((), shown)
    network = list(_differences(_ip_fields(ours), _ip_fields(theirs)))
    protocol = ours.protocol
    transport = list(
        _differences(protocol.fields(ours.transport), protocol.fields(theirs.transport))
    )
    if any(was != now for was, now in zip(ours.payload, theirs.payload, strict=False)):
        transport.append(Change(RewrittenField.PAYLOAD))
    covered = {change.field for change in transport}
    if protocol.sums_addresses:
        covered |= _COVERED_WITH_ADDRESSES & {change.field for change in network}
    if covered - {RewrittenField.CHECKSUM}:
        transport = [change for change in transport if change.field is not RewrittenField.CHECKSUM]
    return QuoteDiff((*network, *transport), shown)


def _without_padding(sent: bytes, quote: bytes) -> bytes:
    """Return the quote without the zeros that pad it to 128 bytes (RFC 4884 §5).

    Zeros at the end are padding where the probe had others. The eight bytes above IP, which every
    router has to quote, never are.
    """
    quote = quote[: len(sent)]
    least = 28 if sent[0] >> 4 == 4 else 48
    end = max(len(quote.rstrip(b"\0")), least)
    return quote[:end] if any(sent[end : len(quote)]) else quote


class _Packet(NamedTuple):
    """An IP packet that may be cut short."""

    protocol: ProbeProtocol
    header: bytes
    number: int
    transport: bytes

    @property
    def addresses(self) -> bytes:
        return self.header[12:20] if self.protocol.family == 4 else self.header[8:40]

    @property
    def payload(self) -> bytes:
        return self.transport[self.protocol.length_of_header(self.transport) :]


def _packet(data: bytes, family: int) -> _Packet | None:
    if len(data) < (20 if family == 4 else 40):
        return None
    if family == 4:
        number, start = data[9], (data[0] & 15) * 4
    else:
        number, start = behind_extensions(data, data[6], 40)
    return _Packet(protocol_of(number, family), data, number, data[start:])


def _number(data: bytes | bytearray, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _differences(sent: FieldValues, received: FieldValues) -> Iterator[Change]:
    """Yield the changes of the fields that both packets have."""
    for field, was in sent.items():
        if field not in received or (now := received[field]) == was:
            continue
        if field is RewrittenField.TOS and _dscp(was) == _dscp(now):
            continue
        yield Change(field) if field in _DIFFERENT_IN_EVERY_PROBE else Change(field, was, now)


def _dscp(tos: FieldValue) -> int:
    return int(tos or 0) >> 2


def _ip_fields(packet: _Packet) -> FieldValues:
    data, addresses = packet.header, packet.addresses
    middle = len(addresses) // 2
    first = _number(data, 0, 4)
    tos = first >> (16 if packet.protocol.family == 4 else 20) & 0xFF
    fields: FieldValues = {
        RewrittenField.SOURCE: text_of(addresses[:middle]),
        RewrittenField.DESTINATION: text_of(addresses[middle:]),
        RewrittenField.TOS: tos,
        RewrittenField.ECN: tos & 3,
    }
    if packet.protocol.family == 6:
        return {
            **fields,
            RewrittenField.FLOW_LABEL: first & 0xFFFFF,
            RewrittenField.LENGTH: _number(data, 4, 2),
        }
    fragment = _number(data, 6, 2)
    return {
        **fields,
        RewrittenField.LENGTH: first & 0xFFFF,
        RewrittenField.IP_ID: _number(data, 4, 2),
        RewrittenField.DF: fragment >> 14 & 1,
        RewrittenField.FRAGMENT: int(bool(fragment & 0x3FFF)),
    }
