"""Who is asked for what: one look-up for each thing that is wanted to be known of an address."""

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
from tui_trace.names.cache import Known
from tui_trace.names.etc_hosts import EtcHosts
from tui_trace.names.name_options import AsnSource, DnsServer, NameOptions
from tui_trace.names.resolver import Resolver, UnansweredError
from tui_trace.names.threads import in_thread
from tui_trace.names.whois import WhoisError


class Lookup(NamedTuple):
    """A way to know one thing about an address."""

    kind: type[Known]
    means: str
    """`dns` or `whois`."""
    scope: str
    """Who is asked; another may say something else."""
    ask: Callable[[Address], AsyncIterator[tuple[Known, int]]]


class LookupPlan:
    """Asks one resolver, and whomever it knows. Belongs to one event loop."""

    def __init__(self, server: DnsServer | None) -> None:
        """`server` None: the system's resolver."""
        self._server = server
        self._resolver = Resolver(server)
        self._hosts = EtcHosts() if server is None else None

    def lookups(self, address: Address, options: NameOptions) -> dict[type[Known], Lookup]:
        """What is asked about this address, and how."""
        scope = f"dns {self._resolver.servers}"
        asked: list[Lookup] = []
        private = options.private or not addresses.only_here(address)
        if options.names and private:
            ask_names = partial(dns_lookups.names, self._resolver, self._hosts)
            asked.append(Lookup(HostNamed, "dns", scope, ask_names))
        if options.owner and private:
            asked.append(
                Lookup(OwnerFound, "dns", scope, partial(dns_lookups.owner, self._resolver))
            )
        if addresses.routed(address, options.documentation):
            if options.asn_source is AsnSource.CYMRU:
                asked.append(
                    Lookup(AsnFound, "dns", scope, partial(dns_lookups.origin, self._resolver))
                )
            elif options.asn_source is AsnSource.RADB:
                ask = partial(whois.origin, options.radb, self._locate)
                asked.append(Lookup(AsnFound, "whois", f"radb {options.radb}", ask))
        return {lookup.kind: lookup for lookup in asked}

    async def record(
        self,
        address: Address,
        handlers: Iterable[BaseHandler] = (),
        *,
        documentation: bool = False,
    ) -> RegistryRecord:
        """The registry's record, or why there is none. `UnansweredError`, `OSError`.

        `documentation` as in `NameOptions`.
        """
        nothing = RegistryRecord(
            0, str(address), error="a reserved address: no registry has a record"
        )
        if not addresses.routed(address, documentation):
            return nothing
        async with aclosing(dns_lookups.origin(self._resolver, address)) as found:
            origin, _ = await anext(found)
        if addresses.set_aside(address):
            return await rdap.registered_by_whois(address, origin.registry, self._locate)
        return await rdap.registered(address, origin.registry, self._locate, handlers)

    def trouble(self, lookup: Lookup, error: Exception) -> str | None:
        """What to tell the user of a failure in one line; None if others were answered."""
        match error:
            case UnansweredError() | TimeoutError() if lookup.means == "dns":
                silent = f"no answer from DNS server {self._resolver.servers}"
                lost = f"no host names: {str(error) or silent}"
                return None if self._resolver.answered else lost
            case WhoisError() | OSError() | UnansweredError():
                return f"no AS numbers from whois: {str(error) or 'no answer in time'}"
            case _:
                return f"a look-up failed: {type(error).__name__}: {error}"

    async def _locate(self, host: str) -> tuple[str, ...]:
        """The addresses of a server: by the resolver that was asked for, or as the system does."""
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
