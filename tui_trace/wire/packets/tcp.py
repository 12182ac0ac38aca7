"""TCP segments as probes (RFC 9293): a SYN or an ACK, which the target answers with SYN/ACK or RST.

The flow is the ports, the key is the sequence number. The timestamp option repeats it: a firewall
that gives connections other sequence numbers mostly leaves that alone.
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tui_trace.core.events import ReplyKind, RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol, TcpFlags, minimum_size
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS
from tui_trace.wire.packets.lazy_scapy import scapy_layers
from tui_trace.wire.packets.probe_protocol import (
    PORT_PLACES,
    FieldPlaces,
    FieldValues,
    Patch,
    ProbeProtocol,
)
from tui_trace.wire.packets.received_packet import ReceivedPacket, direct_reply

_H = struct.Struct("!H")
_I = struct.Struct("!I")
_HHI = struct.Struct("!HHI")
_HHII = struct.Struct("!HHII")

_TCP = Protocol.TCP
_SYN_ACK_REPLY = ReplyKind.SYN_ACK
_RST_REPLY = ReplyKind.RST

_WINDOW = 64_240
_SCAPY_FLAGS = {
    TcpFlags.SYN: "S",
    TcpFlags.ACK: "A",
    TcpFlags.SYN_ACK: "SA",
    TcpFlags.ECN: "SEC",
}
_FIN_SYN_RST_ACK = 0x17
_SYN_ACK = 0x12
_RST = 0x04
_ACK = 0x10
_ECE_CWR = 0xC0
_ECE = 0x40

_FLAG_LETTERS = "FSRP.UEW"
_OPTION_NAMES = {0: "eol", 1: "nop", 2: "mss", 3: "wscale", 4: "sackOK", 5: "sack", 8: "TS"}
_MSS, _TIMESTAMPS = 2, 8


class Tcp(ProbeProtocol):
    """TCP segments, with the sequence number as their key."""

    protocol = Protocol.TCP
    ip_numbers: ClassVar[Mapping[int, int]] = {4: socket.IPPROTO_TCP, 6: socket.IPPROTO_TCP}
    has_raw_socket = True
    port_socket = socket.SOCK_STREAM
    secrets = (slice(0, 2), slice(4, 8))
    field_places: ClassVar[FieldPlaces] = {
        **PORT_PLACES,
        RewrittenField.SEQUENCE: (4, 4),
        RewrittenField.ACKNOWLEDGEMENT: (8, 4),
        RewrittenField.WINDOW: (14, 2),
        RewrittenField.CHECKSUM: (16, 2),
    }

    def header(self, settings: ProbeSettings) -> bytes:
        inet, _ = scapy_layers()
        options = [] if settings.no_tcp_options else tcp_options(settings.tcp_flags, self.family)
        flags = _SCAPY_FLAGS[settings.tcp_flags]
        return bytes(
            inet.TCP(
                sport=0, dport=0, seq=0, chksum=0, flags=flags, window=_WINDOW, options=options
            )
        )

    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:
        acknowledges = settings.tcp_flags in (TcpFlags.ACK, TcpFlags.SYN_ACK)
        acknowledgement_at = start + 8
        checksum_at = start + 16
        timestamp_at = None if settings.no_tcp_options else start + _timestamp_place(settings)
        pack_into = _HHI.pack_into

        def patch(packet: bytearray, flow: FlowTuple, key: int) -> None:
            source, destination = flow
            pack_into(packet, start, source, destination, key)
            total = fixed_sum + source + destination + key
            if timestamp_at is not None:
                _I.pack_into(packet, timestamp_at, key)
                total += key
            if acknowledges:
                _I.pack_into(packet, acknowledgement_at, key)
                total += key
            _H.pack_into(packet, checksum_at, -total % ONES_COMPLEMENT_MODULUS)

        return patch

    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int]:
        source, destination, sequence = _HHI.unpack_from(data, start)
        return (source, destination), sequence

    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply | None:
        """Decode a SYN/ACK or RST.

        Its checksum is not verified: only a host that saw our probe knows the key.
        """
        data, start = packet.data, packet.start
        if len(data) < start + 20 or data[start + 12] >> 4 < 5:
            return None
        source, destination, sequence, acknowledged = _HHII.unpack_from(data, start)
        flags = data[start + 13]
        key = (acknowledged - 1) & 0xFFFF_FFFF
        flow = destination, source
        if flags & _FIN_SYN_RST_ACK == _SYN_ACK:
            ecn = flags & _ECE_CWR == _ECE
            return direct_reply(packet, _SYN_ACK_REPLY, _TCP, flow, key, ecn=ecn)
        if not flags & _RST:
            return None
        if not flags & _ACK:
            key = sequence
        return direct_reply(packet, _RST_REPLY, _TCP, flow, key)

    def data_length(self, settings: ProbeSettings) -> int:
        """Return what a probe's size asks beyond the headers and their options.

        One less for an ACK probe. The number that an RST acknowledges counts a SYN as one byte,
        which `ReceivedReply.key` takes off; with no SYN in the probe, that byte is missing
        (RFC 9293 §3.10.7.1).
        """
        data = settings.size - minimum_size(Protocol.TCP, self.family, settings.no_tcp_options)
        return data - 1 if settings.tcp_flags is TcpFlags.ACK else data

    def secret_copy(self, data: bytes, start: int) -> bytes:
        """Return the value of the timestamp option (RFC 7323 §3.2), wherever it stands."""
        for kind, value in _options(data[start:]):
            if kind == _TIMESTAMPS and value:
                return value[:4]
        return b""

    def length_of_header(self, data: bytes) -> int:
        return (data[12] >> 4) * 4 if len(data) > 12 else 20

    def fields(self, data: bytes) -> FieldValues:
        fields = super().fields(data)
        if len(data) > 13:
            fields[RewrittenField.TCP_FLAGS] = _format_flags(data[13])
        end = self.length_of_header(data)
        if len(data) >= end >= 20:
            fields[RewrittenField.MSS], fields[RewrittenField.OPTIONS] = _format_options(data)
        return fields


def tcp_options(flags: TcpFlags, family: int) -> list[tuple[str, Any]]:
    """Return 20 bytes of options, as scapy names them.

    A SYN has those of Linux, in its order. An ACK has the timestamps of an open connection, and
    NOPs where a SYN has the rest, so that it needs no data to be as long.
    """
    # `Tcp.patcher` writes the value of each probe
    timestamps = ("Timestamp", (0, 0))
    if flags is TcpFlags.ACK:
        return [("NOP", None), ("NOP", None), timestamps, *[("NOP", None)] * 8]
    return [
        ("MSS", 1460 if family == 4 else 1440),
        ("SAckOK", b""),
        timestamps,
        ("NOP", None),
        ("WScale", 7),
    ]


def _format_flags(flags: int) -> str:
    return "".join(letter for bit, letter in enumerate(_FLAG_LETTERS) if flags >> bit & 1)


def _timestamp_place(settings: ProbeSettings) -> int:
    """Return the offset of the timestamp's value behind the start of the TCP header, in bytes."""
    return 24 if settings.tcp_flags is TcpFlags.ACK else 28


def _options(header: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield kind and value of each option that is there in full; None: the rest makes no sense."""
    end = (header[12] >> 4) * 4 if len(header) > 12 else 0
    data = header[20:end] if len(header) >= end >= 20 else b""
    at = 0
    while at < len(data):
        kind = data[at]
        length = 1 if kind < 2 else data[at + 1] if at + 1 < len(data) else 0
        if not length or at + length > len(data):
            yield kind, None
            return
        yield kind, data[at + 2 : at + length]
        at += length


def _format_options(header: bytes) -> tuple[int | None, str]:
    """Return the MSS, and the names and values of all options.

    Left out are the values of the MSS, and of the timestamps, which differ in every probe.
    """
    mss = None
    words = []
    for kind, value in _options(header):
        if value is None:
            words.append("broken")
            continue
        word = _OPTION_NAMES.get(kind, f"option {kind}")
        if kind == _MSS:
            mss = int.from_bytes(value[:2], "big")
        elif value and kind != _TIMESTAMPS:
            word += f" {int.from_bytes(value, 'big'):x}"
        words.append(word)
    return mss, " ".join(words)
