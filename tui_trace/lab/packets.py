"""IP packets as the lab's routers and hosts parse and build them; no state."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58

FIN, SYN, RST, ACK, ECE, CWR = 0x01, 0x02, 0x04, 0x10, 0x40, 0x80

MAX_ERROR = {4: 576, 6: 1280}
"""Bytes of the largest ICMP error, IP header included (RFC 1812 §4.3.2.3, RFC 4443 §2.4)."""

_U16 = struct.Struct("!H")


def checksum(data: bytes) -> int:
    """Return the Internet checksum of `data` (RFC 1071)."""
    if len(data) & 1:
        data += b"\0"
    # 2**16 is 1 modulo 65535, so the remainder is the ones' complement sum
    rest = int.from_bytes(data, "big") % 0xFFFF
    if rest:
        return 0xFFFF - rest
    return 0 if any(data) else 0xFFFF


def updated_checksum(check: int, old: bytes, new: bytes) -> int:
    """Return the checksum after `new` replaced `old`, an even number of bytes (RFC 1624)."""
    total = (0xFFFF - check) + sum(_words(new)) + sum(0xFFFF - word for word in _words(old))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def _words(data: bytes) -> Sequence[int]:
    return struct.unpack(f"!{len(data) // 2}H", data)


class Packet:
    """A packet on its path; the fields are what a router may change."""

    __slots__ = ("body", "df", "dst", "family", "header", "protocol", "src", "tos", "ttl")

    def __init__(self, family: int, header: bytes, body: bytes) -> None:
        """`header` is the received IP header, and `body` is its payload."""
        self.family = family
        self.header = header
        self.body = body
        if family == 4:
            self.tos = header[1]
            self.ttl = header[8]
            self.protocol = header[9]
            self.src = header[12:16]
            self.dst = header[16:20]
            self.df = bool(header[6] & 0x40)
        else:
            self.tos = (header[0] & 15) << 4 | header[1] >> 4
            self.ttl = header[7]
            self.protocol = header[6]
            self.src = header[8:24]
            self.dst = header[24:40]
            self.df = True

    @property
    def length(self) -> int:
        """The length of the whole packet in bytes."""
        return len(self.header) + len(self.body)

    def packed(self) -> bytes:
        """Return the packet as bytes, with the changes that were made to its fields."""
        header = bytearray(self.header)
        if self.family == 4:
            header[1] = self.tos
            header[8] = self.ttl
            header[16:20] = self.dst
            header[10:12] = b"\0\0"
            header[10:12] = _U16.pack(checksum(bytes(header)))
        else:
            header[0] = 0x60 | self.tos >> 4
            header[1] = (self.tos & 15) << 4 | header[1] & 15
            header[7] = self.ttl
            header[24:40] = self.dst
        return bytes(header) + self.body

    def flow(self) -> bytes:
        """Return the bytes that a load balancer hashes.

        They are addresses, protocol and ports; for ICMP the first six bytes in place of the ports.
        """
        transport = self.body[:6] if self.protocol in (ICMP, ICMP6) else self.body[:4]
        return self.src + self.dst + bytes((self.protocol,)) + transport

    def port(self) -> int | None:
        """Return the destination port; None for a protocol other than TCP and UDP."""
        if self.protocol in (TCP, UDP) and len(self.body) >= 4:
            return int(_U16.unpack_from(self.body, 2)[0])
        return None

    def readdress(self, address: bytes, port: int | None) -> None:
        """Change the destination and correct the transport's checksum (RFC 3022 §4.1)."""
        old, new = self.dst, address
        self.dst = address
        if self.protocol not in (TCP, UDP, ICMP6) or len(self.body) < 8:
            return
        body = bytearray(self.body)
        if port is not None and self.protocol != ICMP6:
            old, new = old + bytes(body[2:4]), new + _U16.pack(port)
            body[2:4] = _U16.pack(port)
        at = {TCP: 16, UDP: 6, ICMP6: 2}[self.protocol]
        check = _U16.unpack_from(body, at)[0] if len(body) >= at + 2 else 0
        if check or self.protocol != UDP:
            value = updated_checksum(check, old, new)
            if self.protocol == UDP:
                value = value or 0xFFFF
            body[at : at + 2] = _U16.pack(value)
        self.body = bytes(body)

    def patch(self, at: int, new: bytes) -> None:
        """Replace bytes of a TCP segment and correct its checksum; offset and length are even."""
        body = bytearray(self.body)
        check = updated_checksum(
            _U16.unpack_from(body, 16)[0], bytes(body[at : at + len(new)]), new
        )
        body[at : at + len(new)] = new
        body[16:18] = _U16.pack(check)
        self.body = bytes(body)

    def clear_ecn(self) -> None:
        """Set Not-ECT in IP, and clear ECE and CWR in TCP (RFC 3168)."""
        self.tos &= 0xFC
        if self.protocol == TCP and len(self.body) >= 20 and self.body[13] & (ECE | CWR):
            self.patch(12, bytes((self.body[12] & 0xFE, self.body[13] & ~(ECE | CWR) & 0xFF)))

    def clamp_mss(self, most: int) -> None:
        """Lower the MSS option of a SYN to `most` bytes, if it is the first option."""
        if self.protocol != TCP or len(self.body) < 24 or not self.body[13] & SYN:
            return
        if self.body[20:22] == b"\x02\x04" and _U16.unpack_from(self.body, 22)[0] > most:
            self.patch(22, _U16.pack(most))


def parse_packet(raw: bytes) -> Packet | None:
    """Return the packet in `raw`; None if it is invalid or a later fragment."""
    if len(raw) >= 20 and raw[0] >> 4 == 4:
        header = (raw[0] & 15) * 4
        total = _U16.unpack_from(raw, 2)[0]
        fragment = _U16.unpack_from(raw, 6)[0] & 0x1FFF
        if header < 20 or not header <= total <= len(raw) or fragment:
            return None
        return Packet(4, raw[:header], raw[header:total])
    if len(raw) >= 40 and raw[0] >> 4 == 6:
        total = 40 + _U16.unpack_from(raw, 4)[0]
        return Packet(6, raw[:40], raw[40:total]) if total <= len(raw) else None
    return None


def build_datagram(
    src: bytes, dst: bytes, protocol: int, ttl: int, body: bytes, *, ident: int = 0, tos: int = 0
) -> bytes:
    """Return an unfragmented IP packet with DF off; the addresses decide the IP version."""
    if len(src) == 4:
        header = struct.pack(
            "!BBHHHBBH4s4s", 0x45, tos, 20 + len(body), ident, 0, ttl, protocol, 0, src, dst
        )
        return header[:10] + _U16.pack(checksum(header)) + header[12:] + body
    return struct.pack("!IHBB", 6 << 28 | tos << 20, len(body), protocol, ttl) + src + dst + body


def with_checksum(src: bytes, dst: bytes, protocol: int, body: bytes, at: int) -> bytes:
    """Return `body` with its checksum at offset `at`; all but ICMPv4 include a pseudo-header."""
    pseudo = b""
    if protocol != ICMP:
        pseudo = src + dst + struct.pack("!II", len(body), protocol)
    value = checksum(pseudo + body)
    if protocol == UDP:
        value = value or 0xFFFF
    return body[:at] + _U16.pack(value) + body[at + 2 :]


def build_extension(objects: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return an ICMP extension structure of (class, type, payload) objects (RFC 4884 §7)."""
    data = b"".join(
        struct.pack("!HBB", 4 + len(payload), number, kind) + payload
        for number, kind, payload in objects
    )
    whole = b"\x20\0\0\0" + data
    return whole[:2] + _U16.pack(checksum(whole)) + whole[4:]


def mpls_object(labels: Sequence[tuple[int, int, int]]) -> tuple[int, int, bytes]:
    """Return a label stack object of (label, EXP, TTL), outermost label first (RFC 4950 §3)."""
    entries = [
        label << 12 | exp << 9 | (place == len(labels) - 1) << 8 | ttl
        for place, (label, exp, ttl) in enumerate(labels)
    ]
    return 1, 1, struct.pack(f"!{len(entries)}I", *entries)


class IcmpError(NamedTuple):
    """Type, code, and bytes 4 to 7 of the header of an ICMP error."""

    kind: int
    code: int
    rest: bytes = bytes(4)


def build_error(family: int, error: IcmpError, quoted: bytes, extensions: bytes = b"") -> bytes:
    """Return an ICMP error without its checksum.

    If there are extensions, the quote is padded to 128 bytes, and the header has its length
    (RFC 4884 §4).
    """
    kind, code, rest = error
    if extensions:
        unit = 4 if family == 4 else 8
        room = MAX_ERROR[family] - (20 if family == 4 else 40) - 8 - len(extensions)
        quoted = quoted[: max(128, room // unit * unit)]
        quoted = quoted.ljust(max(128, -(-len(quoted) // unit) * unit), b"\0")
        words = len(quoted) // unit
        rest = bytes((0, words)) + rest[2:] if family == 4 else bytes((words,)) + rest[1:]
    return bytes((kind, code, 0, 0)) + rest + quoted + extensions
