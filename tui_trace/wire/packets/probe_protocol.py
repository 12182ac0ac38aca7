"""What the rest of the wire has to know of a protocol of probes.

A probe carries its *flow* and its *key* (see `tui_trace.wire.network`) in the first eight bytes
above IP. A protocol knows how they get there, how a quote gives them back, and what a direct reply
of the target looks like.
"""

import abc
import socket
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeAlias

from tui_trace.core.events import RewrittenField
from tui_trace.core.settings import ProbeSettings, Protocol
from tui_trace.wire.network import FlowTuple, ReceivedReply
from tui_trace.wire.packets.checksum import ONES_COMPLEMENT_MODULUS, ones_sum
from tui_trace.wire.packets.received_packet import ReceivedPacket

Patch: TypeAlias = Callable[[bytearray, FlowTuple, int], None]
"""Writes flow, key and checksum into the packet of a template."""

FieldValue: TypeAlias = int | str | None
FieldValues: TypeAlias = dict[RewrittenField, FieldValue]

FieldPlaces: TypeAlias = Mapping[RewrittenField, tuple[int, int]]
"""Offset and length of header fields, in bytes."""

PORT_PLACES: FieldPlaces = {
    RewrittenField.SOURCE_PORT: (0, 2),
    RewrittenField.DESTINATION_PORT: (2, 2),
}


class ProbeProtocol(abc.ABC):
    """A protocol of probes over one version of IP."""

    protocol: ClassVar[Protocol]
    """Its name in the settings."""
    ip_numbers: ClassVar[Mapping[int, int] | None] = None
    """IP protocol, or next header, by IP version; None: the settings name it."""
    has_raw_socket: ClassVar[bool] = False
    """A raw socket, opened at the start, receives what the target sends in this protocol. Without
    one, a packet socket does."""
    port_socket: ClassVar[socket.SocketKind | None] = None
    """The kind of socket that reserves a source port; None: there is nothing to reserve. A port
    opens the filter of the raw socket of TCP or UDP."""
    key_is_checksum: ClassVar[bool] = False
    """The key is the transport's checksum, so NAT that rewrites addresses changes it."""

    field_places: ClassVar[FieldPlaces] = {}
    """The header fields by which a quote is compared with its probe."""
    header_length: ClassVar[int] = 0
    """Bytes of a header; see `length_of_header` if not every header has as many."""
    secrets: ClassVar[tuple[slice, ...]] = ()
    """The parts of the first eight bytes that only a host which saw the probe knows."""
    early_checksum_at: ClassVar[int | None] = None
    """Offset of the checksum, if it is in the first eight bytes."""

    def __init__(self, family: int) -> None:
        """`family` is 4 or 6."""
        self.family = family

    def number(self, settings: ProbeSettings) -> int:
        """Return the IP protocol, or next header, of a probe."""
        return settings.number if self.ip_numbers is None else self.ip_numbers[self.family]

    @property
    def sums_addresses(self) -> bool:
        """The checksum covers a pseudo-header with the addresses (RFC 9293 §3.1, RFC 8200 §8.1)."""
        return True

    @abc.abstractmethod
    def header(self, settings: ProbeSettings) -> bytes:
        """Return a probe's bytes up to the payload's filler, with zeros where `Patch` writes."""

    @abc.abstractmethod
    def patcher(self, settings: ProbeSettings, start: int, fixed_sum: int) -> Patch:
        """Return the function that makes a template's packet one probe.

        `start` is the offset of the transport header in the packet. `fixed_sum` is the one's
        complement sum of all that the checksum covers and no probe changes. The function raises
        `ValueError` for a flow or a key that the protocol cannot carry.
        """

    @abc.abstractmethod
    def flow_and_key(self, data: bytes, start: int) -> tuple[FlowTuple, int] | None:
        """Read back what `Patch` wrote; None if these are the first eight bytes of no probe."""

    @abc.abstractmethod
    def decode_reply(self, packet: ReceivedPacket) -> ReceivedReply | None:
        """Decode what the target itself sent in this protocol; None if it answers no probe.

        Never raises, whatever the bytes are.
        """

    def data_length(self, settings: ProbeSettings) -> int:  # noqa: ARG002
        """Return the bytes of data in a probe that the target acknowledges with its key."""
        return 0

    def secret_copy(self, data: bytes, start: int) -> bytes:  # noqa: ARG002
        """Return what repeats a secret behind the first eight bytes; empty if it is not there.

        `start` is the offset of the transport header in the packet, which may be cut short.
        """
        return b""

    def nat_sum(self, data: bytes, start: int) -> int | None:
        """Return the sum that NAT does not change, modulo 65535; None without a checksum up there.

        That of the first eight bytes, and of the addresses where the checksum covers them: what
        NAT adds to a port or an address, it takes off the checksum (RFC 3022 §4.1).
        """
        if self.early_checksum_at is None:
            return None
        total = ones_sum(data[start : start + 8])
        if self.sums_addresses:
            total += ones_sum(data[12:20] if self.family == 4 else data[8:40])
        return total % ONES_COMPLEMENT_MODULUS

    def length_of_header(self, data: bytes) -> int:  # noqa: ARG002
        """Return the bytes of a quoted header, which may be cut short."""
        return self.header_length

    def fields(self, data: bytes) -> FieldValues:
        """Return the fields of a quoted header that are there in full."""
        return {
            field: int.from_bytes(data[at : at + size], "big")
            for field, (at, size) in self.field_places.items()
            if len(data) >= at + size
        }
