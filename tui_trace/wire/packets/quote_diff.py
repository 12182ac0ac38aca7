"""What a hop received, against what was sent: the quoted packet compared field by field.

Nothing here raises, whatever the quote is. TTL and IP checksum change at every hop and are no
finding; nor is a checksum that follows from another finding.
"""

import socket
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Change, RewrittenField
from tui_trace.core.settings import Protocol
from tui_trace.wire.network import ReceivedReply
from tui_trace.wire.packets.builder import ones_sum
from tui_trace.wire.packets.decoder import behind_extensions, text_of

_ONES = 0xFFFF
"""See `tui_trace.wire.packets.builder`: 0xFFFF and 0 are one number."""
_TCP, _UDP = 6, 17
QUOTED_ENDS = slice(8 + 8, 8 + 40)
"""The addresses that an ICMPv6 error quotes, counted from its header on."""
_ECHO = {4: 1, 6: 58}

_TELL_NOTHING = frozenset(
    {
        RewrittenField.IP_ID,
        RewrittenField.SEQUENCE,
        RewrittenField.ACKNOWLEDGEMENT,
        RewrittenField.CHECKSUM,
        RewrittenField.PAYLOAD,
    }
)
"""Differ from probe to probe: what matters is that they changed."""

_COVERED_WITH_ADDRESSES = frozenset(
    {RewrittenField.SOURCE, RewrittenField.DESTINATION, RewrittenField.LENGTH}
)
"""What the checksums of transports cover besides themselves, where they do (RFC 9293 §3.1)."""

_FLAG_LETTERS = "FSRP.UEW"
_OPTION_NAMES = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 8: "TS"}
_MSS = 2

_Value: TypeAlias = int | str | None
_Fields: TypeAlias = dict[RewrittenField, _Value]


class QuoteDiff(NamedTuple):
    """A quote beside the probe that it is of."""

    changed: tuple[Change, ...]
    shown: int | None
    """Bytes quoted, where fewer than were sent."""
    is_translated: bool
    """See `tui_trace.wire.network.Quoted`."""


def is_as_sent(sent: bytearray, quote: bytes, family: int) -> bool:
    """Whether all that is quoted is as it was sent, with the TTL that the quote has."""
    if len(quote) > len(sent):
        quote = quote[: len(sent)]
    if family == 6:
        return quote == sent[: len(quote)]
    # bytes 10 and 11 are the checksum, which some routers quote wrong
    return quote[:10] == sent[:10] and quote[12:] == sent[12 : len(quote)]


def diff_quote(sent: bytes, quote: bytes, family: int) -> QuoteDiff:
    """Compare a quote, from its IP header on, with the probe's packet."""
    quote = _without_padding(sent, quote)
    shown = len(quote) if len(quote) < len(sent) else None
    ours, theirs = _packet(sent, family), _packet(quote, family)
    if ours is None or theirs is None or ours.number != theirs.number:
        return QuoteDiff((), shown, False)
    network = list(_differences(_network(ours), _network(theirs)))
    transport = list(_differences(_transport(ours), _transport(theirs)))
    data, quoted = ours.transport[_header(ours) :], theirs.transport[_header(theirs) :]
    if any(was != now for was, now in zip(data, quoted, strict=False)):
        transport.append(Change(RewrittenField.PAYLOAD))
    covered = {change.field for change in transport}
    if ours.has_addresses_summed:
        covered |= _COVERED_WITH_ADDRESSES & {change.field for change in network}
    if covered - {RewrittenField.CHECKSUM}:
        transport = [change for change in transport if change.field is not RewrittenField.CHECKSUM]
    return QuoteDiff((*network, *transport), shown, _is_translated(ours, theirs))


def _without_padding(sent: bytes, quote: bytes) -> bytes:
    """Zeros at the end where none were sent are padding up to 128 bytes (RFC 4884 §5).

    Not so what every router has to quote, eight bytes above IP.
    """
    quote = quote[: len(sent)]
    least = 28 if sent[0] >> 4 == 4 else 48
    end = max(len(quote.rstrip(b"\0")), least)
    return quote[:end] if any(sent[end : len(quote)]) else quote


class _Packet(NamedTuple):
    """An IP packet that may be cut short."""

    family: int
    header: bytes
    number: int
    transport: bytes

    @property
    def addresses(self) -> bytes:
        return self.header[12:20] if self.family == 4 else self.header[8:40]

    @property
    def source(self) -> bytes:
        return self.addresses[: len(self.addresses) // 2]

    @property
    def has_addresses_summed(self) -> bool:
        """In the checksum of its transport."""
        return self.number != _ECHO[4] or self.family == 6


def _packet(data: bytes, family: int) -> _Packet | None:
    if len(data) < (20 if family == 4 else 40):
        return None
    if family == 4:
        number, start = data[9], (data[0] & 15) * 4
    else:
        number, start = behind_extensions(data, data[6], 40)
    return _Packet(family, data, number, data[start:])


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _differences(sent: _Fields, received: _Fields) -> Iterator[Change]:
    """Of the fields that both have."""
    for field, was in sent.items():
        if field not in received or (now := received[field]) == was:
            continue
        if field is RewrittenField.TOS and _dscp(was) == _dscp(now):
            continue
        yield Change(field) if field in _TELL_NOTHING else Change(field, was, now)


def _dscp(tos: _Value) -> int:
    return int(tos or 0) >> 2


def _network(packet: _Packet) -> _Fields:
    data, addresses = packet.header, packet.addresses
    middle = len(addresses) // 2
    first = _number(data, 0, 4)
    tos = first >> (16 if packet.family == 4 else 20) & 0xFF
    fields: _Fields = {
        RewrittenField.SOURCE: text_of(addresses[:middle]),
        RewrittenField.DESTINATION: text_of(addresses[middle:]),
        RewrittenField.TOS: tos,
        RewrittenField.ECN: tos & 3,
    }
    if packet.family == 6:
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


def _transport(packet: _Packet) -> _Fields:
    """The fields above IP that are there in full."""
    data = packet.transport
    places: dict[RewrittenField, tuple[int, int]]
    if packet.number == _TCP:
        places = {
            RewrittenField.SOURCE_PORT: (0, 2),
            RewrittenField.DESTINATION_PORT: (2, 2),
            RewrittenField.SEQUENCE: (4, 4),
            RewrittenField.ACKNOWLEDGEMENT: (8, 4),
            RewrittenField.WINDOW: (14, 2),
            RewrittenField.CHECKSUM: (16, 2),
        }
    elif packet.number == _UDP:
        places = {
            RewrittenField.SOURCE_PORT: (0, 2),
            RewrittenField.DESTINATION_PORT: (2, 2),
            RewrittenField.CHECKSUM: (6, 2),
        }
    elif packet.number == _ECHO[packet.family]:
        places = {
            RewrittenField.CHECKSUM: (2, 2),
            RewrittenField.IDENTIFIER: (4, 2),
            RewrittenField.SEQUENCE: (6, 2),
        }
    else:
        places = {}
    fields: _Fields = {
        field: _number(data, at, size)
        for field, (at, size) in places.items()
        if len(data) >= at + size
    }
    if packet.number == _TCP and len(data) > 13:
        fields[RewrittenField.TCP_FLAGS] = _flags(data[13])
    if packet.number == _TCP and len(data) >= _header(packet) >= 20:
        fields[RewrittenField.MSS], fields[RewrittenField.OPTIONS] = _options(
            data[20 : _header(packet)]
        )
    return fields


def _header(packet: _Packet) -> int:
    """Bytes of the transport's header."""
    data = packet.transport
    if packet.number == _TCP:
        return (data[12] >> 4) * 4 if len(data) > 12 else 20
    return 0 if packet.number not in (_UDP, _ECHO[packet.family]) else 8


def _flags(flags: int) -> str:
    return "".join(letter for bit, letter in enumerate(_FLAG_LETTERS) if flags >> bit & 1)


def _options(data: bytes) -> tuple[int | None, str]:
    """The MSS, and all options in words, the MSS's value aside (RFC 9293 §3.1)."""
    mss = None
    words = []
    at = 0
    while at < len(data):
        kind = data[at]
        length = 1 if kind < 2 else data[at + 1] if at + 1 < len(data) else 0
        if not length or at + length > len(data):
            words.append("broken")
            break
        value = data[at + 2 : at + length]
        word = _OPTION_NAMES.get(kind, f"option {kind}")
        if kind == _MSS:
            mss = _number(value, 0, 2)
        elif value:
            word += f" {int.from_bytes(value, 'big'):x}"
        words.append(word)
        at += length
    return mss, " ".join(words)


def _is_translated(sent: _Packet, received: _Packet) -> bool:
    """Only NAT lies between the two: other addresses, ports or identifier, and their checksum.

    Another source port, or identifier, comes with another source address: else it is somebody
    else's packet.
    """
    was, now = sent.transport[:8], received.transport[:8]
    if len(now) < 8:
        return False
    at = 4 if sent.number == _ECHO[sent.family] else 0
    if was[at : at + 2] != now[at : at + 2] and sent.source == received.source:
        return False
    if sent.number == _UDP:
        return was[4:6] == now[4:6] and _weight(sent, 0, 4, 6) == _weight(received, 0, 4, 6)
    if sent.number == _ECHO[sent.family]:
        fixed = was[:2] + was[6:] == now[:2] + now[6:]
        return fixed and _weight(sent, 4, 2, 2) == _weight(received, 4, 2, 2)
    return was[4:] == now[4:]


def _weight(packet: _Packet, at: int, size: int, check_at: int) -> int:
    """What NAT leaves as it is: `size` bytes at `at`, the checksum and the addresses it covers."""
    data = packet.transport
    total = ones_sum(data[at : at + size]) + _number(data, check_at, 2)
    if packet.has_addresses_summed:
        total += ones_sum(packet.addresses)
    return total % _ONES


def undo_nat(answer: ReceivedReply, source: str, target: str) -> ReceivedReply:
    """The answer with its flow and key as they were when the probe went to `target`.

    NAT that rewrites the destination changes the checksum of UDP and ICMPv6 with it, which is the
    key of one and half the flow of the other. Where it rewrites ports too, or the `source`, the
    weight of both is all that is left.
    """
    af = socket.AF_INET if ":" not in target else socket.AF_INET6
    went, sent = socket.inet_pton(af, answer.destination), socket.inet_pton(af, target)
    change = ones_sum(went) - ones_sum(sent)
    if answer.protocol is Protocol.UDP and answer.key and af == socket.AF_INET6:
        ends, ours = answer.message[QUOTED_ENDS], socket.inet_pton(af, source) + sent
        if ends != ours:
            weight = sum(answer.flow) + answer.key + ones_sum(ends) - ones_sum(ours)
            answer = answer._replace(weight=weight % _ONES)
    if answer.protocol is Protocol.UDP and answer.key:
        return answer._replace(key=(answer.key + change) % _ONES or _ONES)
    if answer.protocol is Protocol.ICMP and af == socket.AF_INET6:
        identifier, checksum = answer.flow
        return answer._replace(flow=(identifier, (checksum + change) % _ONES))
    return answer
