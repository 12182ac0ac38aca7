"""Name and whois server of the lab, asked through the link."""

import json
import sys

import pytest

from tests.helpers.event_lines import read_events
from tests.helpers.lab.lab_commands import Inside
from tui_trace.core.events import RegistryRecord
from tui_trace.lab import load_scenario
from tui_trace.lab.server_data import ServerData

ASK = """
import sys, dns.resolver, dns.reversename
server, host = sys.argv[1].rsplit(":", 1)[0].strip("[]"), sys.argv[2]
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.lifetime = [server], 5
for question in sys.argv[3:]:
    name, kind = question.split("/")
    if kind == "PTR":
        name = dns.reversename.from_address(name)
    try:
        print(*sorted(record.to_text() for record in resolver.resolve(name, kind)))
    except Exception as error:
        print(type(error).__name__)
"""

WHOIS = """
import socket, sys
with socket.create_connection((sys.argv[1], 43), 5) as whois:
    whois.sendall(sys.argv[2].encode() + b"\\r\\n")
    print(whois.makefile().read())
"""


def ask(inside: Inside, scenario: str, *questions: str) -> list[str]:
    """One line an answer."""
    return inside(scenario, sys.executable, "-c", ASK, "@dns", "-", *questions).splitlines()


@pytest.mark.parametrize("scenario", ["plain", "ipv6"])
def test_names_numbers_and_owners(inside: Inside, scenario: str) -> None:
    nibbles = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.0.8.b.d.0.1.0.0.2"
    assert ask(
        inside,
        scenario,
        "www.example.com/AAAA",
        "2001:db8:4::80/PTR",
        f"{nibbles}.origin6.asn.cymru.com/TXT",
        f"{nibbles[40:]}.origin6.asn.cymru.com/TXT",
        "AS64502.asn.cymru.com/TXT",
        f"{nibbles[40:]}.ip6.arpa/SOA",
        "nobody.example/AAAA",
        "2001:db8:4::99/PTR",
    ) == [
        "2001:db8:4::80",
        "www.example.com.",
        '"64502 | 2001:db8:3::/48 | ZZ | ripencc | 2020-01-01"',
        '"64502 | 2001:db8:3::/48 | ZZ | ripencc | 2020-01-01"',
        '"64502 | ZZ | ripencc | 2020-01-01 | EXAMPLE-TRANSIT, ZZ"',
        "ns1.transit.example. hostmaster.transit.example. 1 7200 3600 1209600 60",
        "NXDOMAIN",
        "NXDOMAIN",
    ]


def test_the_same_of_ipv4(inside: Inside) -> None:
    assert ask(
        inside,
        "plain",
        "www.example.com/A",
        "203.0.113.80/PTR",
        "2.3.18.198.origin.asn.cymru.com/TXT",
        "3.18.198.in-addr.arpa/SOA",
        "whois.ra.net/A",
        "www.example.com/MX",
    ) == [
        "203.0.113.80",
        "www.example.com.",
        '"64502 | 198.18.3.0/24 | ZZ | ripencc | 2020-01-01"',
        "ns1.transit.example. hostmaster.transit.example. 1 7200 3600 1209600 60",
        "192.0.2.43",
        "NoAnswer",
    ]


def test_whois_has_routes_with_origins(inside: Inside) -> None:
    answer = inside("plain", sys.executable, "-c", WHOIS, "192.0.2.43", "198.18.3.14")
    assert "route:          198.18.3.0/24\n" in answer
    assert "origin:         AS64502\n" in answer
    answer = inside("plain", sys.executable, "-c", WHOIS, "192.0.2.43", "8.8.8.8")
    assert answer.startswith("%  No entries found")


READ = """
import json, sys
from ipwhois.net import Net
from ipwhois.whois import Whois
found = Whois(Net("1.1.1.1")).lookup(
    response=sys.argv[1],
    asn_data={"asn_registry": "ripencc"},
    is_offline=True,
)
print(json.dumps(found["nets"][0]))
"""
"""In the lab, and offline: else ipwhois asks a real server in spite of `response`."""


@pytest.mark.parametrize(
    ("address", "network"),
    [("198.18.3.14", "198.18.3.0/24"), ("2001:db8:3::14", "2001:db8:3::/48")],
)
def test_ipwhois_reads_the_record(inside: Inside, address: str, network: str) -> None:
    answer = ServerData(load_scenario("plain"), ("192.0.2.43",)).whois_reply(address)
    found = json.loads(inside("plain", sys.executable, "-c", READ, answer))
    assert found["cidr"] == network
    assert found["name"] == found["description"] == "EXAMPLE-TRANSIT"
    assert found["emails"] == ["hostmaster@transit.example"]


RECORD = """
import sys
from tui_trace.names import NameOptions, parse_dns_server
from tui_trace.names.service import Names
from tui_trace.core.events import encode
names = Names(lambda event: print(encode(event).decode()), NameOptions(
    names=False, server=parse_dns_server(sys.argv[1]), documentation=True))
names.start()
for address in sys.argv[2:]:
    names.record(address)
assert names.settle(30)
names.stop()
"""


def test_the_registry_has_records_of_the_labs_addresses(inside: Inside) -> None:
    """As `w` asks for them: the lab's name server says where the registry is, its whois answers."""
    asked = {"198.18.3.14": "198.18.3.0/24", "2001:db8:3::14": "2001:db8:3::/48"}
    told = inside(
        "plain", sys.executable, "-c", RECORD, "@dns", *asked, "203.0.113.200", "10.0.0.1"
    )
    records = read_events(told.splitlines())
    found = {one.address: one for one in records if isinstance(one, RegistryRecord)}
    for address, network in asked.items():
        assert found[address] == RegistryRecord(
            0,
            address,
            network="EXAMPLE-TRANSIT",
            range=network,
            organisation="EXAMPLE-TRANSIT",
            country="ZZ",
            abuse="hostmaster@transit.example",
            registry="ripencc",
        )
    assert found["203.0.113.200"].network == "EXAMPLE-HOSTING"
    assert "reserved" in found["10.0.0.1"].error
