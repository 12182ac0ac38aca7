"""What is asked about an address, and whom: the settings of this room."""

import enum
import ipaddress
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui_trace.core.bounded_files import user_folder
from tui_trace.core.settings import SettingError

DNS_PORT = 53
VARIABLE_LIMIT = 100
"""Characters of an environment variable that count (traceroute-nanog(8), ENVIRONMENT)."""


class AsnSource(enum.StrEnum):
    """Who is asked for AS numbers (`--asn-source`)."""

    CYMRU = "cymru"
    """DNS: origin.asn.cymru.com and origin6.asn.cymru.com."""
    RADB = "radb"
    """Whois, as traceroute-nanog(8) describes it."""


class DnsServer(msgspec.Struct, frozen=True):
    """A resolver by address."""

    address: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        """As the user writes it."""
        if self.port == DNS_PORT:
            return self.address
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


class Radb(msgspec.Struct, frozen=True):
    """How a Routing Assets Database is asked and read (traceroute-nanog(8), ENVIRONMENT)."""

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
    """`PREFIX_DELIMITER`: what stands between network and prefix length."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Radb":
        """The five variables, each cut at 100 characters; one that is empty counts as unset."""
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
    """What is asked about every address that appears."""

    names: bool = True
    """Reverse names; False is `-n`."""
    private: bool = True
    """Names of addresses that mean something only here are asked too; else `--no-private-names`."""
    asn_source: AsnSource | None = None
    """None: AS numbers are not asked for."""
    owner: bool = False
    server: DnsServer | None = None
    """None: the system's resolver."""
    radb: Radb = Radb()
    documentation: bool = False
    """Addresses meant for documents and benchmarks (RFC 5737, 3849, 9637, 2544, 5180) have AS
    numbers here."""
    cache: Path | None = None
    """File that answers live in between sessions; None: nowhere."""

    @property
    def asks(self) -> bool:
        """Anything is asked of anybody."""
        return self.names or self.owner or self.asn_source is not None


def parse_asn_source(text: str, option: str = "--asn-source") -> AsnSource:
    """`cymru` or `radb`."""
    try:
        return AsnSource(text.strip().lower())
    except ValueError:
        raise SettingError(option, text, " or ".join(AsnSource)) from None


def parse_dns_server(text: str, option: str = "--dns-server") -> DnsServer:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5353`."""
    host, port = _split(text.strip())
    try:
        address = str(ipaddress.ip_address(host))
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
    """Where answers live between sessions if nobody says otherwise; made when first written.

    None for a user who has no home.
    """
    folder = user_folder("cache")
    return None if folder is None else folder / "names.json"
