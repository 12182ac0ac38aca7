"""Parsing of prefixes and AS numbers, as registries write them."""

import ipaddress
import re
from collections.abc import Iterable
from typing import TypeAlias

from tui_trace.names.addresses import Address

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Announced: TypeAlias = tuple[Network, list[int]]

MAX_ASN = 2**32 - 1
_ASN = re.compile(r"(?:AS)?(\d{1,10})(?:\.(\d{1,5}))?", re.ASCII | re.IGNORECASE)


def parse_asn(text: str) -> int | None:
    """Return the number of `AS64500`, `64500` or `AS1.10` (RFC 5396); None for anything else."""
    match = _ASN.fullmatch(text)
    if match is None:
        return None
    high, low = match.groups()
    if low is None:
        number = int(high)
    elif int(high) < 1 << 16 and int(low) < 1 << 16:
        number = int(high) << 16 | int(low)
    else:
        return None
    return number if 0 < number <= MAX_ASN else None


def parse_network(text: str, delimiter: str = "/") -> Network | None:
    """Return the network of `192.0.2.0/24`; None for anything else."""
    host, found, length = text.strip().partition(delimiter)
    length = length.strip()
    if not found or not (length.isascii() and length.isdecimal() and len(length) <= 3):
        return None
    try:
        return ipaddress.ip_network((host.strip(), int(length)), strict=False)
    except ValueError:
        return None


def most_specific(
    candidates: Iterable[Announced], address: Address
) -> tuple[Network | None, list[int]]:
    """Return the longest prefix that contains the address, and the ASes that announce it."""
    best: Network | None = None
    origins: dict[int, None] = {}
    for prefix, asns in candidates:
        if prefix.version != address.version or address not in prefix or not asns:
            continue
        if best is None or prefix.prefixlen > best.prefixlen:
            best, origins = prefix, {}
        if prefix == best:
            origins.update(dict.fromkeys(asns))
    return best, list(origins)
