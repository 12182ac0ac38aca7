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


def malformed_reply(
    kind: MalformedKind, source: bytes, packet: Packet, ttl: int, rng: Random
) -> bytes:
    """Return a malformed reply from `source` to the probe `packet`; it arrives with this `ttl`."""
    quote = packet.packed()
    start = len(packet.header)
    rest = bytes(4)
    extensions = b""
    match kind:
        case "foreign":
            quote = _other_flow(quote, start, packet.protocol, rng)
        case "forged":
            quote = _other_key(quote, start, packet.protocol, rng)
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


def _changed(quote: bytes, at: int, size: int, rng: Random) -> bytes:
    """Return the quote with another value in the `size` bytes at `at`."""
    flip = rng.randrange(1, 1 << 8 * size).to_bytes(size, "big")
    new = bytes(old ^ bit for old, bit in zip(quote[at : at + size], flip, strict=False))
    return quote[:at] + new + quote[at + size :]


def _other_flow(quote: bytes, start: int, protocol: int, rng: Random) -> bytes:
    """Return the quote of another program's probe: from another port, and with its own numbers."""
    at = start + 4 if protocol in (ICMP, ICMP6) else start
    return _changed(_other_key(quote, start, protocol, rng), at, 2, rng)


def _other_key(quote: bytes, start: int, protocol: int, rng: Random) -> bytes:
    """Return the quote with a sequence number (UDP: checksum) that was not sent.

    Nor was the IP ID, or IPv6's flow label, nor what a probe repeats of these behind its first
    eight bytes: else it is a probe's own quote that a middlebox rewrote.
    """
    quote = _changed(quote, 4 if quote[0] >> 4 == 4 else 2, 2, rng)
    if protocol == TCP:
        quote = _changed(quote, start + 4, 4, rng)
        return _changed(quote, start + 28, 4, rng) if len(quote) >= start + 32 else quote
    quote = _changed(quote, start + 6, 2, rng)
    return _changed(quote, start + 8, 2, rng) if len(quote) >= start + 10 else quote
