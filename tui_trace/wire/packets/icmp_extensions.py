"""What routers append to a quote in their ICMP errors: MPLS labels and interfaces.

RFC 4884 (the structure), RFC 4950 (label stacks), RFC 5837 (interfaces). Nothing here raises,
whatever the bytes are.
"""

import functools
import struct
from typing import Any

from tui_trace.core.events import Interface, MplsLabel
from tui_trace.wire.packets.checksum import ones_sum
from tui_trace.wire.packets.lazy_scapy import scapy_layers

_HEADER = 8
_QUOTED = 128
"""Bytes of quote before an extension, if the header has no length: RFC 4884 §5.5, of routers that
had extensions before there was a length field."""
_LENGTH_AT = {4: (5, 4), 6: (4, 8)}
"""Where the quote's length stands in the ICMP header, and bytes in its unit."""
_EXTENSIBLE = {4: (3, 11, 12), 6: (1, 3)}
_VERSION = 2
_MPLS = (1, 1)
_INTERFACE = 2
_ROLES = ("incoming", "sub-ip", "outgoing", "next-hop")
_OBJECT = struct.Struct("!HBB")

_MAX_LABELS = 16
_MAX_INTERFACES = 4
"""No router sends more than these, and dissecting takes time."""


def split_extensions(message: bytes, family: int) -> tuple[bytes, bytes]:
    """Return quote and extension structure of an ICMP error; both may be empty."""
    quote = message[_HEADER:]
    if len(message) < _HEADER or message[0] not in _EXTENSIBLE[family]:
        return quote, b""
    at, unit = _LENGTH_AT[family]
    length = message[at] * unit
    end = length or _QUOTED
    extension = quote[end:]
    if len(extension) >= _OBJECT.size and _is_extension(extension):
        return quote[:end], extension
    return quote[:length] if length else quote, b""


def _is_extension(data: bytes) -> bool:
    # a checksum of 0 was not computed (RFC 4884 §7)
    return data[0] >> 4 == _VERSION and (data[2:4] == b"\0\0" or not ones_sum(data))


@functools.lru_cache(1024)
def decode_extensions(extension: bytes) -> tuple[tuple[MplsLabel, ...], tuple[Interface, ...]]:
    """Return the labels, outermost first, and the interfaces of an extension structure."""
    labels: list[MplsLabel] = []
    interfaces: list[Interface] = []
    at = 4
    while at + 4 <= len(extension):
        length, number, kind = _OBJECT.unpack_from(extension, at)
        data = extension[at : at + length]
        if length < 4 or len(data) < length:
            break
        try:
            if (number, kind) == _MPLS:
                labels += _labels(data[4:])
            elif number == _INTERFACE and len(interfaces) < _MAX_INTERFACES:
                interfaces.append(_interface(data))
        except Exception:  # noqa: S110  # scapy's dissectors may raise anything
            pass
        at += length
    return tuple(labels[:_MAX_LABELS]), tuple(interfaces)


def _labels(stack: bytes) -> list[MplsLabel]:
    entry = _mpls_class()
    entries = (stack[at : at + 4] for at in range(0, min(len(stack) & ~3, 4 * _MAX_LABELS), 4))
    decoded = [entry(each) for each in entries]
    return [MplsLabel(each.label, each.cos, bool(each.s), each.ttl) for each in decoded]


def _interface(data: bytes) -> Interface:
    decoded = _interface_class()(data)
    name = decoded.ifname or b""
    return Interface(
        role=_ROLES[decoded.classtype],
        index=decoded.ifindex,
        address=decoded.ip4 or decoded.ip6 or "",
        name=name.partition(b"\0")[0].decode(errors="replace"),
        mtu=decoded.mtu,
    )


@functools.cache
def _mpls_class() -> Any:
    scapy_layers()
    from scapy.contrib.mpls import MPLS

    return MPLS


@functools.cache
def _interface_class() -> Any:
    """Return scapy's class, mended: the length of a name counts its own byte (RFC 5837 §4.3)."""
    scapy_layers()
    from scapy.fields import ConditionalField, StrLenField
    from scapy.layers.inet import ICMPExtension_InterfaceInformation as ScapyClass

    *first, _, mtu = ScapyClass.fields_desc
    name = StrLenField("ifname", b"", length_from=lambda packet: max(packet.ifname_len - 1, 0))

    fields = [*first, ConditionalField(name, lambda packet: packet.has_ifname == 1), mtu]

    class InterfaceInformation(ScapyClass):
        name = "Interface Information (RFC 5837)"
        fields_desc = fields

    return InterfaceInformation
