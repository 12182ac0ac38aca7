"""DNS queries: retried within a deadline, shared between callers, with bounded answers."""

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
from tui_trace.names.dns_backend import BoundedBackend
from tui_trace.names.name_options import DnsServer

DEADLINE = 3.0
"""Seconds for an answer, retries included."""
RETRY_AFTER = 1.0
"""Seconds of silence before a query is sent again; the earlier query still waits."""
CACHE_SIZE = 2048
"""Answers that each resolver keeps in memory for their TTL."""
RESOLV_CONF = "/etc/resolv.conf"
MAX_BYTES = 64 * 1024
"""Largest size of resolv.conf that is read, in bytes."""


class UnansweredError(Exception):
    """No server gave a usable answer; `str()` names the servers and the reason."""


class DnsAnswer(NamedTuple):
    """An answer that is valid for `ttl` seconds; without records it is a negative answer."""

    records: tuple[dns.rdata.Rdata, ...]
    ttl: int
    response: dns.message.QueryMessage


class Resolver:
    """Sends queries to one server or to the system's servers; belongs to one event loop."""

    def __init__(self, server: DnsServer | None, system: str = RESOLV_CONF, port: int = 53) -> None:
        """Use `server`; None: the current servers of `system`, a file as resolv.conf(5).

        `port` is that of the servers in the file.
        """
        self.answered = False
        """Whether any query was answered."""
        self._server = server
        self._system = system
        self._port = port
        self._read: tuple[int, int] | None = None
        self._resolvers: list[dns.asyncresolver.Resolver] = []
        self._under_way: dict[tuple[dns.name.Name, str], asyncio.Task[DnsAnswer]] = {}

    @property
    def servers(self) -> str:
        """The servers as the user writes them; empty if there is none."""
        if self._server is not None:
            return str(self._server)
        resolvers = self._current()
        return ", ".join(str(server) for server in resolvers[0].nameservers) if resolvers else ""

    async def ask(self, name: dns.name.Name, kind: str) -> DnsAnswer:
        """Return the records of this type (`PTR`); raise `UnansweredError`.

        Callers that ask the same at the same time share one query.
        """
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
        resolvers = self._current()
        if not resolvers:
            raise UnansweredError("no DNS server is configured")
        attempts: set[asyncio.Task[DnsAnswer]] = set()
        try:
            async with asyncio.timeout(DEADLINE):
                for turn in range(int(DEADLINE / RETRY_AFTER)):
                    resolver = resolvers[turn % len(resolvers)]
                    attempts.add(asyncio.ensure_future(_attempt(resolver, name, kind)))
                    done, _ = await asyncio.wait(
                        attempts, timeout=RETRY_AFTER, return_when=asyncio.FIRST_COMPLETED
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
        """Return a resolver for each server, which it tries first: a retry uses another server."""
        if self._server is not None:
            if not self._resolvers:
                self._resolvers = [_resolver([self._server.address], self._server.port)]
            return self._resolvers
        try:
            state = os.stat(self._system)
            read = (state.st_mtime_ns, state.st_ino)
            if read != self._read:
                content = read_file(self._system, MAX_BYTES).decode("utf-8", "replace")
                found = dns.resolver.Resolver(io.StringIO(content)).nameservers
                addresses = [server for server in found if isinstance(server, str)]
                self._resolvers = [
                    _resolver(addresses[turn:] + addresses[:turn], self._port)
                    for turn in range(len(addresses))
                ]
                self._read = read
        except (OSError, ValueError, dns.exception.DNSException):
            self._resolvers, self._read = [], None
        return self._resolvers


def _resolver(addresses: list[str], port: int) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = addresses
    resolver.port = port
    resolver.timeout = resolver.lifetime = DEADLINE
    resolver.cache = dns.resolver.LRUCache(CACHE_SIZE)
    return resolver


async def _attempt(
    resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: str
) -> DnsAnswer:
    try:
        found = await resolver.resolve(
            name, kind, raise_on_no_answer=False, search=False, backend=cast(Any, BoundedBackend())
        )
    except dns.resolver.NXDOMAIN as nothing:
        response: dns.message.QueryMessage = nothing.kwargs["responses"][name]
        return DnsAnswer((), response.resolve_chaining().minimum_ttl, response)
    except dns.exception.Timeout:
        raise TimeoutError from None
    except dns.exception.DNSException as error:
        raise UnansweredError(why_unanswered(error)) from None
    records = tuple(found.rrset) if found.rrset is not None else ()
    return DnsAnswer(records, found.chaining_result.minimum_ttl, found.response)


def why_unanswered(error: dns.exception.DNSException) -> str:
    """Return what the last server did that was asked, in words."""
    last = (error.kwargs.get("errors") or [None])[-1]
    if last is None:
        return f"no DNS server could be asked ({type(error).__name__})"
    server, _tcp, _port, answered, _response = last
    # dnspython names a server `Do53:192.0.2.1@53`
    address, _, port = str(server).removeprefix("Do53:").rpartition("@")
    named = address if port == "53" else f"{address} port {port}"
    match answered:
        case OSError(strerror=str(words)):
            return f"DNS server {named} cannot be reached: {words[:1].lower()}{words[1:]}"
        case Exception():
            words = str(answered) or type(answered).__name__
            return f"DNS server {named} sent an answer that cannot be read: {words}"
        case _:
            return f"DNS server {named} answered {answered}"
