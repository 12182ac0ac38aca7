"""QUIC packets: the first one of a connection, and the server's Version Negotiation.

The probe is an Initial packet of a version that no server has, so the server answers which
versions it has, without any keys (RFC 9000 §6.1, §17.2.1; RFC 8999). Beyond what RFC 8999 says of
every version, it has the fields of version 1, because some servers read them before they look at
the version.
"""

import hashlib
import secrets
import struct
from typing import NamedTuple

from tui_trace.core.quic_versions import MAX_VERSIONS

_UNKNOWN_VERSION = 0x1A2A_3A4A
"""One of those that are reserved to make servers negotiate (RFC 9000 §15)."""
_ID = 8
"""Bytes of each connection ID; a first destination ID has 8 at least (RFC 9000 §7.2)."""
_KEY = 2
IDS = slice(6, 6 + _ID + 1 + _ID)
"""Place of the two connection IDs, with the length of the second one between them."""
_BEGINNING = struct.pack("!BIB", 0xC0, _UNKNOWN_VERSION, _ID)
"""Long header, fixed bit, Initial, packet number of one byte; version; length of the first ID."""
_BETWEEN = bytes((_ID,))
WITHOUT_IDS = bytes(_ID) + _BETWEEN + bytes(_ID)
"""What stands in their place in a template."""
TOKEN_AT = IDS.stop + 1
"""Offset of the token, two bytes that a server of an unknown version does not look at."""
_TOKEN = b"\2\0\0"
"""Its length, and the token."""
HEADER_LENGTH = TOKEN_AT + 2 + 2
"""Bytes up to the packet number."""

_VERSION_NEGOTIATION = struct.Struct("!BI")
_LONG_HEADER = 0x80


class ConnectionIds:
    """The connection IDs of one sender's probes, which a server sends back with its versions.

    They begin with the probe's key; all else only a host knows that saw the probe.
    """

    def __init__(self) -> None:
        """Draw a secret."""
        self._secret = secrets.token_bytes(16)

    def of(self, key: int) -> bytes:
        """Return both IDs, the destination's first, with the length of the second between them."""
        number = key.to_bytes(_KEY, "big")
        proof = hashlib.blake2b(number, key=self._secret, digest_size=2 * _ID - _KEY).digest()
        ids = number + proof
        return ids[:_ID] + _BETWEEN + ids[_ID:]

    def key_of(self, ids: bytes) -> int | None:
        """Return the key that these IDs were made from; None if they are not of this sender."""
        key = int.from_bytes(ids[:_KEY], "big")
        return key if ids == self.of(key) else None


def for_checksum(ids: bytes) -> bytes:
    """Return the 16-bit words that the IDs are in, with zeros for all else in these."""
    return ids[:_ID] + b"\0" + ids[_ID + 1 :] + b"\0"


def initial_packet(ids: bytes, size: int, payload_byte: int) -> bytes:
    """Return a packet of `size` bytes with these connection IDs, as `ConnectionIds.of` has them."""
    rest = size - HEADER_LENGTH
    head = _BEGINNING + ids + _TOKEN + struct.pack("!H", 0x4000 | rest)
    return head + bytes([payload_byte]) * rest


def ids_of_probe(payload: bytes) -> bytes | None:
    """Return the connection IDs in the payload of a probe, which may be cut short; None if it has
    none.
    """
    if not payload.startswith(_BEGINNING) or len(payload) < IDS.stop:
        return None
    return payload[IDS]


class VersionNegotiation(NamedTuple):
    """What a server answers to a version that it does not have."""

    ids: bytes
    """Of the packet that it answers, as `ConnectionIds.of` has them: the server swaps them."""
    versions: tuple[int, ...]
    """The first `MAX_VERSIONS`."""


def read_version_negotiation(payload: bytes) -> VersionNegotiation | None:
    """Read a server's packet (RFC 8999 §6); None if it is none, or answers nothing of ours."""
    if len(payload) < _VERSION_NEGOTIATION.size:
        return None
    first, version = _VERSION_NEGOTIATION.unpack_from(payload)
    if not first & _LONG_HEADER or version:
        return None
    # destination and source of the server's packet are the source and destination of ours
    fields = payload[_VERSION_NEGOTIATION.size : _VERSION_NEGOTIATION.size + 2 * (1 + _ID)]
    if len(fields) < 2 * (1 + _ID) or fields[0] != _ID or fields[1 + _ID] != _ID:
        return None
    ours, theirs = fields[1 : 1 + _ID], fields[2 + _ID :]
    rest = payload[_VERSION_NEGOTIATION.size + len(fields) :]
    listed = rest[: min(len(rest) // 4, MAX_VERSIONS) * 4]
    versions = tuple(number for (number,) in struct.iter_unpack("!I", listed))
    return VersionNegotiation(theirs + _BETWEEN + ours, versions)
