"""Malformed and forged replies, as a hostile network sends them."""

from random import Random

from tui_trace.lab.packets import (
    ICMP,
    ICMP6,
    TCP,
    IcmpError,
    Packet,
    build_datagram,
    build_error,
    build_extension,
    with_checksum,
)
from tui_trace.lab.scenario import MalformedKind

TIME_EXCEEDED_TYPE = {4: 11, 6: 3}

_REMEMBERED = 8_192
"""Packets whose numbers no forged reply has; three numbers each leave more than half of all."""


class Forger:
    """Makes the malformed replies of a lab."""

    def __init__(self, rng: Random) -> None:
        """What they are made of comes from `rng`."""
        self._rng = rng
        self._packets = 0
        self._sent: dict[bytes, int] = {}
        """The packet that was the last with a number; two bytes, longer ones are not guessed."""

    def saw(self, packet: Packet) -> None:
        """Remember the numbers of a packet that was sent."""
        self._packets += 1
        raw = packet.header + packet.body[:10]
        for at, size in _number_places(packet.family, len(packet.header), packet.protocol):
            if size == 2:
                self._sent[raw[at : at + 2]] = self._packets

    def reply(self, kind: MalformedKind, source: bytes, packet: Packet, ttl: int) -> bytes:
        """Return a malformed reply from `source` to `packet`; it arrives with this `ttl`."""
        rng = self._rng
        quote = packet.packed()
        start = len(packet.header)
        rest = bytes(4)
        extensions = b""
        match kind:
            case "foreign":
                quote = self._other_flow(quote, start, packet)
            case "forged":
                quote = self._other_key(quote, start, packet)
            case "short-quote":
                quote = quote[: start + 4]
            case "truncated":
                quote = quote[: start // 2]
            case "wrong-version":
                quote = bytes((0x90 | rng.randrange(16),)) + quote[1:]
            case "oversized-quote":
                rest = b"\0\xff\0\0" if packet.family == 4 else b"\xff\0\0\0"
            case "bad-extension":
                good = build_extension([(1, 1, b"\0\x01\x01\x01")])
                extensions = good[:2] + bytes((good[2] ^ 0x55,)) + good[3:]
            case "empty" | "bad-checksum":
                pass
        body = build_error(
            packet.family,
            IcmpError(TIME_EXCEEDED_TYPE[packet.family], 0, rest),
            quote[:200],
            extensions,
        )
        protocol = ICMP if packet.family == 4 else ICMP6
        if kind == "empty":
            body = body[: rng.randrange(8)]
        else:
            body = with_checksum(source, packet.src, protocol, body, 2)
        if kind == "bad-checksum":
            body = body[:2] + bytes((body[2] ^ 0x5A,)) + body[3:]
        return build_datagram(source, packet.src, protocol, ttl, body)

    def _other_flow(self, quote: bytes, start: int, packet: Packet) -> bytes:
        """Return the quote of another program's probe, from another port and with its numbers."""
        at = start + 4 if packet.protocol in (ICMP, ICMP6) else start
        return self._changed(self._other_key(quote, start, packet), at, 2)

    def _other_key(self, quote: bytes, start: int, packet: Packet) -> bytes:
        """Return the quote with numbers that were not sent."""
        for at, size in _number_places(packet.family, start, packet.protocol):
            if len(quote) >= at + size:
                quote = self._changed(quote, at, size)
        return quote

    def _changed(self, quote: bytes, at: int, size: int) -> bytes:
        """Return the quote with a value in the `size` bytes at `at` that was not sent."""
        there = quote[at : at + size]
        new = there
        while new == there or self._was_sent(new):
            new = self._rng.randbytes(size)
        return quote[:at] + new + quote[at + size :]

    def _was_sent(self, number: bytes) -> bool:
        packet = self._sent.get(number)
        return packet is not None and self._packets - packet < _REMEMBERED


def _number_places(family: int, start: int, protocol: int) -> list[tuple[int, int]]:
    """Return offset and length of the numbers that tell probes apart.

    Besides the sequence number (UDP: checksum) these are the IP ID, or IPv6's flow label, and what
    a probe repeats of them behind its first eight bytes: a quote with one that was sent is a
    probe's own, which a middlebox rewrote. `start` is the offset of the transport header.
    """
    ip_number = (4, 2) if family == 4 else (2, 2)
    if protocol == TCP:
        return [ip_number, (start + 4, 4), (start + 28, 4)]
    return [ip_number, (start + 6, 2), (start + 8, 2)]
