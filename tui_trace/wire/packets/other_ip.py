"""Probes of any other IP protocol, by its number: eight bytes of ours above IP, and payload.

The flow is the first two numbers of 16 bits, where several protocols have ports; the key is the
number of 32 bits behind them. No checksum is computed.
"""

import struct

from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.probe_protocol import Patch, ProbeProtocol
from tui_trace.wire.packets.received_packet import ReceivedPacket, direct_reply

_HH = struct.Struct("!HH")
_HHI = struct.Struct("!HHI")
_IP = Protocol.IP
_OTHER = ReplyKind.OTHER


class OtherIp(ProbeProtocol):
    """All IP protocols that have no entry in the registry."""

    protocol = Protocol.IP
    secrets = (slice(0, 2), slice(4, 8))

    def header(self, settings: ProbeSettings) -> bytes:  # noqa: ARG002
        return bytes(8)

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:  # noqa: ARG002
        pack_into = _HHI.pack_into

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            pack_into(packet, start, *flow, key)

        return patch

    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int]:
        first, second, key = _HHI.unpack_from(data, start)
        return (first, second), key

    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply | None:
        """Decode an IP packet, with its IP header, that the target sent in this protocol."""
        data, start = packet.data, packet.start
        if len(data) < start + 4:
            return None
        source, destination = _HH.unpack_from(data, start)
        number = data[9] if data[0] >> 4 == 4 else data[6]
        return direct_reply(packet, _OTHER, _IP, (destination, source), None, number=number)
