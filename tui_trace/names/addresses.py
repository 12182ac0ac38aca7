"""Which addresses may be asked about, and which mean something only here."""

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_HERE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598: between a provider and its customers
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
    )
)
_SET_ASIDE = tuple(
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
    """The address without its zone (`%eth0`); None if it is none, or nobody's."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return None if address.is_unspecified or address.is_multicast else address


def only_here(address: Address) -> bool:
    """Another network gives this address to another host: private, link-local, loopback, shared."""
    return any(address in network for network in _HERE)


def set_aside(address: Address) -> bool:
    """Meant for documents and benchmarks; the lab is made of these."""
    return any(address in network for network in _SET_ASIDE)


def routed(address: Address, lab: bool = False) -> bool:
    """Some AS may announce this address to the world; `lab`: the world is the lab."""
    if set_aside(address):
        return lab
    return address.is_global and not address.is_multicast and not only_here(address)
