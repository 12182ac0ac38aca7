"""Which lookups an address needs, and which server answers each of them."""

import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple
from urllib.request import BaseHandler

import dns.exception
import dns.name

from tui_trace.core.events import AsnFound, HostNamed, OwnerFound, RegistryRecord
from tui_trace.names import addresses, dns_lookups, rdap, whois
from tui_trace.names.addresses import Address
from tui_trace.names.cache import NameEvent
from tui_trace.names.etc_hosts import EtcHosts
from tui_trace.names.name_options import AsnSource, DnsServer, NameOptions
from tui_trace.names.resolver import Resolver, UnansweredError
from tui_trace.names.threads import in_thread
from tui_trace.names.whois import WhoisError


class Lookup(NamedTuple):
    """A lookup of one kind of information about an address."""

    kind: type[NameEvent]
    means: str
    """The protocol: `dns` or `whois`."""
    scope: str
    """The server and its settings, as key of the cache."""
    ask: Callable[[Address], AsyncIterator[tuple[NameEvent, int]]]


class LookupPlan:
    """The lookups with one resolver; belongs to one event loop."""

    def __init__(self, server: DnsServer | None) -> None:
        """Use the resolver `server`; None: the system's resolver and hosts file."""
        self._server = server
        self._resolver = Resolver(server)
        self._hosts = EtcHosts() if server is None else None

    def lookups(self, address: Address, options: NameOptions) -> dict[type[NameEvent], Lookup]:
        """Return the lookups that this address needs, by kind of event."""
        scope = f"dns {self._resolver.servers}"
        asked: list[Lookup] = []
        private = options.private or not addresses.is_private(address)
        if options.names and private:
            ask_names = partial(dns_lookups.look_up_names, self._resolver, self._hosts)
            asked.append(Lookup(HostNamed, "dns", scope, ask_names))
        if options.owner and private:
            asked.append(
                Lookup(OwnerFound, "dns", scope, partial(dns_lookups.look_up_owner, self._resolver))
            )
        if addresses.is_routable(address, options.documentation):
            if options.asn_source is AsnSource.CYMRU:
                asked.append(
                    Lookup(
                        AsnFound, "dns", scope, partial(dns_lookups.look_up_origin, self._resolver)
                    )
                )
            elif options.asn_source is AsnSource.RADB:
                ask = partial(whois.look_up_radb_origin, options.radb, self._locate)
                asked.append(Lookup(AsnFound, "whois", f"radb {options.radb}", ask))
        return {lookup.kind: lookup for lookup in asked}

    async def record(
        self,
        address: Address,
        handlers: Iterable[BaseHandler] = (),
        *,
        documentation: bool = False,
    ) -> RegistryRecord:
        """Return the record of the registry; its `error` says why there is none.

        `documentation` is as in `NameOptions`. Raise `UnansweredError` or `OSError`.
        """
        nothing = RegistryRecord(
            0, str(address), error="a reserved address: no registry has a record"
        )
        if not addresses.is_routable(address, documentation):
            return nothing
        async with aclosing(dns_lookups.look_up_origin(self._resolver, address)) as found:
            origin, _ = await anext(found)
        if addresses.is_documentation(address):
            return await rdap.look_up_record_by_whois(address, origin.registry, self._locate)
        return await rdap.look_up_record(address, origin.registry, self._locate, handlers)

    def trouble(self, lookup: Lookup, error: Exception) -> str | None:
        """Return a line about a failed lookup; None if the server answered other lookups."""
        match error:
            case UnansweredError() | TimeoutError() if lookup.means == "dns":
                silent = f"no answer from DNS server {self._resolver.servers}"
                lost = f"no host names: {str(error) or silent}"
                return None if self._resolver.answered else lost
            case WhoisError() | OSError() | UnansweredError():
                return f"no AS numbers from whois: {str(error) or 'no answer in time'}"
            case _:
                return f"a lookup failed: {type(error).__name__}: {error}"

    async def _locate(self, host: str) -> tuple[str, ...]:
        """Return the addresses of a server, from the chosen resolver or from the system."""
        if addresses.parse_address(host) is not None:
            return (host,)
        try:
            if self._server is None:
                found = await in_thread(partial(_system_addresses, host))
            else:
                name = dns.name.from_text(host)
                records: list[Any] = []
                for kind in ("A", "AAAA"):
                    records.extend((await self._resolver.ask(name, kind)).records)
                found = tuple(record.to_text() for record in records)
        except (OSError, UnicodeError, dns.exception.DNSException) as error:
            raise WhoisError(f"{host}: {error}") from None
        return found


def _system_addresses(host: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(str(address[0]) for *_, address in found)
