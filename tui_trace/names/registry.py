"""The whole record of an address from its registry: RDAP (RFC 9083), else whois (RFC 3912)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from http.client import HTTPResponse
from types import SimpleNamespace
from typing import Any
from urllib.request import (
    BaseHandler,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
)

from ipwhois.exceptions import BaseIpwhoisException, IPDefinedError
from ipwhois.net import Net
from ipwhois.rdap import RDAP
from ipwhois.whois import RIR_WHOIS, Whois

from tui_trace.events import Registered
from tui_trace.names.addresses import Address
from tui_trace.names.threads import in_thread
from tui_trace.names.whois import WHOIS_PORT, WhoisError, query

RDAP_DEADLINE = 6.0
"""Seconds for the answer by RDAP; whois gets what is left of the caller's patience."""
LONGEST = 1024 * 1024
"""Bytes of an answer; more is no answer."""
_DEEPEST = 4
"""Entities within entities."""

Locate = Callable[[str], Awaitable[tuple[str, ...]]]


async def registered(
    address: Address,
    registry: str,
    locate: Locate,
    handlers: Iterable[BaseHandler] = (),
    whois_port: int = WHOIS_PORT,
) -> Registered:
    """The record; its `error` says why there is none. May raise `OSError` and `TimeoutError`.

    `registry` as in `Origin`; `handlers` take the place of the opener's own for their protocols.
    """
    try:
        net = Net(str(address), timeout=RDAP_DEADLINE, proxy_opener=_Opener(handlers))
    except IPDefinedError:
        return Registered(0, str(address), error="a reserved address: no registry has a record")
    try:
        async with asyncio.timeout(RDAP_DEADLINE):
            record = await in_thread(lambda: _by_rdap(net, registry))
    except (BaseIpwhoisException, OSError, ValueError, LookupError, TypeError, AttributeError):
        return await registered_by_whois(address, registry, locate, whois_port)
    return Registered(0, str(address), registry=registry, **record)


async def registered_by_whois(
    address: Address, registry: str, locate: Locate, port: int = WHOIS_PORT
) -> Registered:
    """The same by whois alone: all that the lab's registry speaks."""
    try:
        record = await _by_whois(address, registry, locate, port)
    except (BaseIpwhoisException, OSError, WhoisError) as error:
        reason = str(error) or type(error).__name__
        line = f"{registry or 'the registry'} gave no record: {reason}"
        return Registered(0, str(address), registry=registry, error=line)
    return Registered(0, str(address), registry=registry, **record)


def _by_rdap(net: Net, registry: str) -> dict[str, str]:
    found = RDAP(net).lookup(
        inc_raw=True,
        retry_count=0,
        rate_limit_timeout=0,
        asn_data={"asn_registry": registry},
        root_ent_check=False,
    )
    network = found["network"]
    people = list(_people(found["raw"].get("entities")))
    handle, name = _text(network.get("handle")), _text(network.get("name"))
    return {
        "network": name if handle in {"", name} else f"{name} ({handle})" if name else handle,
        "range": _text(network.get("cidr")),
        "organisation": _first(people, "registrant", "fn") or _first(people, "", "org"),
        "country": _text(network.get("country")),
        "abuse": _first(people, "abuse", "email"),
    }


def _people(entities: Any, depth: int = 0) -> Iterable[tuple[set[str], dict[str, str]]]:
    """Roles and vCard (RFC 7095) of all entities, outer ones first."""
    if not isinstance(entities, list) or depth > _DEEPEST:
        return
    for entity in entities:
        if not isinstance(entity, dict):
            continue
        roles = entity.get("roles")
        card = entity.get("vcardArray")
        lines = card[1] if isinstance(card, list) and len(card) > 1 else []
        values: dict[str, str] = {}
        for line in lines if isinstance(lines, list) else []:
            if isinstance(line, list) and len(line) > 3 and isinstance(line[0], str):
                values.setdefault(line[0], _text(line[3]))
        yield {_text(role) for role in roles} if isinstance(roles, list) else set(), values
    for entity in entities:
        if isinstance(entity, dict):
            yield from _people(entity.get("entities"), depth + 1)


def _first(people: list[tuple[set[str], dict[str, str]]], role: str, field: str) -> str:
    for roles, values in people:
        if (not role or role in roles) and values.get(field):
            return values[field]
    return ""


class _Reader(Whois):  # type: ignore[misc]
    """The reader of answers alone: `Net` refuses documentation addresses."""

    def __init__(self, address: Address) -> None:
        self._net = SimpleNamespace(address_str=str(address))


async def _by_whois(address: Address, registry: str, locate: Locate, port: int) -> dict[str, str]:
    if registry not in RIR_WHOIS:
        raise WhoisError("the registry is not known")
    question = f"n + {address}" if registry == "arin" else str(address)
    failure: OSError | WhoisError = WhoisError("its whois server has no address")
    for server in await locate(RIR_WHOIS[registry]["server"]):
        try:
            answer = await query(server, port, question)
        except OSError as refusal:
            failure = refusal
            continue
        # otherwise it would fetch an answer of its own, without bound and from anywhere
        found = _Reader(address).lookup(
            response=answer, asn_data={"asn_registry": registry}, is_offline=True
        )
        return _narrowest(found["nets"])
    raise failure


def _narrowest(nets: list[dict[str, Any]]) -> dict[str, str]:
    if not nets:
        raise WhoisError("its answer names no network")
    # what is announced of it comes last, and has no name
    net = next((each for each in reversed(nets) if each.get("name")), nets[-1])
    emails = [email for each in reversed(nets) for email in each.get("emails") or []]
    abuse = next((email for email in emails if "abuse" in email.lower()), "")
    return {
        "network": _text(net.get("name")),
        "range": _text(net.get("cidr")),
        "organisation": _text(net.get("description")),
        "country": _text(net.get("country")),
        "abuse": abuse or (emails[0] if emails else ""),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


class _Opener(OpenerDirector):
    """An HTTP client that reads neither without end nor for ever; no file, no ftp."""

    def __init__(self, handlers: Iterable[BaseHandler]) -> None:
        super().__init__()
        usual: tuple[BaseHandler, ...] = (
            ProxyHandler(),
            HTTPHandler(),
            HTTPSHandler(),
            HTTPDefaultErrorHandler(),
            HTTPRedirectHandler(),
            HTTPErrorProcessor(),
        )
        instead = tuple(handlers)
        for handler in usual:
            if not any(isinstance(other, type(handler)) for other in instead):
                self.add_handler(handler)
        for handler in instead:
            self.add_handler(handler)

    def open(self, *arguments: Any, **named: Any) -> Any:
        return _Bounded(super().open(*arguments, **named))


class _Bounded:
    """A response of which so many bytes are read, for so long."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self._until = time.monotonic() + RDAP_DEADLINE

    def read(self) -> bytes:
        content = bytearray()
        with self._response as response:
            while block := response.read1(65_536):
                content += block
                if len(content) > LONGEST or time.monotonic() > self._until:
                    raise OSError("the answer is too long")
        return bytes(content)
