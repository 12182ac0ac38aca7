"""IP addresses as people write them, in place of a host name."""

import ipaddress
import re
import socket
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

PLAIN_NUMBERS = "an address without leading zeros (010 is 8 to some programs, 10 to others)"
"""What an option takes in place of an ambiguous address."""

_PART = r"(?:0x[0-9a-f]+|[0-9]+)"
_NUMBERS = re.compile(rf"{_PART}(?:\.{_PART}){{0,3}}", re.ASCII | re.IGNORECASE)
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]", re.ASCII)


def is_ambiguous(text: str) -> bool:
    """Return whether a number of a dotted address begins with 0: octal in inet_aton(3)."""
    _, colon, last = text.strip().rpartition(":")
    if colon and "." not in last:  # a group of IPv6, which may begin with 0
        return False
    return bool(_NUMBERS.fullmatch(last) and _LEADING_ZERO.search(last))


def parse_literal(text: str) -> Address | None:
    """Return the address that `text` is, None for a host name; an ambiguous one is none.

    The short forms of inet_aton(3), such as `127.1`, are IPv4, and so is an IPv4-mapped address
    (RFC 4291 §2.5.5.2): the kernel sends IPv4 to it.
    """
    text = text.strip()
    if is_ambiguous(text):
        return None
    if _NUMBERS.fullmatch(text):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(text))
        except OSError:
            return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return unmapped(address)


def unmapped(address: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one; any other as it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
