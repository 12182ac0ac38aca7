"""Who is there: reverse names, AS numbers, owners. Asynchronous, cached, never waited for."""

from importlib import import_module

from tui_trace.names.name_options import (
    AsnSource,
    DnsServer,
    NameOptions,
    Radb,
    default_cache,
    parse_asn_source,
    parse_dns_server,
)
from tui_trace.names.service import Names

__all__ = [
    "AsnSource",
    "DnsServer",
    "NameOptions",
    "Names",
    "Radb",
    "default_cache",
    "parse_asn_source",
    "parse_dns_server",
    "preload",
]


def preload() -> None:
    """Import now what `Names` would import in its thread.

    Its thread would otherwise import while the first probes are under way.
    """
    for module in (
        "tui_trace.names.lookup_plan",
        "tui_trace.names.forward_lookup",
        "dns._asyncio_backend",
        "idna",
    ):
        import_module(module)
    for record in ("ANY.CNAME", "ANY.PTR", "ANY.SOA", "ANY.TXT", "IN.A", "IN.AAAA"):
        import_module(f"dns.rdtypes.{record}")
