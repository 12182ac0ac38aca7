"""Lookup of an address in its registry: RDAP (RFC 9083), or else whois (RFC 3912)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any
from urllib.request import BaseHandler

from ipwhois.exceptions import BaseIpwhoisException, IPDefinedError
from ipwhois.net import Net
from ipwhois.rdap import RDAP, RIR_RDAP
from ipwhois.whois import RIR_WHOIS

from tui_trace.core.events import RegistryRecord
from tui_trace.core.sanitize import LIMIT
from tui_trace.names.addresses import Address
from tui_trace.names.bounded_http import DEADLINE, Opener
from tui_trace.names.threads import in_thread
from tui_trace.names.whois import WHOIS_PORT, WhoisError, query
from tui_trace.names.whois_records import WhoisRecord, abuse_mailbox, narrowest, parse_records

RDAP_DEADLINE = DEADLINE
"""Seconds for the answer by RDAP; whois may use the rest of the caller's timeout."""
_MAX_DEPTH = 4
"""Levels of nested entities."""
_MAX_ENTITIES = 64
"""Largest number of entities, and of vCard lines of an entity, that are read."""
_NETWORK = ("handle", "name", "country", "ipVersion", "startAddress", "endAddress")

Locate = Callable[[str], Awaitable[tuple[str, ...]]]


async def look_up_record(
    address: Address,
    registry: str,
    locate: Locate,
    handlers: Iterable[BaseHandler] = (),
    whois_port: int = WHOIS_PORT,
) -> RegistryRecord:
    """Return the record; its `error` says why there is none. Raise `OSError` or `TimeoutError`.

    `registry` is as in `AsnFound`; `handlers` replace the opener's own for their protocols.
    """
    try:
        net = Net(str(address), timeout=RDAP_DEADLINE, proxy_opener=Opener(handlers))
    except IPDefinedError:
        return RegistryRecord(0, str(address), error="a reserved address: no registry has a record")
    try:
        async with asyncio.timeout(RDAP_DEADLINE):
            record = await in_thread(lambda: _by_rdap(net, registry))
    except (BaseIpwhoisException, OSError, ValueError, LookupError, TypeError, AttributeError):
        return await look_up_record_by_whois(address, registry, locate, whois_port)
    return RegistryRecord(0, str(address), registry=registry, **record)


async def look_up_record_by_whois(
    address: Address, registry: str, locate: Locate, port: int = WHOIS_PORT
) -> RegistryRecord:
    """Return the record by whois only, which is all that the lab's registry has."""
    try:
        record = await _by_whois(address, registry, locate, port)
    except (BaseIpwhoisException, OSError, WhoisError) as error:
        reason = str(error) or type(error).__name__
        line = f"{registry or 'the registry'} gave no record: {reason}"
        return RegistryRecord(0, str(address), registry=registry, error=line)
    return RegistryRecord(0, str(address), registry=registry, **record)


def _by_rdap(net: Net, registry: str) -> dict[str, str]:
    url = RIR_RDAP[registry]["ip_url"].format(net.address_str)
    document = net.get_http_json(url, retry_count=0, rate_limit_timeout=0)
    # ipwhois would parse all other fields, too, some in quadratic time
    network = {key: document[key][:LIMIT] for key in _NETWORK if _text(document.get(key))}
    found = RDAP(net).lookup(
        response=network, asn_data={"asn_registry": registry}, root_ent_check=False
    )["network"]
    people = list(islice(_entities(document.get("entities")), _MAX_ENTITIES))
    handle, name = _text(found.get("handle")), _text(found.get("name"))
    return {
        "network": name if handle in {"", name} else f"{name} ({handle})" if name else handle,
        "range": _text(found.get("cidr")),
        "organisation": _first(people, "registrant", "fn") or _first(people, "", "org"),
        "country": _text(found.get("country")),
        "abuse": _first(people, "abuse", "email"),
    }


def _entities(entities: Any, depth: int = 0) -> Iterable[tuple[set[str], dict[str, str]]]:
    """Yield roles and vCard (RFC 7095) of all entities, outer entities first."""
    if not isinstance(entities, list) or depth > _MAX_DEPTH:
        return
    within = [entity for entity in entities[:_MAX_ENTITIES] if isinstance(entity, dict)]
    for entity in within:
        card = _list(entity.get("vcardArray"))
        values: dict[str, str] = {}
        for line in _list(card[1] if len(card) > 1 else None):
            if isinstance(line, list) and len(line) > 3 and isinstance(line[0], str):
                values.setdefault(line[0], _text(line[3]))
        yield {_text(role) for role in _list(entity.get("roles"))}, values
    for entity in within:
        yield from _entities(entity.get("entities"), depth + 1)


def _list(value: Any) -> list[Any]:
    """Return the first `_MAX_ENTITIES` elements; empty if `value` is not a list."""
    return value[:_MAX_ENTITIES] if isinstance(value, list) else []


def _first(people: list[tuple[set[str], dict[str, str]]], role: str, field: str) -> str:
    for roles, values in people:
        if (not role or role in roles) and values.get(field):
            return values[field]
    return ""


async def _by_whois(address: Address, registry: str, locate: Locate, port: int) -> dict[str, str]:
    if registry not in RIR_WHOIS:
        raise WhoisError("unknown registry")
    question = f"n + {address}" if registry == "arin" else str(address)
    failure: OSError | WhoisError = WhoisError("its whois server has no address")
    for server in await locate(RIR_WHOIS[registry]["server"]):
        try:
            answer = await query(server, port, question)
        except OSError as refusal:
            failure = refusal
            continue
        return _narrowest(parse_records(answer, registry))
    raise failure


def _narrowest(records: list[WhoisRecord]) -> dict[str, str]:
    if not records:
        raise WhoisError("its answer contains no network")
    record = narrowest(records)
    return {
        "network": record.name,
        "range": record.range,
        "organisation": record.organisation,
        "country": record.country,
        "abuse": abuse_mailbox(records),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
