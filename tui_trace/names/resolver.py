"""Questions to DNS: asked again while time is left, shared, and never believed beyond reason."""

import asyncio
import io
import os
from typing import Any, NamedTuple, cast

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.resolver

from tui_trace.core.bounded_files import read_file
from tui_trace.names.dns_backend import Bounded
from tui_trace.names.name_options import DnsServer

DEADLINE = 3.0
"""Seconds for an answer, in all."""
AGAIN = 1.0
"""Seconds of silence after which a question is asked once more, while the first still waits."""
REMEMBERED = 2048
"""Answers kept in memory for as long as their TTL says."""
SYSTEM = "/etc/resolv.conf"
LONGEST = 64 * 1024
"""Bytes of that file."""


class UnansweredError(Exception):
    """No server gave a usable answer; `str()` says who was asked and what came instead."""


class DnsAnswer(NamedTuple):
    """What DNS says, for `ttl` seconds; no records is an answer too."""

    records: tuple[dns.rdata.Rdata, ...]
    ttl: int
    response: dns.message.QueryMessage


class Resolver:
    """Asks one server, or the system's. Belongs to one event loop."""

    def __init__(self, server: DnsServer | None, system: str = SYSTEM) -> None:
        """`server` None: whoever `system`, a file as resolv.conf(5), names at the time."""
        self.answered = False
        """Some server gave some answer."""
        self._server = server
        self._system = system
        self._read: tuple[int, int] | None = None
        self._orders: list[dns.asyncresolver.Resolver] = []
        self._under_way: dict[tuple[dns.name.Name, str], asyncio.Task[DnsAnswer]] = {}

    @property
    def servers(self) -> str:
        """Who is asked, as the user knows them; empty if nobody is there to ask."""
        if self._server is not None:
            return str(self._server)
        orders = self._current()
        return ", ".join(str(server) for server in orders[0].nameservers) if orders else ""

    async def ask(self, name: dns.name.Name, kind: str) -> DnsAnswer:
        """The records of this type (`PTR`), or `UnansweredError`; asked once if several ask."""
        key = (name, kind)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(name, kind))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def _done(self, key: tuple[dns.name.Name, str], task: asyncio.Task[DnsAnswer]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()

    async def _ask(self, name: dns.name.Name, kind: str) -> DnsAnswer:
        orders = self._current()
        if not orders:
            raise UnansweredError("no DNS server is configured")
        attempts: set[asyncio.Task[DnsAnswer]] = set()
        try:
            async with asyncio.timeout(DEADLINE):
                for turn in range(int(DEADLINE / AGAIN)):
                    order = orders[turn % len(orders)]
                    attempts.add(asyncio.ensure_future(_attempt(order, name, kind)))
                    done, _ = await asyncio.wait(
                        attempts, timeout=AGAIN, return_when=asyncio.FIRST_COMPLETED
                    )
                    if done:
                        answer = done.pop().result()
                        self.answered = True
                        return answer
        except TimeoutError:
            pass
        finally:
            for attempt in attempts:
                attempt.cancel()
            await asyncio.gather(*attempts, return_exceptions=True)
        raise UnansweredError(f"no answer from {self.servers} within {DEADLINE:g} s")

    def _current(self) -> list[dns.asyncresolver.Resolver]:
        """One resolver for each server to begin with, so that a second try goes elsewhere."""
        if self._server is not None:
            if not self._orders:
                self._orders = [_resolver([self._server.address], self._server.port)]
            return self._orders
        try:
            state = os.stat(self._system)
            read = (state.st_mtime_ns, state.st_ino)
            if read != self._read:
                content = read_file(self._system, LONGEST).decode("utf-8", "replace")
                found = dns.resolver.Resolver(io.StringIO(content)).nameservers
                addresses = [server for server in found if isinstance(server, str)]
                self._orders = [
                    _resolver(addresses[turn:] + addresses[:turn]) for turn in range(len(addresses))
                ]
                self._read = read
        except (OSError, ValueError, dns.exception.DNSException):
            self._orders, self._read = [], None
        return self._orders


def _resolver(addresses: list[str], port: int = 53) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = addresses
    resolver.port = port
    resolver.timeout = resolver.lifetime = DEADLINE
    resolver.cache = dns.resolver.LRUCache(REMEMBERED)
    return resolver


async def _attempt(
    resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str
) -> DnsAnswer:
    try:
        found = await resolver.resolve(
            name, kind, raise_on_no_answer=False, search=False, backend=cast(Any, Bounded())
        )
    except dns.resolver.NXDOMAIN as nothing:
        response: dns.message.QueryMessage = nothing.kwargs["responses"][name]
        return DnsAnswer((), response.resolve_chaining().minimum_ttl, response)
    except dns.exception.Timeout:
        raise TimeoutError from None
    except dns.exception.DNSException as error:
        raise UnansweredError(_reason(error)) from None
    records = tuple(found.rrset) if found.rrset is not None else ()
    return DnsAnswer(records, found.chaining_result.minimum_ttl, found.response)


def _reason(error: dns.exception.DNSException) -> str:
    last = (error.kwargs.get("errors") or [None])[-1]
    if last is None:
        return f"no DNS server could be asked ({type(error).__name__})"
    server, _tcp, _port, answered, _response = last
    return f"DNS server {server}: {answered}"
