import asyncio
import http.server
import ipaddress
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import BaseHandler

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tests.helpers.registry_handlers import ToLocal, ToNobody
from tui_trace.core.events import Event, RegistryRecord
from tui_trace.names import DnsServer, NameOptions, rdap
from tui_trace.names.bounded_http import Opener
from tui_trace.names.lookup_plan import LookupPlan
from tui_trace.names.service import Names

HOST = "198.18.0.1"
"""Routed by nobody, so nobody could be asked about it if a question got out."""
ROUTED = ipaddress.ip_address("9.9.9.9")
"""Only ever a word in questions to servers on this machine."""

ABUSE = {
    "handle": "ABUSE1",
    "roles": ["abuse"],
    "vcardArray": [
        "vcard",
        [["fn", {}, "text", "Abuse"], ["email", {}, "text", "abuse@x.example"]],
    ],
}
DOCUMENT = {
    "objectClassName": "ip network",
    "handle": "NET-9",
    "name": "NINES",
    "startAddress": "9.9.9.0",
    "endAddress": "9.9.9.255",
    "ipVersion": "v4",
    "country": "CH",
    "links": [],
    "entities": [
        {
            "handle": "ORG1",
            "roles": ["registrant"],
            "vcardArray": ["vcard", [["fn", {}, "text", "Nine Networks"]]],
            "entities": [ABUSE],
        }
    ],
}
WHOIS = b"""\
inetnum:        9.9.9.0 - 9.9.9.255
netname:        NINES
descr:          Nine Networks
country:        CH
source:         RIPE

person:         Somebody
e-mail:         abuse@x.example

route:          9.9.9.0/24
descr:          as it is announced
origin:         AS64500
"""


@pytest.fixture
def web() -> Iterator[local_servers.HttpServer]:
    with local_servers.HttpServer() as running:
        running.document = DOCUMENT
        yield running


@pytest.fixture
def whois() -> Iterator[local_servers.WhoisServer]:
    with local_servers.WhoisServer() as running:
        running.answers[str(ROUTED)] = WHOIS
        yield running


async def ask(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer, of: str = "ripencc"
) -> RegistryRecord:
    async def locate(host: str) -> tuple[str, ...]:
        assert "whois" in host
        return ("127.0.0.1",)

    handlers: list[BaseHandler] = [ToLocal(web.port), ToNobody()]
    return await rdap.look_up_record(ROUTED, of, locate, handlers, whois.port)


async def test_the_record_by_rdap(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer
) -> None:
    assert await ask(web, whois) == RegistryRecord(
        0,
        str(ROUTED),
        network="NINES (NET-9)",
        range="9.9.9.0/24",
        organisation="Nine Networks",
        country="CH",
        abuse="abuse@x.example",
        registry="ripencc",
    )
    assert web.asked == ["/ip/9.9.9.9"]
    assert whois.asked == []


def fails(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_error(500)


def limited(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_error(429)


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65_536)
    except OSError:
        pass


def not_yet(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Before the answer come others, without end (RFC 9110 §15.2.1)."""
    try:
        while True:
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    except OSError:
        pass


def html(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"<html>")


def to_file(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "file:///etc/hostname")
    handler.end_headers()


@pytest.mark.parametrize("respond", [fails, limited, endless, not_yet, html, to_file])
async def test_whois_is_asked_where_rdap_fails(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer, respond: Any
) -> None:
    web.respond = respond
    found = await ask(web, whois)
    assert found == RegistryRecord(
        0,
        str(ROUTED),
        network="NINES",
        range="9.9.9.0/24",
        organisation="Nine Networks",
        country="CH",
        abuse="abuse@x.example",
        registry="ripencc",
    )
    assert len(web.asked) == 1


def test_an_answer_by_http_is_bounded(web: local_servers.HttpServer) -> None:
    opener = Opener()
    assert opener.open(f"http://127.0.0.1:{web.port}/").read() == json.dumps(DOCUMENT).encode()
    for respond in (endless, not_yet):
        web.respond = respond
        with pytest.raises(OSError, match="too long"):
            opener.open(f"http://127.0.0.1:{web.port}/").read()


async def test_silence_of_one_is_followed_by_the_other(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rdap, "RDAP_DEADLINE", 0.2)
    web.respond = lambda _: time.sleep(3)
    assert (await ask(web, whois)).network == "NINES"


async def test_an_error_is_one_plain_line(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer
) -> None:
    web.respond = fails
    whois.answers.clear()
    found = await ask(web, whois)
    assert found.network == ""
    assert found.error
    assert "\n" not in found.error


async def test_an_unknown_registry_is_an_error(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer
) -> None:
    found = await ask(web, whois, of="nobody")
    assert "unknown registry" in found.error
    assert web.asked == []
    assert whois.asked == []


async def test_arin_is_asked_in_its_own_way(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer
) -> None:
    web.respond = fails
    await ask(web, whois, of="arin")
    assert whois.asked == ["n + 9.9.9.9"]


def test_a_reserved_address_is_nobodys() -> None:
    told: list[Event] = []
    with local_servers.DnsServer() as dns:
        names = Names(told.append, NameOptions(server=DnsServer(dns.host, dns.port)))
        names.start()
        for address in ("192.0.2.1", "10.0.0.1", HOST, "2001:db8::1", "fe80::1%eth0"):
            names.record(address)
        assert names.settle(30)
        names.stop()
    assert len(told) == 5
    assert {event.error for event in told} == {"a reserved address: no registry has a record"}
    assert dns.asked == []


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["servfail", "silent", None])
def test_without_dns_there_is_an_error_and_no_more(fault: str | None) -> None:
    told: list[Event] = []
    with local_servers.DnsServer() as dns:
        dns.fault = fault
        names = Names(told.append, NameOptions(server=DnsServer(dns.host, dns.port)))
        names.start()
        names.record(str(ROUTED))
        if fault == "silent":  # still under way: it is not asked again
            names.record(str(ROUTED))
        assert names.settle(30)
        names.stop()
    assert len(told) == 1
    assert told[0].error


async def test_the_registry_is_the_one_that_dns_names(web: local_servers.HttpServer) -> None:
    with local_servers.DnsServer() as dns:
        dns.add(
            "9.9.9.9.origin.asn.cymru.com.", 60, "TXT", '"64500 | 9.9.9.0/24 | CH | apnic | 2001"'
        )
        inquiry = LookupPlan(DnsServer(dns.host, dns.port))
        found = await inquiry.record(ROUTED, [ToLocal(web.port), ToNobody()])
    assert (found.registry, found.organisation) == ("apnic", "Nine Networks")


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from([*DOCUMENT, "roles", "vcardArray", "x"]), inner, max_size=6
            )
        ),
        max_leaves=20,
    )
)
def test_any_document_gives_a_record_or_an_error(
    web: local_servers.HttpServer, whois: local_servers.WhoisServer, document: Any
) -> None:
    web.document = {**DOCUMENT, **document} if isinstance(document, dict) else document
    whois.answers.clear()
    found = asyncio.run(ask(web, whois))
    assert found.error or found.registry
