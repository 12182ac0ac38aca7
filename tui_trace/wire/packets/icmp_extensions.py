"""What routers add to their ICMP errors: where a quote ends, and MPLS labels and interfaces.

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
"""Bytes of quote before an extension whose place is not told: what RFC 4884 §5.5 has routers do
that knew extensions before their length field."""
_LENGTH_AT = {4: (5, 4), 6: (4, 8)}
"""Where the quote's length stands in the ICMP header, and bytes in its unit."""
_EXTENSIBLE = {4: (3, 11, 12), 6: (1, 3)}
_VERSION = 2
_MPLS = (1, 1)
_INTERFACE = 2
_ROLES = ("incoming", "sub-ip", "outgoing", "next-hop")
_OBJECT = struct.Struct("!HBB")

_MOST_LABELS = 16
_MOST_INTERFACES = 4
"""More than these nobody has, and dissecting takes time."""


def split_extensions(message: bytes, family: int) -> tuple[bytes, bytes]:
    """Quote and extension structure of an ICMP error; both may be empty."""
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
    """Labels, outermost first, and interfaces of an extension structure."""
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
            elif number == _INTERFACE and len(interfaces) < _MOST_INTERFACES:
                interfaces.append(_interface(data))
        except Exception:  # noqa: S110  # scapy's dissectors promise nothing
            pass
        at += length
    return tuple(labels[:_MOST_LABELS]), tuple(interfaces)


def _labels(stack: bytes) -> list[MplsLabel]:
    entry = _mpls_class()
    entries = (stack[at : at + 4] for at in range(0, min(len(stack) & ~3, 4 * _MOST_LABELS), 4))
    told = [entry(each) for each in entries]
    return [MplsLabel(each.label, each.cos, bool(each.s), each.ttl) for each in told]


def _interface(data: bytes) -> Interface:
    told = _interface_class()(data)
    name = told.ifname or b""
    return Interface(
        role=_ROLES[told.classtype],
        index=told.ifindex,
        address=told.ip4 or told.ip6 or "",
        name=name.partition(b"\0")[0].decode(errors="replace"),
        mtu=told.mtu,
    )


@functools.cache
def _mpls_class() -> Any:
    scapy_layers()
    from scapy.contrib.mpls import MPLS

    return MPLS


@functools.cache
def _interface_class() -> Any:
    """Scapy's, whose length of a name does not count itself, as RFC 5837 §4.3 has it."""
    scapy_layers()
    from scapy.fields import ConditionalField, StrLenField
    from scapy.layers.inet import ICMPExtension_InterfaceInformation as Theirs

    *first, _, mtu = Theirs.fields_desc
    name = StrLenField("ifname", b"", length_from=lambda told: max(told.ifname_len - 1, 0))

    fields = [*first, ConditionalField(name, lambda told: told.has_ifname == 1), mtu]

    class InterfaceInformation(Theirs):
        name = "Interface Information (RFC 5837)"
        fields_desc = fields

    return InterfaceInformation
