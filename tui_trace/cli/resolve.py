"""From the host that the user typed to an address to probe; blocks while it resolves."""

import ipaddress
import socket

from tui_trace.core.stream import SourceError
from tui_trace.names.name_options import DnsServer

_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}
_SOCKET_FAMILY = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_LONGEST_SHOWN = 80


def resolve(host: str, family: int | None, server: DnsServer | None = None) -> tuple[str, int]:
    """Return the address and its IP version (4 or 6); `family` None: any version.

    `server` replaces the system's resolver, with its hosts(5) and search domains. Raise
    `SourceError` if there is no such address.
    """
    host = host.strip()
    shown = host[:_LONGEST_SHOWN]
    literal = _literal(host)
    if literal is not None:
        if family not in (None, literal.version):
            raise SourceError(f"{shown} is an IPv{literal.version} address, not IPv{family}")
        _check_unicast(literal, shown)
        return str(literal), literal.version
    found = _by_system(host, family) if server is None else _by_server(host, family, server)
    for text, version in found:
        _check_unicast(ipaddress.ip_address(text), shown)
        return text, version
    raise SourceError(f"{shown} has no address that can be probed")


def _by_system(host: str, family: int | None) -> list[tuple[str, int]]:
    shown = host[:_LONGEST_SHOWN]
    try:
        found = socket.getaddrinfo(host, None, _SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    except (OSError, UnicodeError, ValueError) as error:
        if family is not None and _has_any_address(host):
            raise SourceError(f"{shown} has no IPv{family} address") from None
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise SourceError(f"unknown host {shown!r}{why}") from None
    return [(str(each[4][0]), _FAMILIES[each[0]]) for each in found if each[0] in _FAMILIES]


def _by_server(host: str, family: int | None, server: DnsServer) -> list[tuple[str, int]]:
    """Return the addresses from the server, those with a route first, as getaddrinfo(3) does."""
    from tui_trace.names.forward_lookup import ForwardLookupError, look_up_addresses

    shown = host[:_LONGEST_SHOWN]
    try:
        found = look_up_addresses(host, (6, 4), server)
    except ForwardLookupError as error:
        raise SourceError(f"unknown host {shown!r} ({error})") from None
    if not found:
        raise SourceError(f"unknown host {shown!r} (DNS server {server} has no address for it)")
    if family is not None and family not in found:
        raise SourceError(f"{shown} has no IPv{family} address")
    all_of_them = [(text, version) for version, texts in found.items() for text in texts]
    wanted = [each for each in all_of_them if family in (None, each[1])]
    return wanted if len(wanted) == 1 else sorted(wanted, key=lambda each: not _has_route_to(*each))


def _has_route_to(address: str, family: int) -> bool:
    """Return whether there is a route; connect(2) of a datagram socket sends nothing."""
    try:
        with socket.socket(_SOCKET_FAMILY[family], socket.SOCK_DGRAM) as trying:
            trying.connect((address, 9))
    except OSError:
        return False
    return True


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_unicast(address: ipaddress.IPv4Address | ipaddress.IPv6Address, shown: str) -> None:
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise SourceError(f"{shown} is a multicast or broadcast address ({address})")
    if address.is_unspecified:
        raise SourceError(f"{shown} is the unspecified address ({address})")


def _has_any_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None, 0, socket.SOCK_DGRAM))
    except (OSError, UnicodeError, ValueError):
        return False
