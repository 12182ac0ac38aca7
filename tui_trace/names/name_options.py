"""Options of the lookups: what is looked up about an address, and with which server."""

import enum
import ipaddress
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui_trace.core.bounded_files import user_folder
from tui_trace.core.ip_literals import unmapped
from tui_trace.core.settings import SettingError

DNS_PORT = 53
VARIABLE_LIMIT = 100
"""Characters of an environment variable that are used (traceroute-nanog(8), ENVIRONMENT)."""


class AsnSource(enum.StrEnum):
    """The source of AS numbers (`--asn-source`)."""

    CYMRU = "cymru"
    """DNS: origin.asn.cymru.com and origin6.asn.cymru.com."""
    RADB = "radb"
    """Whois, as traceroute-nanog(8) describes it."""


class DnsServer(msgspec.Struct, frozen=True):
    """The address and the port of a DNS server."""

    address: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        """Return the form that `--dns-server` takes."""
        if self.port == DNS_PORT:
            return self.address
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


class Radb(msgspec.Struct, frozen=True):
    """Server and format of a Routing Assets Database (traceroute-nanog(8), ENVIRONMENT)."""

    server: str = "whois.ra.net"
    """`RA_SERVER`: name or address."""
    service: str = "whois"
    """`RA_SERVICE`: TCP port by name or number."""
    data: str = "origin:"
    """`DATA_DELIMITER`: what a line with an AS number starts with."""
    route: str | None = None
    """`ROUTE_DELIMITER`: what a line with a subnet starts with; None: `route:` or, for IPv6,
    `route6:` (RFC 4012 §3)."""
    prefix: str = "/"
    """`PREFIX_DELIMITER`: separator of network and prefix length."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Radb":
        """Read the five variables; each is cut at 100 characters, and an empty one is unset."""
        variables = {
            "server": "RA_SERVER",
            "service": "RA_SERVICE",
            "data": "DATA_DELIMITER",
            "route": "ROUTE_DELIMITER",
            "prefix": "PREFIX_DELIMITER",
        }
        given = {
            field: environment[variable][:VARIABLE_LIMIT]
            for field, variable in variables.items()
            if environment.get(variable)
        }
        return msgspec.structs.replace(cls(), **given)


class NameOptions(msgspec.Struct, frozen=True):
    """What is looked up about every address."""

    names: bool = True
    """Look up reverse names; False: `-n`."""
    private: bool = True
    """Also resolve private addresses (RFC 1918, ULA, link-local); False: `--no-private-names`."""
    asn_source: AsnSource | None = None
    """None: do not look up AS numbers."""
    owner: bool = False
    server: DnsServer | None = None
    """None: the system's resolver."""
    radb: Radb = Radb()
    documentation: bool = False
    """Addresses for documentation and benchmarks have AS numbers, as in the lab."""
    cache: Path | None = None
    """File of the cache; None: nothing is kept between sessions."""

    @property
    def asks(self) -> bool:
        """Whether anything is looked up."""
        return self.names or self.owner or self.asn_source is not None


def parse_asn_source(text: str, option: str = "--asn-source") -> AsnSource:
    """Return the source `cymru` or `radb`; raise `SettingError` for another word."""
    try:
        return AsnSource(text.strip().lower())
    except ValueError:
        raise SettingError(option, text, " or ".join(AsnSource)) from None


def parse_dns_server(text: str, option: str = "--dns-server") -> DnsServer:
    """Return the server of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raise `SettingError` for anything else.
    """
    host, port = _split(text.strip())
    try:
        address = str(unmapped(ipaddress.ip_address(host)))
        number = int(port) if port.isascii() and port.isdecimal() else 0
    except ValueError:
        number = 0
    if not 1 <= number <= 65_535:
        takes = "an address, or address:port with an IPv6 address in brackets"
        raise SettingError(option, text, takes)
    return DnsServer(address, number)


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or ":" not in host or colon not in {"", ":"}:
            return "", ""
        return host, port if colon else str(DNS_PORT)
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, str(DNS_PORT)


def default_cache() -> Path | None:
    """Return the usual path of the cache; None for a user without a home."""
    folder = user_folder("cache")
    return None if folder is None else folder / "names.json"
