"""Versions of QUIC: the numbers that servers list, and what they are called."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from msgspec import Meta

MAX_VERSIONS = 32
"""Most versions of a server that are looked at. Servers list about six."""

QuicVersion: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
QuicVersions: TypeAlias = Annotated[tuple[QuicVersion, ...], Meta(max_length=MAX_VERSIONS)]
"""In the order of the server."""

_NAMES = {0x0000_0001: "v1", 0x6B33_43CF: "v2"}
"""RFC 9000 §15, RFC 9369 §3.1."""
_DRAFTS = 0xFF00_0000
_RESERVED = 0x0A0A_0A0A


def is_reserved(version: int) -> bool:
    """Return whether a version is one of 0x?a?a?a?a, which nobody speaks (RFC 9000 §15).

    Servers list some, so that clients learn to pass over what they do not know.
    """
    return version & 0x0F0F_0F0F == _RESERVED


def version_name(version: int) -> str:
    """Return `v1`, `v2`, `draft-29`, or the number: `0x51303530`."""
    if version in _NAMES:
        return _NAMES[version]
    if version & 0xFFFF_FF00 == _DRAFTS:
        return f"draft-{version & 0xFF}"
    return f"{version:#010x}"


def describe_versions(versions: Sequence[int]) -> str:
    """Return `v1, v2, draft-29`; versions that nobody speaks are left out."""
    named = (version_name(version) for version in versions if not is_reserved(version))
    return ", ".join(dict.fromkeys(named))
