"""UDP datagrams as probes (RFC 768).

The flow is the ports, the key is the checksum: two bytes of payload, the checksum filler, make it
so. A datagram that the target sends carries no key, unless it is a QUIC server's Version
Negotiation.
"""

import socket
import struct
from collections.abc import Mapping
from typing import ClassVar

from tui_trace.core.events import ReplyKind, RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS
from tui_trace.wire.packets.lazy_scapy import scapy_layers
from tui_trace.wire.packets.probe_protocol import PORT_PLACES, FieldPlaces, Patch, ProbeProtocol
from tui_trace.wire.packets.quic_packet import ids_of_probe, read_version_negotiation
from tui_trace.wire.packets.received_packet import ReceivedPacket, direct_reply

_HHHH = struct.Struct("!HHHH")
_HHHHH = struct.Struct("!HHHHH")
_UDP = Protocol.UDP
_UDP_REPLY, _VERSION_NEGOTIATION = ReplyKind.UDP, ReplyKind.VERSION_NEGOTIATION
HEADER_LENGTH = 8


class Udp(ProbeProtocol):
    """UDP datagrams, with the checksum as their key."""

    protocol = Protocol.UDP
    ip_numbers: ClassVar[Mapping[int, int]] = {4: socket.IPPROTO_UDP, 6: socket.IPPROTO_UDP}
    has_raw_socket = True
    port_socket = socket.SOCK_DGRAM
    key_is_checksum = True
    field_places: ClassVar[FieldPlaces] = {**PORT_PLACES, RewrittenField.CHECKSUM: (6, 2)}
    header_length = HEADER_LENGTH
    secrets = (slice(0, 2), slice(6, 8))
    early_checksum_at = 6

    def header(self, settings: ProbeSettings) -> bytes:
        return self.udp_header(settings) + bytes(2)

    def udp_header(self, settings: ProbeSettings) -> bytes:
        """Return the header alone, with zeros where `Patch` writes."""
        inet, _ = scapy_layers()
        length = settings.size - (20 if self.family == 4 else 40)
        return bytes(inet.UDP(sport=0, dport=0, chksum=0, len=length))

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:
        length = settings.size - start
        pack_into = _HHHHH.pack_into

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            source, destination = flow
            if not key:
                raise ValueError("a UDP checksum of 0 is none")
            filler = -(fixed_sum + source + destination + key) % ONES_COMPLEMENT_MODULUS
            pack_into(packet, start, source, destination, length, key, filler)

        return patch

    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int]:
        source, destination, _, checksum = _HHHH.unpack_from(data, start)
        return (source, destination), checksum

    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply | None:
        data, start = packet.data, packet.start
        if len(data) < start + 8:
            return None
        source, destination, length, _ = _HHHH.unpack_from(data, start)
        if length < 8 or (packet.whole and length > len(data) - start):
            return None
        flow = destination, source
        told = read_version_negotiation(data[start + 8 : start + length])
        if told is None:
            return direct_reply(packet, _UDP_REPLY, _UDP, flow, None)
        return direct_reply(
            packet, _VERSION_NEGOTIATION, _UDP, flow, None, ids=told.ids, versions=told.versions
        )

    def secret_copy(self, data: bytes, start: int) -> bytes:
        """Return the checksum filler, which follows from ports and checksum; of QUIC, the
        connection IDs.
        """
        return ids_of_probe(data[start + 8 :]) or data[start + 8 : start + 10]
