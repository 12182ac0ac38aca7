"""DNS lookups of an address: host names, origin AS and owner.

Each lookup yields events with their TTL in seconds; a later event replaces the one before.
"""

from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

import dns.name
import dns.reversename
import msgspec
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.ANY.TXT import TXT

from tui_trace.core.events import AsnFound, HostNamed, OwnerFound
from tui_trace.names.addresses import Address
from tui_trace.names.etc_hosts import EtcHosts
from tui_trace.names.idn import with_unicode_form
from tui_trace.names.prefixes import Announced, most_specific, parse_asn, parse_network
from tui_trace.names.resolver import DnsAnswer, Resolver

MAX_NAMES = 8
"""Largest number of names that are shown for an address."""
MAX_ORIGINS = 8

_ORIGIN = dns.name.from_text("origin.asn.cymru.com")
_ORIGIN6 = dns.name.from_text("origin6.asn.cymru.com")
_ASN = dns.name.from_text("asn.cymru.com")
_GROUP = 4
"""Nibbles between two colons of an IPv6 address."""


async def look_up_names(
    resolver: Resolver, hosts: EtcHosts | None, address: Address
) -> AsyncGenerator[tuple[HostNamed, int], None]:
    """Yield the reverse names, then again with forward-confirmed names first (RFC 8499 §2, FCrDNS).

    Names in the hosts file need no query.
    """
    local = hosts.names(address)[:MAX_NAMES] if hosts is not None else ()
    if local:
        yield _named(address, local, True), 0
        return
    answer = await resolver.ask(dns.reversename.from_address(str(address)), "PTR")
    targets = sorted({record.target for record in answer.records if isinstance(record, PTR)})
    targets = targets[:MAX_NAMES]
    yield _named(address, _texts(targets), None), answer.ttl
    if not targets:
        return
    ttl = answer.ttl
    confirmed: list[dns.name.Name] = []
    for target in targets:
        forward = await resolver.ask(target, "A" if address.version == 4 else "AAAA")
        ttl = min(ttl, forward.ttl)
        if str(address) in {record.to_text() for record in forward.records}:
            confirmed.append(target)
    best = confirmed + [target for target in targets if target not in confirmed]
    yield _named(address, _texts(best), bool(confirmed)), ttl


def _texts(targets: list[dns.name.Name]) -> tuple[str, ...]:
    return tuple(target.to_text(omit_final_dot=True) for target in targets)


def _named(address: Address, texts: tuple[str, ...], confirmed: bool | None) -> HostNamed:
    shown = tuple(with_unicode_form(text) for text in texts)
    return HostNamed(0, str(address), texts, confirmed, shown if shown != texts else ())


class _Origin(NamedTuple):
    """One record of origin.asn.cymru.com: `64500 | 192.0.2.0/24 | DE | ripencc | 2001-01-01`."""

    asns: str
    """AS numbers, with spaces between them."""
    prefix: str
    country: str
    registry: str
    """Whoever allocated the prefix: mostly one of the five regional registries."""
    allocated: str


_TITLE_FIELD = 4
"""The place of the AS's name in `64500 | DE | ripencc | 2001-01-01 | ONE - One, DE`."""


async def look_up_origin(
    resolver: Resolver, address: Address
) -> AsyncGenerator[tuple[AsnFound, int], None]:
    """Yield the origin AS from Team Cymru's DNS, then again with the names of the ASes."""
    answer = await resolver.ask(_origin_name(address), "TXT")
    candidates: list[Announced] = []
    about: dict[str, _Origin] = {}
    for fields in _records(answer):
        origin = _Origin(*_padded(fields, len(_Origin._fields)))
        prefix = parse_network(origin.prefix)
        if prefix is not None:
            about.setdefault(str(prefix), origin)
            numbers = (parse_asn(text) for text in origin.asns.split())
            candidates.append((prefix, [number for number in numbers if number is not None]))
    prefix, asns = most_specific(candidates, address)
    if prefix is None or not asns:
        yield AsnFound(0, str(address)), answer.ttl
        return
    best = about[str(prefix)]
    found = AsnFound(
        0,
        str(address),
        tuple(asns[:MAX_ORIGINS]),
        str(prefix),
        _country(best.country),
        best.registry,
        allocated=best.allocated,
    )
    yield found, answer.ttl
    ttl = answer.ttl
    titles = []
    for number in found.asns:
        described = await resolver.ask(dns.name.Name((b"AS%d" % number,)).concatenate(_ASN), "TXT")
        ttl = min(ttl, described.ttl)
        titles.append("")
        for fields in _records(described):
            titles[-1] = titles[-1] or _padded(fields, _TITLE_FIELD + 1)[_TITLE_FIELD]
    yield msgspec.structs.replace(found, names=tuple(titles)), ttl


def _country(text: str) -> str:
    return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else ""


def _origin_name(address: Address) -> dns.name.Name:
    name = dns.reversename.from_address(str(address), _ORIGIN, _ORIGIN6)
    labels = name.labels
    if address.version == 6:
        # the server is slow to answer for names that begin with groups of zeros
        while labels[:_GROUP] == (b"0",) * _GROUP:
            labels = labels[_GROUP:]
    return dns.name.Name(labels)


def _records(answer: DnsAnswer) -> Iterator[list[str]]:
    """Yield the fields of each TXT record, which stand between bars."""
    for record in answer.records:
        if isinstance(record, TXT):
            text = b"".join(record.strings).decode("utf-8", "backslashreplace")
            yield [field.strip() for field in text.split("|")]


def _padded(fields: list[str], length: int) -> list[str]:
    """Return so many fields; those that the answer lacks are empty."""
    return [*fields, *[""] * length][:length]


_WIDEST = {4: 8, 6: 12}
"""Prefix length of the widest reverse zone that is looked up: wider zones are the registries'."""
_NARROWEST = {4: 24, 6: 64}
_BITS_A_LABEL = {4: 8, 6: 4}


async def look_up_owner(
    resolver: Resolver, address: Address
) -> AsyncGenerator[tuple[OwnerFound, int], None]:
    """Yield the mailbox in the SOA record of the narrowest reverse zone (/24 to /8, /64 to /12).

    The authority section of a negative answer names the zone (RFC 2308 §3), so one query is usually
    enough.
    """
    bits = _BITS_A_LABEL[address.version]
    full = dns.reversename.from_address(str(address))
    least = len(full) - (address.max_prefixlen - _WIDEST[address.version]) // bits
    ttl = None
    for length in range(_NARROWEST[address.version], _WIDEST[address.version] - 1, -bits):
        zone = dns.name.Name(full.labels[(address.max_prefixlen - length) // bits :])
        answer = await resolver.ask(zone, "SOA")
        ttl = answer.ttl if ttl is None else min(ttl, answer.ttl)
        for rrset in (*answer.response.answer, *answer.response.authority):
            within = zone.is_subdomain(rrset.name) and len(rrset.name) >= least
            record = rrset[0] if within and len(rrset) else None
            if isinstance(record, SOA):
                yield OwnerFound(0, str(address), _mailbox(record.rname)), ttl
                return
    yield OwnerFound(0, str(address)), ttl or 0


def _mailbox(rname: dns.name.Name) -> str:
    """Return the mailbox; the first label is the local part and may have dots (RFC 1035 §8)."""
    if len(rname) < 3:
        return ""
    local = rname.labels[0].decode("utf-8", "backslashreplace")
    return f"{local}@{dns.name.Name(rname.labels[1:]).to_text(omit_final_dot=True)}"
