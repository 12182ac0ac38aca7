"""From what the user typed to an address to probe. Asks the resolver; blocks."""

import ipaddress
import socket

from tui_trace.source import SourceError

_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}
_SOCKET_FAMILY = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_LONGEST_SHOWN = 80


def resolve(host: str, family: int | None) -> tuple[str, int]:
    """The address and its family (4 or 6); `SourceError` if there is none of the family wanted."""
    host = host.strip()
    shown = host[:_LONGEST_SHOWN]
    literal = _literal(host)
    if literal is not None:
        if family not in (None, literal.version):
            raise SourceError(f"{shown} is an IPv{literal.version} address, not IPv{family}")
        _refuse_groups(literal, shown)
        return str(literal), literal.version
    try:
        found = socket.getaddrinfo(host, None, _SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    except (OSError, UnicodeError, ValueError) as error:
        if family is not None and _has_any_address(host):
            raise SourceError(f"{shown} has no IPv{family} address") from None
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise SourceError(f"unknown host {shown!r}{why}") from None
    for kind, _, _, _, address in found:
        if kind in _FAMILIES:
            text = str(address[0])
            _refuse_groups(ipaddress.ip_address(text), shown)
            return text, _FAMILIES[kind]
    raise SourceError(f"{shown} has no address that can be probed")


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refuse_groups(address: ipaddress.IPv4Address | ipaddress.IPv6Address, shown: str) -> None:
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise SourceError(f"{shown} is a group of hosts ({address}); a path leads to one")
    if address.is_unspecified:
        raise SourceError(f"{shown} is no host's address ({address})")


def _has_any_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None, 0, socket.SOCK_DGRAM))
    except (OSError, UnicodeError, ValueError):
        return False
