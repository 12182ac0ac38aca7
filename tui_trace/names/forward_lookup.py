"""Lookup of the addresses of a host name with a resolver that the user chose; it blocks."""

import asyncio
from collections.abc import Iterable

import dns.exception
import dns.name

from tui_trace.names.name_options import DnsServer
from tui_trace.names.resolver import Resolver, UnansweredError

_KINDS = {4: "A", 6: "AAAA"}


class ForwardLookupError(Exception):
    """The host name is invalid, or no server answers; `str()` says which."""


class NoAnswerError(ForwardLookupError):
    """No server answers: it may be asked again."""


def look_up_addresses(
    host: str, families: Iterable[int], server: DnsServer
) -> dict[int, list[str]]:
    """Return the addresses by IP version (4 or 6); a version without addresses is left out.

    Raise `ForwardLookupError`: `NoAnswerError` if the server does not answer.
    """
    try:
        name = dns.name.from_text(host)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        raise ForwardLookupError(str(error) or "not a host name") from None
    return asyncio.run(_ask(name, list(families), server))


async def _ask(name: dns.name.Name, families: list[int], server: DnsServer) -> dict[int, list[str]]:
    resolver = Resolver(server)
    asked = (resolver.ask(name, _KINDS[family]) for family in families)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    found: dict[int, list[str]] = {}
    for family, answer in zip(families, answers, strict=True):
        if isinstance(answer, UnansweredError):
            # one silent query is no failure if the other query got an answer
            if all(isinstance(other, UnansweredError) for other in answers):
                raise NoAnswerError(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        elif answer.records:
            found[family] = [record.to_text() for record in answer.records]
    return found
