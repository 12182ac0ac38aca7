"""Parsing of a registry's whois answer about the network of an address, line by line.

ipwhois has regular expressions for this, but the time of the one for e-mail addresses grows with
the cube of the answer: minutes for a few thousand characters, in which no other thread runs. This
parser reads every line once.
"""

import ipaddress
from collections.abc import Container, Iterable, Iterator
from itertools import dropwhile, takewhile
from typing import TypeAlias

import msgspec

MAX_NETWORKS = 16
"""Largest number of networks that are read from an answer."""
MAX_PREFIXES = 64
"""Largest number of prefixes that are read from a line."""
MAX_MAILBOX = 254
"""Characters (RFC 5321 §4.5.3.1.3, without its brackets)."""

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Field: TypeAlias = tuple[str, str]
"""A key in lower case, and its value."""
_IPV4_NUMBERS = 4
"""Numbers in an IPv4 address; LACNIC omits trailing zeros."""


class _Keys(msgspec.Struct, frozen=True):
    """The keys of a registry for the fields of a record."""

    ranges: tuple[str, ...] = ("inetnum", "inet6num", "route")
    """Keys of a line that begins a network."""
    name: tuple[str, ...] = ("netname",)
    organisation: tuple[str, ...] = ("descr",)
    country: tuple[str, ...] = ("country",)


_KEYS = {
    "arin": _Keys(ranges=("cidr",), organisation=("orgname", "custname")),
    "ripencc": _Keys(),
    "apnic": _Keys(),
    "lacnic": _Keys(name=(), organisation=("owner",)),
    "afrinic": _Keys(),
}


class WhoisRecord(msgspec.Struct, frozen=True):
    """A network; the texts are as in the answer, or empty."""

    range: str
    """Prefixes, separated by commas."""
    name: str = ""
    organisation: str = ""
    country: str = ""
    mailboxes: tuple[str, ...] = ()


def parse_records(answer: str, registry: str) -> list[WhoisRecord]:
    """Return the networks of an answer in its order, at most `MAX_NETWORKS`.

    `registry` is as in `AsnFound`; raise `KeyError` for an unknown one.
    """
    keys = _KEYS[registry]
    sections: list[tuple[str, list[_Field]]] = []
    for key, value in _fields(answer):
        if key not in keys.ranges:
            if sections:
                sections[-1][1].append((key, value))
        elif len(sections) == MAX_NETWORKS:
            break
        else:
            sections.append((_prefixes(value), []))
    return [_record(prefixes, fields, keys) for prefixes, fields in sections if prefixes]


def narrowest(records: list[WhoisRecord]) -> WhoisRecord:
    """Return the last network with a name: announced routes come after it and have no name."""
    return next((record for record in reversed(records) if record.name), records[-1])


def abuse_mailbox(records: list[WhoisRecord]) -> str:
    """Return an abuse mailbox, or else any mailbox; the narrowest network comes first."""
    known = [mailbox for record in reversed(records) for mailbox in record.mailboxes]
    meant = (mailbox for mailbox in known if "abuse" in mailbox.lower())
    return next(meant, known[0] if known else "")


def _fields(answer: str) -> Iterator[_Field]:
    """Yield key and value of each line; a continuation line has the key of the line before.

    Blank lines are ignored, as in ipwhois.
    """
    key = ""
    for line in answer.split("\n"):
        if not line.strip():
            continue
        if line[:1] in (" ", "\t", "+") and line[1:].strip():
            yield key, line[1:].strip()
            continue
        before, colon, after = line.partition(":")
        key = before.lower() if colon else ""
        yield key, after.strip()


def _record(prefixes: str, fields: list[_Field], keys: _Keys) -> WhoisRecord:
    mailboxes = (_mailbox(value) for _, value in fields)
    return WhoisRecord(
        prefixes,
        name=next(_first(fields, keys.name), ""),
        organisation=", ".join(dict.fromkeys(_first(fields, keys.organisation))),
        country=next(_first(fields, keys.country), "").upper(),
        mailboxes=tuple(dict.fromkeys(filter(None, mailboxes))),
    )


def _first(fields: Iterable[_Field], keys: Container[str]) -> Iterator[str]:
    """Return the values of the first consecutive lines with one of these keys."""
    there = dropwhile(lambda field: field[0] not in keys, fields)
    return (value for _, value in takewhile(lambda field: field[0] in keys, there) if value)


def _mailbox(value: str) -> str:
    """Return the first word that is an e-mail address; empty if there is none."""
    return next(filter(_is_mailbox, value.split()), "") if "@" in value else ""


def _is_mailbox(word: str) -> bool:
    local, at, domain = word.partition("@")
    host, dot, top = domain.rpartition(".")
    letters = "".join(character for character in local + host + top if character not in "-._")
    return bool(at and dot and local and host and top and len(word) <= MAX_MAILBOX) and (
        not letters or letters.isalnum()
    )


def _prefixes(value: str) -> str:
    """Return the prefixes of `9.9.9.0 - 9.9.9.255` or of a list with commas; empty if invalid."""
    first, dash, last = (part.strip() for part in value.partition(" - "))
    try:
        if dash:
            found: Iterable[_Network] = _between(first, last)
        else:
            parts = value.split(",", MAX_PREFIXES)[:MAX_PREFIXES]
            found = [ipaddress.ip_network(_with_all_numbers(part.strip())) for part in parts]
        return ", ".join(map(str, found))
    except (ValueError, TypeError):
        return ""


def _between(first: str, last: str) -> Iterable[_Network]:
    """Return the prefixes from one address to another; they are at most a few hundred."""
    four, six = ipaddress.IPv4Address, ipaddress.IPv6Address
    if ":" in first:
        return ipaddress.summarize_address_range(six(first), six(last))
    return ipaddress.summarize_address_range(four(first), four(last))


def _with_all_numbers(prefix: str) -> str:
    """Return `200.3.12.0/22` for `200.3.12/22`."""
    address, slash, length = prefix.partition("/")
    missing = _IPV4_NUMBERS - 1 - address.count(".")
    if slash and ":" not in address and missing > 0:
        address += ".0" * missing
    return address + slash + length
