"""ICMP echo requests as probes (RFC 792, RFC 4443), whose direct reply is the echo reply.

The flow is identifier and checksum, the key is the sequence number. Two bytes of payload, the
checksum filler, make the checksum what the flow says.
"""

import socket
import struct
from collections.abc import Mapping
from typing import ClassVar

from tui_trace.core.events import ReplyKind, RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS
from tui_trace.wire.packets.icmp_class import ECHO_REPLY, ECHO_REQUEST
from tui_trace.wire.packets.lazy_scapy import scapy_layers
from tui_trace.wire.packets.probe_protocol import FieldPlaces, Patch, ProbeProtocol
from tui_trace.wire.packets.received_packet import ReceivedPacket, direct_reply

_HHHH = struct.Struct("!HHHH")
_ICMP = Protocol.ICMP
_ECHO = ReplyKind.ECHO


class Icmp(ProbeProtocol):
    """ICMP echo requests, with identifier and checksum as their flow."""

    protocol = Protocol.ICMP
    ip_numbers: ClassVar[Mapping[int, int]] = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
    has_raw_socket = True
    field_places: ClassVar[FieldPlaces] = {
        RewrittenField.CHECKSUM: (2, 2),
        RewrittenField.IDENTIFIER: (4, 2),
        RewrittenField.SEQUENCE: (6, 2),
    }
    header_length = 8
    secrets = (slice(2, 4), slice(4, 6), slice(6, 8))
    early_checksum_at = 2

    def __init__(self, family: int) -> None:
        super().__init__(family)
        self._request = ECHO_REQUEST[family] << 8
        self._reply_type = ECHO_REPLY[family]
        self._from_reply = (ECHO_REPLY[family] << 8) - self._request

    @property
    def sums_addresses(self) -> bool:
        return self.family == 6

    def header(self, settings: ProbeSettings) -> bytes:  # noqa: ARG002
        inet, inet6 = scapy_layers()
        if self.family == 4:
            echo = inet.ICMP(type=8, id=0, seq=0, chksum=0)
        else:
            echo = inet6.ICMPv6EchoRequest(id=0, seq=0, cksum=0)
        return bytes(echo) + bytes(2)

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:  # noqa: ARG002
        at = start + 2
        pack_into = _HHHH.pack_into

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            identifier, checksum = flow
            if checksum == ONES_COMPLEMENT_MODULUS:
                raise ValueError("no ICMP message has checksum 0xFFFF")
            filler = -(fixed_sum + identifier + checksum + key) % ONES_COMPLEMENT_MODULUS
            pack_into(packet, at, checksum, identifier, key, filler)

        return patch

    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int] | None:
        type_and_code, checksum, identifier, sequence = _HHHH.unpack_from(data, start)
        if type_and_code != self._request:
            return None
        return (identifier, checksum), sequence

    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply:
        """Decode an echo reply of eight bytes or more.

        It differs from its request in the type alone, and so does its checksum.
        """
        _, checksum, identifier, sequence = _HHHH.unpack_from(packet.data, packet.start)
        flow = identifier, (checksum + self._from_reply) % ONES_COMPLEMENT_MODULUS
        return direct_reply(packet, _ECHO, _ICMP, flow, sequence, icmp_type=self._reply_type)

    def secret_copy(self, data: bytes, start: int) -> bytes:
        """Return the checksum filler, which follows from identifier, checksum and sequence."""
        return data[start + 8 : start + 10]
