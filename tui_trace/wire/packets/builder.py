"""Probes as bytes: a template that scapy builds once, patched for each probe.

Checksums are sums modulo 65535 (RFC 1071), so a template keeps the sum of all that stays and adds
what changes. Two payload bytes, the *checksum filler*, take up what must not show in the checksum
of ICMP and UDP.
"""

import struct

from tui_trace.core.settings import FlowMode, ProbeSettings, minimum_size
from tui_trace.wire.network import FlowTuple
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.lazy_scapy import scapy_layers
from tui_trace.wire.packets.probe_protocol import ProbeProtocol
from tui_trace.wire.packets.registry import PROBE_PROTOCOLS

_H = struct.Struct("!H")
_I = struct.Struct("!I")

_LARGEST_PACKET = 0xFFFF
_FLOW_LABEL_MULTIPLIER = 0x9E37_79B1
"""Odd, so that a flow's label differs from that of its neighbours (Knuth's multiplicative hash)."""


class Template:
    """All probes of one `ProbeSettings` between two addresses."""

    def __init__(
        self, settings: ProbeSettings, source: str, target: str, family: int, label: int = 0
    ) -> None:
        """Build the packet that all probes share.

        `label` is the flow label of IPv6 probes, 20 bits (RFC 6437). A constant flow carries it as
        it is; of other flows, each carries a label of its own. Raises `ValueError` for a size that
        does not hold the headers or that no IP packet can have.
        """
        least = minimum_size(settings.protocol, family, settings.no_tcp_options)
        if not least <= settings.size <= _LARGEST_PACKET:
            raise ValueError(f"no probe of {settings.size} bytes")
        protocol = PROBE_PROTOCOLS[family][settings.protocol]
        self._packet = bytearray(_build(protocol, settings, source, target))
        self._family = family
        self._label = label
        self._has_label_per_flow = settings.flow is not FlowMode.CONSTANT
        self._tos = settings.tos
        start = 20 if family == 4 else 40
        header = self._packet[:start]
        self._header_sum = ones_sum(header)
        fixed_sum = ones_sum(self._packet[start:])
        if protocol.sums_addresses:
            addresses = header[12:20] if family == 4 else header[8:40]
            fixed_sum += ones_sum(addresses) + settings.size - start + protocol.number(settings)
        self._patch = protocol.patcher(settings, start, fixed_sum)

    def probe(self, ttl: int, flow: FlowTuple, key: int, ip_id: int) -> bytearray:
        """Return one probe's whole IP packet, in a buffer that the next call uses again.

        `flow` and `key` as in `tui_trace.wire.network`. Raises `ValueError` for what the protocol
        cannot carry: an ICMP checksum of 0xFFFF, which no sender computes, or 0 for UDP, which
        means that there is none.
        """
        packet = self._packet
        if self._family == 4:
            _H.pack_into(packet, 4, ip_id)
            packet[8] = ttl
            checksum = -(self._header_sum + ip_id + (ttl << 8)) % ONES_COMPLEMENT_MODULUS
            _H.pack_into(packet, 10, checksum)
        else:
            packet[7] = ttl
            label = self._label
            if self._has_label_per_flow:
                label ^= ((flow[0] << 16 | flow[1]) * _FLOW_LABEL_MULTIPLIER >> 12) & 0xFFFFF
            _I.pack_into(packet, 0, 6 << 28 | self._tos << 20 | label)
        self._patch(packet, flow, key)
        return packet


def _build(protocol: ProbeProtocol, settings: ProbeSettings, source: str, target: str) -> bytes:
    """Return the packet with zeros, also in the checksums, where `Template.probe` writes."""
    inet, inet6 = scapy_layers()
    number = protocol.number(settings)
    if protocol.family == 4:
        ip_header = inet.IP(
            src=source,
            dst=target,
            tos=settings.tos,
            flags="DF" if settings.df else 0,
            id=0,
            ttl=0,
            chksum=0,
            len=settings.size,
            proto=number,
        )
    else:
        length = settings.size - 40
        ip_header = inet6.IPv6(
            src=source, dst=target, tc=settings.tos, hlim=0, plen=length, nh=number
        )
    packet = bytes(ip_header) + protocol.header(settings)
    return packet + bytes([settings.payload_byte]) * (settings.size - len(packet))
