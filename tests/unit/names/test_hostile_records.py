"""What strangers write into DNS, whois and a file reaches the stream as harmless text."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT
import dns.rrset
import idna
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.helpers import local_servers
from tests.helpers.hostile_text import EVIL
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import (
    AsnFound,
    Event,
    HostNamed,
    OwnerFound,
    RegistryRecord,
    decode_event,
    encode,
)
from tui_trace.core.sanitize import LIMIT, sanitize
from tui_trace.names import AsnSource, DnsServer, NameOptions, service
from tui_trace.names.idn import with_unicode_form
from tui_trace.names.service import Names


def harmless(event: Event) -> None:
    line = encode(event)
    assert decode_event(line) == event
    assert b"\n" not in line
    for value in json.loads(line).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                assert sanitize(text, 2 * LIMIT + 3) == text
                assert len(text) <= 2 * LIMIT + 3
                bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
                assert not {unicodedata.category(c) for c in text} & bad


@pytest.fixture(scope="module")
def server() -> Iterator[local_servers.DnsServer]:
    with local_servers.DnsServer() as running:
        yield running


def label(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")[:60] or b"x"


def publish(server: local_servers.DnsServer, text: str) -> None:
    """This text wherever 192.0.2.1 can have text."""
    server.records.clear()
    evil = dns.name.Name([label(text), b"example", b""])
    long = dns.name.Name([label(text)] * 3 + [b"example", b""])
    internet = dns.rdataclass.IN

    def add(name: str, rdata: dns.rdata.Rdata, *more: dns.rdata.Rdata) -> None:
        rrset = dns.rrset.from_rdata(name, 60, rdata, *more)
        server.records[(rrset.name, rrset.rdtype)] = rrset

    def txt(*fields: str) -> dns.rdtypes.ANY.TXT.TXT:
        raw = " | ".join(fields).encode("utf-8", "surrogatepass")
        strings = [raw[at : at + 255] for at in range(0, len(raw), 255)]
        return dns.rdtypes.ANY.TXT.TXT(internet, dns.rdatatype.TXT, strings)

    def ptr(name: dns.name.Name) -> dns.rdtypes.ANY.PTR.PTR:
        return dns.rdtypes.ANY.PTR.PTR(internet, dns.rdatatype.PTR, name)

    add("1.2.0.192.in-addr.arpa.", ptr(evil), ptr(long))
    soa = dns.rdtypes.ANY.SOA.SOA(internet, dns.rdatatype.SOA, evil, evil, 1, 2, 3, 4, 60)
    add("2.0.192.in-addr.arpa.", soa)
    country = text[:10]
    add(
        "1.2.0.192.origin.asn.cymru.com.",
        txt("64500", "192.0.2.0/24", country, "arin", text),
        txt(text, "192.0.2.0/25", "DE", "arin", "x"),
        txt("64501", text, "DE", "arin", "x"),
    )
    add("AS64500.asn.cymru.com.", txt("64500", country, "arin", "x", text))


def ask(server: local_servers.DnsServer, cache: Path | None = None) -> list[Event]:
    told: list[Event] = []
    names = Names(
        told.append,
        NameOptions(
            server=DnsServer(server.host, server.port),
            asn_source=AsnSource.CYMRU,
            owner=True,
            documentation=True,
            cache=cache,
        ),
    )
    names.start()
    names.want("192.0.2.1")
    assert names.settle(30)
    names.stop()
    return told


@pytest.mark.parametrize("text", EVIL)
def test_each_hostile_text_in_every_record(server: local_servers.DnsServer, text: str) -> None:
    publish(server, text)
    told = ask(server)
    assert {type(event) for event in told} == {HostNamed, AsnFound, OwnerFound}
    for event in told:
        harmless(event)
        if isinstance(event, AsnFound):
            assert event.country == ""


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(min_size=1))
@example("\udc80")
def test_any_text_in_every_record(server: local_servers.DnsServer, text: str) -> None:
    publish(server, text)
    told = ask(server)
    assert HostNamed in {type(event) for event in told}
    for event in told:
        harmless(event)


def test_a_file_that_somebody_wrote_is_text_from_outside(
    server: local_servers.DnsServer, tmp_path: Path
) -> None:
    publish(server, "x")
    cache = tmp_path / "names.json"
    ask(server, cache)
    kept = msgspec.json.decode(cache.read_bytes())
    for entry in kept["entries"]:
        for field in ("names", "shown", "owner", "country", "prefix"):
            if field in entry["known"]:
                many = isinstance(entry["known"][field], list)
                entry["known"][field] = EVIL if many else EVIL[0]
    cache.write_bytes(msgspec.json.encode(kept))
    asked = len(server.asked)
    told = ask(server, cache)
    assert len(server.asked) == asked
    assert {type(event) for event in told} == {HostNamed, AsnFound, OwnerFound}
    for event in told:
        harmless(event)


@given(st.text())
def test_a_registry_may_say_what_it_likes(text: str) -> None:
    harmless(service.sanitize_event(RegistryRecord(0, "192.0.2.1", *[text] * 7)))


@given(st.text())
@example("xn--" + "a" * 4000)
@example("xn--\x1b[31m-.xn---")
@example("xn--99zz99" + "." + "xn--p1ai")
def test_an_idn_has_two_forms_or_is_left_alone(text: str) -> None:
    for name in (text, f"xn--{text}", f"xn--{text.encode('punycode').decode()}.example"):
        shown = with_unicode_form(name)
        assert shown == name or shown.endswith(f" ({name})")


@given(
    st.text(alphabet="abcdefäöüßжщ中文", min_size=1, max_size=20).filter(lambda t: not t.isascii())
)
def test_an_idn_is_read_as_it_was_written(text: str) -> None:
    try:
        encoded = idna.encode(text).decode()
    except idna.IDNAError:
        return
    assert with_unicode_form(f"{encoded}.example") == f"{text}.example ({encoded}.example)"
