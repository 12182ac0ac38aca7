import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.resolver
import msgspec
import pytest

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.core.events import AsnFound, Event, HostNamed, Notice, OwnerFound
from tui_trace.names import AsnSource, DnsServer, NameOptions, addresses, resolver, service
from tui_trace.names.service import Names

PATIENCE = 30.0


class Told:
    """What was told, and the object that tells it."""

    def __init__(self, options: NameOptions) -> None:
        self.events: list[Event] = []
        self.changed = threading.Condition()
        self.names = Names(self._tell, options)

    def _tell(self, event: Event) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def ask(self, *addresses: str) -> list[Event]:
        for address in addresses:
            self.names.want(address)
        assert self.names.settle(PATIENCE)
        return self.events

    def wait(self, wanted: Callable[[list[Event]], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: wanted(self.events), PATIENCE)


def names_threads() -> list[threading.Thread]:
    """The threads that look up names, of those that run."""
    return [thread for thread in threading.enumerate() if thread.name == "names"]


@pytest.fixture
def server() -> Iterator[local_servers.DnsServer]:
    with local_servers.DnsServer() as running:
        running.add("1.2.0.192.in-addr.arpa.", 300, "PTR", "core1.example.")
        running.add("core1.example.", 300, "A", "192.0.2.1")
        yield running


@pytest.fixture
def told(server: local_servers.DnsServer) -> Iterator[Callable[..., Told]]:
    begun: list[Told] = []

    def begin(**options: object) -> Told:
        asked = DnsServer(server.host, server.port)
        given = {"server": asked, "documentation": True, **options}
        begun.append(Told(NameOptions(**given)))
        begun[-1].names.start()
        return begun[-1]

    yield begin
    for each in begun:
        each.names.stop()
    assert not names_threads()


def test_a_name_comes_and_then_that_it_is_confirmed(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    assert told().ask("192.0.2.1") == [
        HostNamed(0, "192.0.2.1", ("core1.example",), None),
        HostNamed(0, "192.0.2.1", ("core1.example",), True),
    ]
    assert server.questions("PTR") == ["1.2.0.192.in-addr.arpa"]


def test_the_same_for_ipv6_and_a_zone_stays_on_the_address(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    link_local = "1" + ".0" * 28 + ".8.e.f.ip6.arpa."
    reverse = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa."
    server.add(reverse, 300, "PTR", "six.example.")
    server.add("six.example.", 300, "AAAA", "2001:db8::1")
    server.add(link_local, 300, "PTR", "here.example.")
    events = told().ask("2001:db8::1", "fe80::1%eth0")
    assert HostNamed(0, "2001:db8::1", ("six.example",), True) in events
    assert HostNamed(0, "fe80::1%eth0", ("here.example",), False) in events


def test_a_name_that_leads_elsewhere_or_nowhere_is_not_confirmed(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.add("2.2.0.192.in-addr.arpa.", 300, "PTR", "core1.example.")
    server.add("3.2.0.192.in-addr.arpa.", 300, "PTR", "nowhere.example.")
    events = told().ask("192.0.2.2", "192.0.2.3")
    assert HostNamed(0, "192.0.2.2", ("core1.example",), False) in events
    assert HostNamed(0, "192.0.2.3", ("nowhere.example",), False) in events


@pytest.mark.slow
def test_a_name_whose_own_server_is_dead_is_shown_and_nothing_said_of_it(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.faults["core1.example"] = "silent"
    assert told().ask("192.0.2.1") == [HostNamed(0, "192.0.2.1", ("core1.example",), None)]


def test_several_names_the_confirmed_first_and_not_without_end(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.add("4.2.0.192.in-addr.arpa.", 300, "PTR", "a.example.", "b.example.", "c.example.")
    server.add("b.example.", 300, "A", "198.51.100.1", "192.0.2.4")
    many = [f"n{number:04}.example." for number in range(1000)]
    server.add("5.2.0.192.in-addr.arpa.", 300, "PTR", *many)
    events = told().ask("192.0.2.4", "192.0.2.5")
    assert HostNamed(0, "192.0.2.4", ("b.example", "a.example", "c.example"), True) in events
    assert {len(event.names) for event in events if event.address == "192.0.2.5"} == {8}


def test_an_alias_of_a_classless_delegation_is_followed(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.add("6.2.0.192.in-addr.arpa.", 300, "CNAME", "6.0-25.2.0.192.in-addr.arpa.")
    server.add("6.0-25.2.0.192.in-addr.arpa.", 300, "PTR", "leased.example.")
    assert HostNamed(0, "192.0.2.6", ("leased.example",), False) in told().ask("192.0.2.6")


def test_an_idn_is_shown_in_both_forms(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.add("7.2.0.192.in-addr.arpa.", 300, "PTR", "_x.xn--bcher-kva.example.")
    server.add("8.2.0.192.in-addr.arpa.", 300, "PTR", "xn--aa-.example.")
    events = told().ask("192.0.2.7", "192.0.2.8")
    ascii_form = "_x.xn--bcher-kva.example"
    shown = (f"_x.bücher.example ({ascii_form})",)
    assert HostNamed(0, "192.0.2.7", (ascii_form,), False, shown) in events
    assert HostNamed(0, "192.0.2.8", ("xn--aa-.example",), False) in events


PRIVATE = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.0.1", "fd00::1"]
NOT_ROUTED = [
    *PRIVATE,
    "127.0.0.1",
    "::1",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "240.0.0.1",
]


def test_private_addresses_are_asked_about_by_default(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.add("3.2.1.10.in-addr.arpa.", 300, "PTR", "gw.home.arpa.")
    assert HostNamed(0, "10.1.2.3", ("gw.home.arpa",), False) in told().ask(*PRIVATE)
    assert len(server.questions("PTR")) == len(PRIVATE)


def test_private_addresses_are_not_asked_about_if_unwanted(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    told(private=False, owner=True).ask(*PRIVATE, "192.0.2.1")
    assert {name for name, *_ in server.asked} == {
        "1.2.0.192.in-addr.arpa",
        "2.0.192.in-addr.arpa",
        "0.192.in-addr.arpa",
        "192.in-addr.arpa",
        "core1.example",
    }


def test_nothing_is_asked_with_everything_off(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    assert told(names=False).ask("192.0.2.1", "10.1.2.3", "2001:db8::1") == []
    assert server.asked == []


def test_as_numbers_of_addresses_that_nobody_routes_are_never_asked(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    told(names=False, asn_source=AsnSource.CYMRU).ask(*NOT_ROUTED, "no address", "")
    assert server.asked == []


def test_addresses_of_documents_have_as_numbers_in_the_lab_alone(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    options = {"names": False, "asn_source": AsnSource.CYMRU}
    hosts = ("192.0.2.1", "2001:db8::1", "203.0.113.1", "198.18.0.1", "3fff::1")
    told(**options, documentation=False).ask(*hosts)
    assert server.asked == []
    told(**options).ask(*hosts)
    assert len(server.questions("TXT")) == len(hosts)


def asn_data(server: local_servers.DnsServer) -> None:
    server.add(
        "1.2.0.192.origin.asn.cymru.com.",
        300,
        "TXT",
        '"64500 64501 | 192.0.2.0/24 | DE | ripencc | 2001-01-01"',
        '"64499 | 192.0.0.0/16 | FR | ripencc | 2001-01-01"',
        '"666 | 198.51.100.0/32 | US | arin | 2001-01-01"',
    )
    server.add(
        "AS64500.asn.cymru.com.", 300, "TXT", '"64500 | DE | ripencc | 2001 | ONE - One, DE"'
    )
    server.add("AS64501.asn.cymru.com.", 300, "TXT", '"64501 | DE | ripencc | 2001 | TWO"')


def test_origins_the_longest_prefix_with_all_who_announce_it(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    asn_data(server)
    origin = AsnFound(
        0,
        *("192.0.2.1", (64500, 64501), "192.0.2.0/24", "DE", "ripencc"),
        allocated="2001-01-01",
    )
    named = msgspec.structs.replace(origin, names=("ONE - One, DE", "TWO"))
    assert told(names=False, asn_source=AsnSource.CYMRU).ask("192.0.2.1") == [origin, named]


@pytest.mark.slow
def test_an_origin_without_names_of_ases_is_an_origin(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    asn_data(server)
    server.faults["AS64500.asn.cymru.com"] = "silent"
    events = told(names=False, asn_source=AsnSource.CYMRU).ask("192.0.2.1")
    assert [event.asns for event in events] == [(64500, 64501)]


def test_origins_of_ipv6_skip_the_groups_of_zeros_at_the_end(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    told(names=False, asn_source=AsnSource.CYMRU).ask("2001:db8:7::", "2001:db8:7::1")
    assert server.questions("TXT") == [
        "7.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com",
        "1" + ".0" * 19 + ".7.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com",
    ]


@pytest.mark.parametrize(
    "text",
    ['""', '"|"', '"NA | 192.0.2.0/24 | DE | ripencc | "', '"1 | 192.0.2.0/99 | DE | arin | "',
     '"1|2|3"', '"1 | 0.0.0.0 | DE | arin | 2"'],
)  # fmt: skip
def test_an_origin_that_cannot_be_read_is_none(
    told: Callable[..., Told], server: local_servers.DnsServer, text: str
) -> None:
    server.add("1.2.0.192.origin.asn.cymru.com.", 300, "TXT", text)
    assert told(names=False, asn_source=AsnSource.CYMRU).ask("192.0.2.1") == []


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ('"64502 | 192.0.2.0/24 | DE | jpnic | 2001"', "jpnic"),
        ('"64502 | 192.0.2.0/24 | DE |  | 2001"', ""),
        ('"64502 | 192.0.2.0/24 | DE"', ""),
        ('"64502 | 192.0.2.0/24 | DE | a\\027[31mb | 2001"', r"a\x1b[31mb"),
    ],
)
def test_an_origin_of_any_registry_is_an_origin(
    told: Callable[..., Told], server: local_servers.DnsServer, text: str, registry: str
) -> None:
    server.add("1.2.0.192.origin.asn.cymru.com.", 300, "TXT", text)
    server.add("AS64502.asn.cymru.com.", 300, "TXT", '"64502 | DE | other | 2001 | THREE"')
    *_, last = told(names=False, asn_source=AsnSource.CYMRU).ask("192.0.2.1")
    assert isinstance(last, AsnFound)
    assert (last.asns, last.registry, last.names) == ((64502,), registry, ("THREE",))


def test_one_question_for_what_several_hops_share(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    asn_data(server)
    for host in range(2, 12):
        text = '"64500 | 192.0.2.0/24 | DE | ripencc | 2001-01-01"'
        server.add(f"{host}.2.0.192.origin.asn.cymru.com.", 300, "TXT", text)
    hosts = [f"192.0.2.{host}" for host in range(2, 12)]
    events = told(names=False, asn_source=AsnSource.CYMRU, owner=True).ask(*hosts)
    assert {e.names for e in events if isinstance(e, AsnFound)} == {(), ("ONE - One, DE",)}
    assert server.questions("TXT").count("AS64500.asn.cymru.com") == 1
    assert server.questions("SOA").count("2.0.192.in-addr.arpa") == 1


@pytest.mark.parametrize(
    ("zone", "address", "rname", "owner"),
    [
        ("2.0.192.in-addr.arpa.", "192.0.2.1", "hostmaster.example.com.", "hostmaster@example.com"),
        ("0.192.in-addr.arpa.", "192.0.2.1", r"john\.doe.example.com.", "john.doe@example.com"),
        ("192.in-addr.arpa.", "192.0.2.1", "a.b.c.d.", "a@b.c.d"),
        ("in-addr.arpa.", "192.0.2.1", "iana.example.", None),
        ("2.0.192.in-addr.arpa.", "192.0.2.1", ".", None),
        ("2.0.192.in-addr.arpa.", "192.0.2.1", "nobody.", None),
        ("8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::1", "noc.example.net.", "noc@example.net"),
        ("7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8:7::1", "noc.example.", "noc@example"),
        ("ip6.arpa.", "2001:db8::1", "iana.example.", None),
    ],
)
def test_the_owner_is_in_the_soa_of_the_narrowest_zone(
    told: Callable[..., Told],
    server: local_servers.DnsServer,
    zone: str,
    address: str,
    rname: str,
    owner: str | None,
) -> None:
    server.add(zone, 300, "SOA", f"ns.example. {rname} 1 2 3 4 60")
    if zone != "in-addr.arpa.":
        server.add("in-addr.arpa.", 300, "SOA", "ns.example. iana.example. 1 2 3 4 60")
    events = told(names=False, owner=True).ask(address)
    assert events == ([OwnerFound(0, address, owner)] if owner else [])


def test_the_owner_is_found_by_walking_if_a_resolver_keeps_the_authority_to_itself(
    told: Callable[..., Told], server: local_servers.DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("0.192.in-addr.arpa.", 300, "SOA", "ns.example. noc.example.net. 1 2 3 4 60")
    answer = server.answer

    def without_authority(query: dns.message.Message) -> dns.message.Message:
        response = answer(query)
        response.authority.clear()
        return response

    monkeypatch.setattr(server, "answer", without_authority)
    assert told(names=False, owner=True).ask("192.0.2.1") == [
        OwnerFound(0, "192.0.2.1", "noc@example.net")
    ]
    assert server.questions("SOA") == ["2.0.192.in-addr.arpa", "0.192.in-addr.arpa"]


def test_wanting_again_asks_nothing_again(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    asking = told()
    for _ in range(3):
        asking.ask(*["192.0.2.1", "192.0.2.77"] * 500)
    assert sorted(server.questions("PTR")) == ["1.2.0.192.in-addr.arpa", "77.2.0.192.in-addr.arpa"]


def test_what_expired_is_asked_again_and_only_news_are_told(
    told: Callable[..., Told], server: local_servers.DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RETRY_AFTER", 0.0)
    server.add("1.2.0.192.in-addr.arpa.", 0, "PTR", "core1.example.")
    server.add("9.2.0.192.in-addr.arpa.", 0, "PTR", "late.example.")
    late = server.records.pop(next(key for key in server.records if key[0].labels[0] == b"9"))
    asking = told()
    asking.ask("192.0.2.1", "192.0.2.9")
    asking.ask("192.0.2.1", "192.0.2.9")
    first = [HostNamed(0, "192.0.2.1", ("core1.example",), confirmed) for confirmed in (None, True)]
    assert asking.events == first
    assert server.questions("PTR").count("1.2.0.192.in-addr.arpa") == 2
    assert server.questions("PTR").count("9.2.0.192.in-addr.arpa") == 1, "no is an answer too"
    server.add("1.2.0.192.in-addr.arpa.", 0, "PTR", "moved.example.")
    server.records[(late.name, late.rdtype)] = late
    asking.ask("192.0.2.1")
    assert asking.events[2:] == [HostNamed(0, "192.0.2.1", ("moved.example",), False)]
    server.fault = "servfail"
    asking.ask("192.0.2.1")
    assert len(asking.events) == 3, "an answer that fails takes no name away"
    server.fault = None
    del server.records[next(key for key in server.records if key[0].labels[0] == b"1")]
    asking.ask("192.0.2.1")
    assert asking.events[3:] == [HostNamed(0, "192.0.2.1")]


def test_more_can_be_asked_for_later(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    asn_data(server)
    asking = told(names=False)
    asking.ask("192.0.2.1")
    options = NameOptions(asn_source=AsnSource.CYMRU, documentation=True)
    asking.names.change(options)
    events = asking.ask()
    assert {type(event) for event in events} == {HostNamed, AsnFound}
    assert len(server.questions("PTR")) == 1


def test_truncation_is_answered_by_tcp(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.fault = "truncated"
    assert HostNamed(0, "192.0.2.1", ("core1.example",), True) in told().ask("192.0.2.1")
    ways = [way for name, _, way in server.asked if name == "1.2.0.192.in-addr.arpa"]
    assert ways == ["udp", "tcp"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [f for f in local_servers.DnsServer.FAULTS if f != "truncated"])
def test_a_resolver_that_fails_is_said_once_and_harms_nobody(
    told: Callable[..., Told], server: local_servers.DnsServer, fault: str
) -> None:
    server.fault = fault
    asking = told()
    events = asking.ask("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert [type(event) for event in events] == [Notice]
    assert "127.0.0.1" in events[0].text
    assert "\n" not in events[0].text


@pytest.mark.slow
@pytest.mark.parametrize("fault", [f for f in local_servers.DnsServer.FAULTS if f != "truncated"])
def test_one_name_that_fails_does_not_touch_another(
    told: Callable[..., Told], server: local_servers.DnsServer, fault: str
) -> None:
    server.faults["2.2.0.192.in-addr.arpa"] = fault
    asking = told()
    asking.ask("192.0.2.1")
    asking.ask("192.0.2.2")
    assert {event.address for event in asking.events if isinstance(event, HostNamed)} == {
        "192.0.2.1"
    }
    assert not [event for event in asking.events if isinstance(event, Notice)]


def test_a_question_that_got_lost_is_asked_again(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.fault = "silent"
    asking = told()
    asking.names.want("192.0.2.1")
    while not server.asked:
        time.sleep(0.01)
    server.fault = None
    asking.wait(bool)
    assert asking.events[0] == HostNamed(0, "192.0.2.1", ("core1.example",), None)


@pytest.mark.slow
def test_a_slow_resolver_is_given_its_time(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.delay = 1.3 * resolver.RETRY_AFTER
    events = told().ask("192.0.2.1")
    assert events[0] == HostNamed(0, "192.0.2.1", ("core1.example",), None)


def test_at_most_32_questions_are_under_way(
    told: Callable[..., Told], server: local_servers.DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "RETRY_AFTER", resolver.DEADLINE)
    server.hold = threading.Event()
    asking = told()
    for host in range(1, 101):
        asking.names.want(f"198.51.100.{host}")
    while server.under_way < service.MAX_DNS_LOOKUPS:
        time.sleep(0.01)
    server.hold.set()
    asking.ask()
    assert server.most_under_way == service.MAX_DNS_LOOKUPS
    assert len(server.questions("PTR")) == 100


def test_addresses_are_bounded(
    told: Callable[..., Told], server: local_servers.DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_ADDRESSES", 10)
    told().ask(*(f"198.51.100.{host}" for host in range(1, 101)))
    assert len(server.questions("PTR")) == 10


def test_stopping_waits_for_nobody(
    told: Callable[..., Told], server: local_servers.DnsServer
) -> None:
    server.fault = "silent"
    asking = told()
    asking.names.want("192.0.2.1")
    while not server.asked:
        time.sleep(0.01)
    asking.names.stop()
    assert not names_threads()
    asking.names.want("192.0.2.2")
    asking.names.record("192.0.2.2")
    assert not asking.names.settle(PATIENCE)
    asking.names.stop()
    assert asking.events == []


def test_addresses_that_came_before_the_start_are_asked_about(
    server: local_servers.DnsServer,
) -> None:
    told = Told(NameOptions(server=DnsServer(server.host, server.port)))
    told.names.want("192.0.2.1")
    told.names.start()
    assert told.names.settle(PATIENCE)
    told.names.stop()
    assert HostNamed(0, "192.0.2.1", ("core1.example",), True) in told.events


def test_never_started_never_mind() -> None:
    told = Told(NameOptions())
    told.names.want("192.0.2.1")
    told.names.stop()
    told.names.want("192.0.2.2")
    assert told.events == []


def test_the_next_session_asks_nobody(
    told: Callable[..., Told], server: local_servers.DnsServer, tmp_path: Path
) -> None:
    server.add("3.2.1.10.in-addr.arpa.", 300, "PTR", "gw.home.arpa.")
    server.add("example.", 300, "SOA", "ns.example. noc.example. 1 2 3 4 300")
    server.add("2.0.192.in-addr.arpa.", 300, "SOA", "ns.example. noc.example. 1 2 3 4 300")
    asn_data(server)
    options = {"cache": tmp_path / "names.json", "asn_source": AsnSource.CYMRU, "owner": True}
    hosts = ("192.0.2.1", "192.0.2.77", "10.1.2.3")
    first = told(**options)
    first.ask(*hosts)
    first.names.stop()
    asked = len(server.asked)
    second = told(**options)
    second.ask(*hosts)
    final = {(type(event), event.address): event for event in first.events}
    assert {(type(event), event.address): event for event in second.events} == final
    assert {name for name, *_ in server.asked[asked:]} == {
        "3.2.1.10.in-addr.arpa",
        "gw.home.arpa",
        "1.10.in-addr.arpa",
        "2.1.10.in-addr.arpa",
        "10.in-addr.arpa",
    }


def test_the_system_names_its_servers_anew_when_the_network_changes(tmp_path: Path) -> None:
    system = tmp_path / "resolv.conf"
    asked = resolver.Resolver(None, str(system))
    assert asked.servers == ""
    system.write_text("nameserver 192.0.2.53\nnameserver 2001:db8::53\noptions timeout:30\n")
    assert asked.servers == "192.0.2.53, 2001:db8::53"
    system.unlink()
    system.write_text("nameserver 198.51.100.53\n")
    assert asked.servers == "198.51.100.53"
    system.write_bytes(b"\xff\xfe nonsense")
    assert asked.servers == ""


async def test_without_any_server_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(resolver.UnansweredError, match="no DNS server is configured"):
        await resolver.Resolver(None, str(tmp_path / "none")).ask(dns.name.root, "NS")


@pytest.mark.parametrize(
    ("port", "said", "words"),
    [
        (53, OSError(101, "Network is unreachable"), " cannot be reached: network is unreachable"),
        (5353, OSError(113, "No route to host"), " port 5353 cannot be reached: no route to host"),
        (53, "SERVFAIL", " answered SERVFAIL"),
        (53, dns.exception.FormError(), " sent an answer that cannot be read: DNS message is mal"),
    ],
)
def test_what_a_server_did_is_told_in_words(port: int, said: object, words: str) -> None:
    server = str(dns.nameserver.Do53Nameserver("192.0.2.1", port))
    asked = dns.message.make_query(".", "NS")
    failed = dns.resolver.NoNameservers(request=asked, errors=[(server, False, port, said, None)])
    assert resolver.why_unanswered(failed).startswith(f"DNS server 192.0.2.1{words}")


async def test_the_second_try_goes_to_the_second_server(tmp_path: Path) -> None:
    with (
        local_servers.DnsServer("127.0.0.1") as dead,
        local_servers.DnsServer("127.0.0.2", dead.port) as alive,
    ):
        dead.fault = "silent"
        alive.add("a.example.", 60, "A", "192.0.2.1")
        system = tmp_path / "resolv.conf"
        system.write_text(f"nameserver {dead.host}\nnameserver {alive.host}\n")
        asked = resolver.Resolver(None, str(system), dead.port)
        answer = await asked.ask(dns.name.from_text("a.example"), "A")
        assert [record.to_text() for record in answer.records] == ["192.0.2.1"]
        assert (len(dead.asked), len(alive.asked)) == (1, 1)


def test_a_fault_of_our_own_is_a_notice_and_no_traceback(
    told: Callable[..., Told],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First in a callback of the event loop, then in the thread's own work."""
    parse = addresses.parse_address
    calls = itertools.count()

    def parse_once(text: str) -> addresses.Address | None:
        if next(calls):
            raise RuntimeError("a [bold]fault[/]\x1b[31m")
        return parse(text)

    monkeypatch.setattr(addresses, "parse_address", parse_once)
    asking = told()

    def notices(events: list[Event]) -> list[Event]:
        return [event for event in events if isinstance(event, Notice)]

    asking.names.want("192.0.2.1")
    asking.wait(notices)
    asking.names.want("192.0.2.2")
    asking.wait(lambda events: len(notices(events)) > 1)
    assert notices(asking.events) == [
        Notice(0, "names: a [bold]fault[/]\\x1b[31m"),
        Notice(0, "no names: RuntimeError: a [bold]fault[/]\\x1b[31m"),
    ]
    assert capfd.readouterr() == ("", "")


def test_dns_and_whois_are_imported_by_the_thread_alone() -> None:
    code = (
        "import sys, tui_trace.names as n;"
        "assert not {'dns', 'ipwhois', 'idna', 'urllib.request'} & set(sys.modules);"
        "from tui_trace.cli import preload; preload.import_modules(preload.NAMES);"
        "before = set(sys.modules);"
        "import dns.message, dns.rrset;"
        "assert 'dns.rdtypes.ANY.PTR' in before and 'dns._asyncio_backend' in before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
