"""QUIC as a probe: UDP whose payload is the first packet of a connection.

On the wire it is UDP in every respect: flow, key and quotes are read by `Udp`. Connection IDs that
follow from the key bring it back from the server; the token is the checksum filler.
"""

import struct

from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.probe_protocol import Patch
from tui_trace.wire.packets.quic_packet import TOKEN_AT, ConnectionIds, initial_packet
from tui_trace.wire.packets.udp import HEADER_LENGTH, Udp

_H = struct.Struct("!H")
_HHHH = struct.Struct("!HHHH")
_IDS_AT = HEADER_LENGTH + 6


class Quic(Udp):
    """UDP datagrams that a QUIC server answers."""

    protocol = Protocol.QUIC

    def header(self, settings: ProbeSettings) -> bytes:
        size = settings.size - (20 if self.family == 4 else 40) - HEADER_LENGTH
        without_ids = bytes(8) + b"\x08" + bytes(8)
        return self.udp_header(settings) + initial_packet(without_ids, size, settings.payload_byte)

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:
        length = settings.size - start
        ids_at, token_at = start + _IDS_AT, start + HEADER_LENGTH + TOKEN_AT
        connection_ids = ConnectionIds()

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            source, destination = flow
            if not key:
                raise ValueError("a UDP checksum of 0 is none")
            ids = connection_ids.of(key)
            packet[ids_at : ids_at + len(ids)] = ids
            # the length of the second ID, between them, is in `fixed_sum` already
            varying = ones_sum(ids[:8]) + ones_sum(b"\0" + ids[9:] + b"\0")
            total = fixed_sum + source + destination + key + varying
            _HHHH.pack_into(packet, start, source, destination, length, key)
            _H.pack_into(packet, token_at, -total % ONES_COMPLEMENT_MODULUS)

        return patch
