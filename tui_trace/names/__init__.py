"""Lookups of host names, AS numbers and owners; asynchronous and cached, tracing never waits."""

from tui_trace.names.name_options import (
    AsnSource,
    DnsServer,
    NameOptions,
    Radb,
    default_cache,
    parse_asn_source,
    parse_dns_server,
)

__all__ = [
    "AsnSource",
    "DnsServer",
    "NameOptions",
    "Radb",
    "default_cache",
    "parse_asn_source",
    "parse_dns_server",
]
