"""QUIC as a probe: UDP whose payload is the first packet of a connection.

On the wire it is UDP in every respect: flow, key and quotes are read by `Udp`. Connection IDs that
follow from the key bring it back from the server; the token is the checksum filler.
"""

import struct

from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.probe_protocol import Patch
from tui_trace.wire.packets.quic_packet import (
    IDS,
    TOKEN_AT,
    WITHOUT_IDS,
    ConnectionIds,
    for_checksum,
    initial_packet,
)
from tui_trace.wire.packets.udp import HEADER_LENGTH, Udp

_H = struct.Struct("!H")
_HHHH = struct.Struct("!HHHH")


class Quic(Udp):
    """UDP datagrams that a QUIC server answers."""

    protocol = Protocol.QUIC

    def header(self, settings: ProbeSettings) -> bytes:
        size = settings.size - (20 if self.family == 4 else 40) - HEADER_LENGTH
        return self.udp_header(settings) + initial_packet(WITHOUT_IDS, size, settings.payload_byte)

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:
        length = settings.size - start
        payload = start + HEADER_LENGTH
        ids_at, token_at = slice(payload + IDS.start, payload + IDS.stop), payload + TOKEN_AT
        connection_ids = ConnectionIds()

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            source, destination = flow
            if not key:
                raise ValueError("a UDP checksum of 0 is none")
            ids = connection_ids.of(key)
            packet[ids_at] = ids
            total = fixed_sum + source + destination + key + ones_sum(for_checksum(ids))
            _HHHH.pack_into(packet, start, source, destination, length, key)
            _H.pack_into(packet, token_at, -total % ONES_COMPLEMENT_MODULUS)

        return patch
