"""From the host that the user typed to an address to probe; blocks while it resolves."""

import errno
import ipaddress
import socket
from typing import NamedTuple

from tui_trace.core.ip_literals import PLAIN_NUMBERS, Address, is_ambiguous, parse_literal, unmapped
from tui_trace.core.stream import SourceError, TemporaryError
from tui_trace.names.name_options import DnsServer
from tui_trace.wire import linux

_FAMILIES = {socket.AF_INET: 4, socket.AF_INET6: 6}
_SOCKET_FAMILY = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_LONGEST_SHOWN = 80
_ANY_PORT = 9
_BOTH = frozenset({4, 6})


class Egress(NamedTuple):
    """How probes are to leave, as far as it decides between several addresses of a name."""

    interface: str | None = None
    families: frozenset[int] = _BOTH
    """IP versions that the source address has."""

    def reaches(self, address: str, family: int) -> bool:
        """Return whether probes to this address can leave so."""
        return family in self.families and (
            self.interface is None or _has_route_to(address, family, self.interface)
        )


ANYHOW = Egress()


def resolve(
    host: str, family: int | None, server: DnsServer | None = None, egress: Egress = ANYHOW
) -> tuple[str, int]:
    """Return the address and its IP version (4 or 6); `family` None: any version.

    `server` replaces the system's resolver, with its hosts(5) and search domains. Of several
    addresses, the first that `egress` reaches is taken. A link-local address comes with its scope,
    unless `egress` names the interface. Raise `SourceError` if there is no such address.
    """
    shown = host.strip()[:_LONGEST_SHOWN]
    found = find_addresses(host, family, server)
    if not found:
        raise SourceError(f"{shown} has no address that can be probed")
    several = found if len(found) > 1 else []
    address, version = next((each for each in several if egress.reaches(*each)), found[0])
    literal = ipaddress.ip_address(address)
    _check_unicast(literal, shown)
    _check_scope(literal, egress.interface)
    return address, version


def find_addresses(
    host: str, family: int | None, server: DnsServer | None = None
) -> list[tuple[str, int]]:
    """Return all addresses of a host, each with its IP version, the best first; see `resolve`."""
    host = host.strip()
    shown = host[:_LONGEST_SHOWN]
    if is_ambiguous(host):
        raise SourceError(f"{shown} is ambiguous: the target takes {PLAIN_NUMBERS}")
    literal = parse_literal(host)
    if literal is None:
        found = _by_system(host, family) if server is None else _by_server(host, family, server)
        plain = [unmapped(ipaddress.ip_address(text)) for text, _ in found]
        wanted = [each for each in plain if family in (None, each.version)]
        if plain and not wanted:
            raise SourceError(f"{shown} has no IPv{family} address")
        return [(str(each), each.version) for each in wanted]
    if family not in (None, literal.version):
        raise SourceError(f"{shown} is an IPv{literal.version} address, not IPv{family}")
    return [(_with_named_scope(literal), literal.version)]


def _by_system(host: str, family: int | None) -> list[tuple[str, int]]:
    shown = host[:_LONGEST_SHOWN]
    try:
        found = socket.getaddrinfo(host, None, _SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    except (OSError, UnicodeError, ValueError) as error:
        if family is not None and _has_any_address(host):
            raise SourceError(f"{shown} has no IPv{family} address") from None
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        is_temporary = isinstance(error, OSError) and error.errno == socket.EAI_AGAIN
        kind = TemporaryError if is_temporary else SourceError
        raise kind(f"unknown host {shown!r}{why}") from None
    return [(_scoped(*each[4]), _FAMILIES[each[0]]) for each in found if each[0] in _FAMILIES]


def _by_server(host: str, family: int | None, server: DnsServer) -> list[tuple[str, int]]:
    """Return the addresses from the server, those with a route first, as getaddrinfo(3) does."""
    from tui_trace.names.forward_lookup import (
        ForwardLookupError,
        NoAnswerError,
        look_up_addresses,
    )

    shown = host[:_LONGEST_SHOWN]
    try:
        found = look_up_addresses(host, (6, 4), server)
    except NoAnswerError as error:
        raise TemporaryError(f"unknown host {shown!r} ({error})") from None
    except ForwardLookupError as error:
        raise SourceError(f"unknown host {shown!r} ({error})") from None
    if not found:
        raise SourceError(f"unknown host {shown!r} (DNS server {server} has no address for it)")
    if family is not None and family not in found:
        raise SourceError(f"{shown} has no IPv{family} address")
    all_of_them = [(text, version) for version, texts in found.items() for text in texts]
    wanted = [each for each in all_of_them if family in (None, each[1])]
    return wanted if len(wanted) == 1 else sorted(wanted, key=lambda each: not _has_route_to(*each))


def _has_route_to(address: str, family: int, interface: str | None = None) -> bool:
    """Return whether there is a route; connect(2) of a datagram socket sends nothing."""
    ip = linux.IP_VERSIONS[family]
    try:
        index = socket.if_nametoindex(interface) if interface else 0
        with socket.socket(ip.af, socket.SOCK_DGRAM) as trying:
            linux.leave_by_interface(trying, ip, index)
            trying.connect(linux.socket_address(ip, address, _ANY_PORT, index))
            source, _ = linux.host_and_port(trying.getsockname())
    except OSError:
        return False
    # where an interface without an IPv4 address is asked for, the kernel still claims a route
    return not ipaddress.ip_address(source).is_unspecified


def _check_unicast(address: Address, shown: str) -> None:
    if address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise SourceError(f"{shown} is a multicast or broadcast address ({address})")
    if address.is_unspecified:
        raise SourceError(f"{shown} is the unspecified address ({address})")
    if address.version == 4 and _is_broadcast(str(address)):
        raise SourceError(f"{shown} is the broadcast address of a network here ({address})")


def _is_broadcast(address: str) -> bool:
    """Return whether the kernel calls it a broadcast address: EACCES without SO_BROADCAST.

    A route that prohibits gives EACCES, too, but also with that option. Sends nothing.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trying:
            if trying.connect_ex((address, _ANY_PORT)) != errno.EACCES:
                return False
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            return trying.connect_ex((address, _ANY_PORT)) == 0
    except OSError:
        return False


def _check_scope(address: Address, interface: str | None) -> None:
    """Raise `SourceError` for a link-local address (RFC 4007) without one interface."""
    if not (isinstance(address, ipaddress.IPv6Address) and address.is_link_local):
        return
    scope = address.scope_id
    if scope is None and interface is None:
        names = [name for _, name in socket.if_nameindex() if name != "lo"] or ["eth0"]
        example = f"{address}%{names[0]}, or -I {names[0]}"
        raise SourceError(f"{address} is link-local: name the interface, as in {example}")
    if scope is not None and interface is not None and scope != interface:
        raise SourceError(f"{address} is not on the interface of -I {interface}")


def _with_named_scope(address: Address) -> str:
    """Return the address as text, its scope as the name of an interface if it is a number."""
    host, percent, scope = str(address).partition("%")
    if percent and scope.isascii() and scope.isdecimal():
        return _scoped(host, 0, 0, int(scope))
    return str(address)


def _scoped(address: str, _port: int = 0, _flow: int = 0, scope: int = 0) -> str:
    """Return the address of a socket address, with the name of the interface of its scope."""
    host = address.partition("%")[0]
    if not scope:
        return address
    try:
        return f"{host}%{socket.if_indextoname(scope)}"
    except (OSError, OverflowError):
        raise SourceError(f"{host} is on interface {scope}, which is not there") from None


def _has_any_address(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None, 0, socket.SOCK_DGRAM))
    except (OSError, UnicodeError, ValueError):
        return False
