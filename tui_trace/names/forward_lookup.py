"""The addresses of a name, asked of a resolver of the user's own; the caller waits for them."""

import asyncio
from collections.abc import Iterable

import dns.exception
import dns.name

from tui_trace.names.name_options import DnsServer
from tui_trace.names.resolver import Resolver, UnansweredError

_KINDS = {4: "A", 6: "AAAA"}


class AskingError(Exception):
    """It is no name, or nobody answers; `str()` says which."""


def addresses_of(host: str, families: Iterable[int], server: DnsServer) -> dict[int, list[str]]:
    """What the server knows, by family (4 or 6); a family without addresses is left out.

    `AskingError` if it does not answer.
    """
    try:
        name = dns.name.from_text(host)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        raise AskingError(str(error) or "not a host name") from None
    return asyncio.run(_ask(name, list(families), server))


async def _ask(name: dns.name.Name, families: list[int], server: DnsServer) -> dict[int, list[str]]:
    resolver = Resolver(server)
    asked = (resolver.ask(name, _KINDS[family]) for family in families)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    found: dict[int, list[str]] = {}
    for family, answer in zip(families, answers, strict=True):
        if isinstance(answer, UnansweredError):
            # what one question had no answer to may be silence, the other's answer is one
            if all(isinstance(other, UnansweredError) for other in answers):
                raise AskingError(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        elif answer.records:
            found[family] = [record.to_text() for record in answer.records]
    return found
