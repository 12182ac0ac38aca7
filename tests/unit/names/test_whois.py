import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import AsnFound, Event, Notice
from tui_trace.names import AsnSource, DnsServer, NameOptions, Radb, service, whois
from tui_trace.names.service import Names

PATIENCE = 30.0
ROUTES = b"route: 192.0.2.0/24\r\norigin: AS64500\r\n\r\nroute: 192.0.2.0/24\r\norigin: AS64501\r\n"


@pytest.fixture
def server() -> Iterator[local_servers.WhoisServer]:
    with local_servers.WhoisServer() as running:
        running.answers["192.0.2.1"] = ROUTES
        running.answers["2001:db8::1"] = b"route6: 2001:db8::/32\norigin: AS64502\n"
        yield running


def ask(radb: Radb, *addresses: str, dns: DnsServer | None = None) -> list[Event]:
    told: list[Event] = []
    options = NameOptions(
        names=False, asn_source=AsnSource.RADB, radb=radb, documentation=True, server=dns
    )
    names = Names(told.append, options)
    names.start()
    try:
        for address in addresses:
            names.want(address)
        assert names.settle(PATIENCE)
    finally:
        names.stop()
    return told


def local(server: local_servers.WhoisServer, **fields: str) -> Radb:
    return Radb(server=server.host, service=str(server.port), **fields)


def test_both_families_are_asked_by_address(server: local_servers.WhoisServer) -> None:
    told = ask(local(server), "192.0.2.1", "2001:db8::1", "192.0.2.2")
    assert sorted(told, key=lambda event: event.address) == [
        AsnFound(0, "192.0.2.1", (64500, 64501), "192.0.2.0/24"),
        AsnFound(0, "2001:db8::1", (64502,), "2001:db8::/32"),
    ]
    assert sorted(server.asked) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


def test_a_server_over_ipv6() -> None:
    with local_servers.WhoisServer("::1") as six:
        six.answers["192.0.2.1"] = ROUTES
        assert len(ask(local(six), "192.0.2.1")) == 1


def test_addresses_that_nobody_routes_are_never_asked_about(
    server: local_servers.WhoisServer,
) -> None:
    ask(local(server), "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "fe80::1", "ff02::1")
    assert server.asked == []


def test_the_delimiters_reach_the_parser(server: local_servers.WhoisServer) -> None:
    server.answers["192.0.2.1"] = b"net=192.0.2.0-24\nas=7\n"
    told = ask(local(server, route="net=", data="as=", prefix="-"), "192.0.2.1")
    assert told == [AsnFound(0, "192.0.2.1", (7,), "192.0.2.0/24")]


def test_the_name_of_the_server_is_asked_of_the_resolver_that_was_given(
    server: local_servers.WhoisServer,
) -> None:
    with local_servers.DnsServer() as dns:
        dns.add("whois.example.", 60, "A", "127.0.0.1")
        radb = Radb(server="whois.example", service=str(server.port))
        told = ask(radb, "192.0.2.1", dns=DnsServer(dns.host, dns.port))
        assert [type(event) for event in told] == [AsnFound]
        assert {name for name, *_ in dns.asked} == {"whois.example"}


def test_a_name_that_nobody_knows_is_said(server: local_servers.WhoisServer) -> None:
    with local_servers.DnsServer() as dns:
        radb = Radb(server="whois.example", service=str(server.port))
        told = ask(radb, "192.0.2.1", "192.0.2.2", dns=DnsServer(dns.host, dns.port))
    assert told == [
        Notice(0, "no AS numbers from whois: whois server whois.example has no address")
    ]


def test_an_address_that_does_not_answer_gives_way_to_the_next(
    server: local_servers.WhoisServer,
) -> None:
    with local_servers.DnsServer() as dns:
        dns.add("whois.example.", 60, "A", "127.0.0.9", server.host)
        radb = Radb(server="whois.example", service=str(server.port))
        told = ask(radb, "192.0.2.1", dns=DnsServer(dns.host, dns.port))
    assert [type(event) for event in told] == [AsnFound]


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def endless(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"route: 192.0.2.0/24\n" * 1000)
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    for byte in ROUTES * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def resetting(writer: asyncio.StreamWriter) -> None:
    writer.write(ROUTES)
    writer.transport.abort()


@pytest.mark.slow
@pytest.mark.parametrize("talk", [silence, endless, dripping])
def test_one_deadline_and_one_bound_for_the_whole_query(
    server: local_servers.WhoisServer, talk: Callable[[asyncio.StreamWriter], object]
) -> None:
    server.talk = talk
    told = ask(local(server), "192.0.2.1", "192.0.2.2")
    assert [type(event) for event in told] == [Notice]
    assert told[0].text.startswith("no AS numbers from whois: ")


def test_garbage_is_no_answer(server: local_servers.WhoisServer) -> None:
    server.answers["192.0.2.1"] = bytes(range(256)) * 100
    server.answers["192.0.2.2"] = b"route: \xff\xfe\norigin: \x1b[31mAS1\n"
    assert ask(local(server), "192.0.2.1", "192.0.2.2") == []


def test_a_server_that_is_not_there_is_said_once() -> None:
    with local_servers.WhoisServer() as gone:
        port = gone.port
    told = ask(Radb(server="127.0.0.1", service=str(port)), "192.0.2.1", "192.0.2.2")
    assert [type(event) for event in told] == [Notice]
    assert str(port) in told[0].text


def test_a_service_that_is_none_is_said() -> None:
    told = ask(Radb(server="127.0.0.1", service="nosuch"), "192.0.2.1")
    assert told == [Notice(0, "no AS numbers from whois: RA_SERVICE: 'nosuch' is not a TCP port")]


def test_few_queries_at_once(server: local_servers.WhoisServer) -> None:
    ask(local(server), *(f"192.0.2.{host}" for host in range(1, 21)))
    assert len(server.asked) == 20
    assert 1 < server.most_under_way <= service.MAX_WHOIS_LOOKUPS


async def test_an_answer_longer_than_the_bound(server: local_servers.WhoisServer) -> None:
    server.answers["x"] = b"a" * whois.MAX_BYTES
    assert await whois.query(server.host, server.port, "x") == "a" * whois.MAX_LINE_BYTES
    server.answers["x"] += b"a"
    with pytest.raises(whois.WhoisError, match="too much data"):
        await whois.query(server.host, server.port, "x")


async def test_a_line_in_utf_8_or_latin_1(server: local_servers.WhoisServer) -> None:
    server.answers["x"] = "descr: Zürich\r\n".encode() + "owner: São Paulo\n".encode("latin-1")
    answer = await whois.query(server.host, server.port, "x")
    assert answer.splitlines() == ["descr: Zürich", "owner: São Paulo"]


def test_so_many_lines_of_an_answer_are_read() -> None:
    text = whois.decode_answer(b"\n" * whois.MAX_BYTES)
    assert text.count("\n") == whois.MAX_LINES - 1


def test_a_connection_that_breaks_is_a_failure(server: local_servers.WhoisServer) -> None:
    server.talk = resetting
    told = ask(local(server), "192.0.2.1")
    assert [type(event) for event in told] in ([Notice], [AsnFound])


def test_leaving_does_not_wait_for_a_server(server: local_servers.WhoisServer) -> None:
    server.talk = silence
    told: list[Event] = []
    options = NameOptions(
        names=False, asn_source=AsnSource.RADB, radb=local(server), documentation=True
    )
    names = Names(told.append, options)
    names.start()
    names.want("192.0.2.1")
    while not server.asked:
        time.sleep(0.01)
    names.stop()
    assert "names" not in {thread.name for thread in threading.enumerate()}
