"""What stands in a captured packet, read independently of the program's own decoder."""

import ipaddress
import struct
from dataclasses import dataclass

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58


@dataclass(frozen=True)
class Packet:
    """Fields of an IPv4 or IPv6 packet; what it does not have is 0."""

    version: int
    source: str
    destination: str
    ttl: int
    tos: int
    df: bool
    length: int
    """Bytes of the whole IP packet."""
    ip_id: int
    protocol: int
    transport: bytes
    """Transport header and what follows."""
    flow_label: int = 0

    def _u16(self, offset: int) -> int:
        return int(struct.unpack_from("!H", self.transport, offset)[0])

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port."""
        return self._u16(0), self._u16(2)

    @property
    def sequence(self) -> int:
        """TCP sequence number."""
        return int(struct.unpack_from("!I", self.transport, 4)[0])

    @property
    def acknowledged(self) -> int:
        """TCP acknowledgement number."""
        return int(struct.unpack_from("!I", self.transport, 8)[0])

    @property
    def tcp_flags(self) -> int:
        """TCP flags, with ECE 0x40 and CWR 0x80."""
        return self.transport[13]

    @property
    def udp_checksum(self) -> int:
        """UDP checksum."""
        return self._u16(6)

    @property
    def icmp(self) -> tuple[int, int]:
        """ICMP type and code."""
        return self.transport[0], self.transport[1]

    @property
    def icmp_checksum(self) -> int:
        """ICMP checksum."""
        return self._u16(2)

    @property
    def echo(self) -> tuple[int, int]:
        """Identifier and sequence number of an ICMP echo."""
        return self._u16(4), self._u16(6)

    @property
    def is_probe(self) -> bool:
        """Something that a prober sends: an echo request, a UDP datagram or a TCP segment."""
        if self.protocol in (ICMP, ICMP6):
            return self.transport[0] == (8 if self.version == 4 else 128)
        return self.protocol in (TCP, UDP)

    @property
    def is_rst(self) -> bool:
        """A TCP reset."""
        return self.protocol == TCP and bool(self.tcp_flags & 4)

    @property
    def quote(self) -> "Packet | None":
        """The packet that an ICMP error speaks of."""
        errors = {ICMP: (3, 4, 11, 12), ICMP6: (1, 2, 3, 4)}.get(self.protocol, ())
        return parse(self.transport[8:]) if errors and self.transport[0] in errors else None

    @property
    def flow(self) -> tuple[int, ...]:
        """What a load balancer may hash."""
        if self.protocol in (ICMP, ICMP6):
            return (*self.icmp, self.icmp_checksum, self.echo[0])
        return (self.protocol, *self.ports)

    @property
    def has_right_checksum(self) -> bool:
        """Whether the transport's checksum fits (RFC 1071, RFC 8200 §8.1)."""
        summed = b"" if self.protocol == ICMP else self._pseudo_header()
        summed += self.transport + b"\0" * (len(self.transport) % 2)
        total: int = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total == 0xFFFF

    def _pseudo_header(self) -> bytes:
        ends = (self.source, self.destination)
        addresses = b"".join(ipaddress.ip_address(end).packed for end in ends)
        return addresses + struct.pack("!II", len(self.transport), self.protocol)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this probe from all others, as far as an 8-byte quote carries it."""
        return (self.version, self.protocol, self.destination, self.transport[:8])


def parse(data: bytes) -> Packet:
    """A packet from its IP header on; it may be cut short."""
    if data[0] >> 4 == 4:
        header = (data[0] & 15) * 4
        length, ip_id, fragment = struct.unpack_from("!HHH", data, 2)
        return Packet(
            version=4,
            source=str(ipaddress.ip_address(data[12:16])),
            destination=str(ipaddress.ip_address(data[16:20])),
            ttl=data[8],
            tos=data[1],
            df=bool(fragment & 0x4000),
            length=length,
            ip_id=ip_id,
            protocol=data[9],
            transport=data[header:length],
        )
    first, payload, protocol, ttl = struct.unpack_from("!IHBB", data)
    return Packet(
        version=6,
        source=str(ipaddress.ip_address(data[8:24])),
        destination=str(ipaddress.ip_address(data[24:40])),
        ttl=ttl,
        tos=first >> 20 & 0xFF,
        df=True,
        length=40 + payload,
        ip_id=0,
        protocol=protocol,
        transport=data[40 : 40 + payload],
        flow_label=first & 0xFFFFF,
    )
