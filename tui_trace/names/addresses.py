"""Which addresses are public, private or reserved for documentation."""

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598, shared address space of providers
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
    )
)
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.2.0/24",  # RFC 5737
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",  # RFC 3849
        "3fff::/20",  # RFC 9637
        "198.18.0.0/15",  # RFC 2544
        "2001:2::/48",  # RFC 5180
    )
)


def parse_address(text: str) -> Address | None:
    """Return the address without its zone (`%eth0`); None if it is invalid or no single host's."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast else address


def is_private(address: Address) -> bool:
    """Return whether the address is private, link-local, loopback or shared, so not unique."""
    return any(address in network for network in _PRIVATE)


def is_documentation(address: Address) -> bool:
    """Return whether the address is reserved for documentation or benchmarks, as in the lab."""
    return any(address in network for network in _DOCUMENTATION)


def is_routable(address: Address, lab: bool = False) -> bool:
    """Return whether an AS may announce this address; `lab`: so it is for the lab's addresses."""
    if is_documentation(address):
        return lab
    return address.is_global and not address.is_multicast and not is_private(address)
