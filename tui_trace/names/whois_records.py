"""What the whois answer of a registry says of the network around an address, read line by line.

ipwhois has expressions for this; the one for e-mail addresses takes time that grows with the cube
of the answer, minutes for a few thousand characters, and nothing else of the process runs
meanwhile. Here every line is looked at once.
"""

import ipaddress
from collections.abc import Container, Iterable, Iterator
from itertools import dropwhile, takewhile
from typing import TypeAlias

import msgspec

MOST_NETWORKS = 16
"""Networks of one answer that are looked at: a registry names those around an address."""
MOST_PREFIXES = 64
"""Prefixes in one line."""
LONGEST_MAILBOX = 254
"""Characters (RFC 5321 §4.5.3.1.3, without its brackets)."""

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Field: TypeAlias = tuple[str, str]
"""A key in lower case, and its value."""
_NUMBERS = 4
"""In an IPv4 address; LACNIC leaves out the last ones where they are zero."""


class _Keys(msgspec.Struct, frozen=True):
    """The names that a registry has for what is looked for."""

    ranges: tuple[str, ...] = ("inetnum", "inet6num", "route")
    """A line with one of these begins a network."""
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


class Record(msgspec.Struct, frozen=True):
    """A network; the texts are as the registry wrote them, or empty."""

    range: str
    """In prefixes, with commas between."""
    name: str = ""
    organisation: str = ""
    country: str = ""
    mailboxes: tuple[str, ...] = ()


def records_in(answer: str, registry: str) -> list[Record]:
    """The networks of an answer in its order, `MOST_NETWORKS` at most; `registry` as in `Origin`.

    `KeyError` if the registry is not known.
    """
    keys = _KEYS[registry]
    sections: list[tuple[str, list[_Field]]] = []
    for key, value in _fields(answer):
        if key not in keys.ranges:
            if sections:
                sections[-1][1].append((key, value))
        elif len(sections) == MOST_NETWORKS:
            break
        else:
            sections.append((_prefixes(value), []))
    return [_record(prefixes, fields, keys) for prefixes, fields in sections if prefixes]


def narrowest(records: list[Record]) -> Record:
    """The last with a name, since what is announced of a network comes after it and has none."""
    return next((record for record in reversed(records) if record.name), records[-1])


def abuse_mailbox(records: list[Record]) -> str:
    """Where to complain: an address that says so, else any, of the narrowest network first."""
    known = [mailbox for record in reversed(records) for mailbox in record.mailboxes]
    meant = (mailbox for mailbox in known if "abuse" in mailbox.lower())
    return next(meant, known[0] if known else "")


def _fields(answer: str) -> Iterator[_Field]:
    """Key and value of each line; a line that goes on with the one before has the same key.

    Blank lines between them count for nothing, as ipwhois has it.
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


def _record(prefixes: str, fields: list[_Field], keys: _Keys) -> Record:
    mailboxes = (_mailbox(value) for _, value in fields)
    return Record(
        prefixes,
        name=next(_first(fields, keys.name), ""),
        organisation=", ".join(dict.fromkeys(_first(fields, keys.organisation))),
        country=next(_first(fields, keys.country), "").upper(),
        mailboxes=tuple(dict.fromkeys(filter(None, mailboxes))),
    )


def _first(fields: Iterable[_Field], keys: Container[str]) -> Iterator[str]:
    """The values of the first lines in a row with one of these keys."""
    there = dropwhile(lambda field: field[0] not in keys, fields)
    return (value for _, value in takewhile(lambda field: field[0] in keys, there) if value)


def _mailbox(value: str) -> str:
    """The first word that is an e-mail address, if there is one."""
    return next(filter(_is_mailbox, value.split()), "") if "@" in value else ""


def _is_mailbox(word: str) -> bool:
    local, at, domain = word.partition("@")
    host, dot, top = domain.rpartition(".")
    letters = "".join(character for character in local + host + top if character not in "-._")
    return bool(at and dot and local and host and top and len(word) <= LONGEST_MAILBOX) and (
        not letters or letters.isalnum()
    )


def _prefixes(value: str) -> str:
    """`9.9.9.0 - 9.9.9.255`, or prefixes with commas between, as prefixes; empty if it is none."""
    first, dash, last = (part.strip() for part in value.partition(" - "))
    try:
        if dash:
            found: Iterable[_Network] = _between(first, last)
        else:
            parts = value.split(",", MOST_PREFIXES)[:MOST_PREFIXES]
            found = [ipaddress.ip_network(_written_out(part.strip())) for part in parts]
        return ", ".join(map(str, found))
    except (ValueError, TypeError):
        return ""


def _between(first: str, last: str) -> Iterable[_Network]:
    """The prefixes from one address to another, a few hundred at most."""
    four, six = ipaddress.IPv4Address, ipaddress.IPv6Address
    if ":" in first:
        return ipaddress.summarize_address_range(six(first), six(last))
    return ipaddress.summarize_address_range(four(first), four(last))


def _written_out(prefix: str) -> str:
    """`200.3.12/22` as `200.3.12.0/22`."""
    address, slash, length = prefix.partition("/")
    missing = _NUMBERS - 1 - address.count(".")
    if slash and ":" not in address and missing > 0:
        address += ".0" * missing
    return address + slash + length
