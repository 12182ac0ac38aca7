"""Our reader of whois answers finds what ipwhois finds in the records of the five registries."""

import ipaddress
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipwhois.whois import Whois

from tui_trace.names.whois_records import (
    MAX_NETWORKS,
    WhoisRecord,
    abuse_mailbox,
    narrowest,
    parse_records,
)

ARIN = """
#
# ARIN WHOIS data and services are subject to the Terms of Use
#

# start

NetRange:       192.0.0.0 - 192.0.3.255
CIDR:           192.0.0.0/23, 192.0.2.0/23
NetName:        UPPER-NET
NetHandle:      NET-192-0-0-0-1
Parent:         NET192 (NET-192-0-0-0-0)
NetType:        Direct Allocation
OriginAS:
Organization:   Upper Networks, Inc. (UPPER)
RegDate:        1999-03-01
Updated:        2021-12-14
Ref:            https://rdap.example/registry/ip/192.0.0.0

OrgName:        Upper Networks, Inc.
OrgId:          UPPER
Address:        1 Example Way
City:           Springfield
StateProv:      VA
PostalCode:     20151
Country:        US

OrgTechHandle: TECH-1
OrgTechName:   Technical Contact
OrgTechPhone:  +1-555-0100
OrgTechEmail:  noc@upper.example

OrgAbuseHandle: ABUSE-1
OrgAbuseName:   Abuse
OrgAbuseEmail:  abuse@upper.example

# end

# start

NetRange:       192.0.2.0 - 192.0.2.255
CIDR:           192.0.2.0/24
NetName:        CUSTOMER-7
NetHandle:      NET-192-0-2-0-1
NetType:        Reassigned
CustName:       A Customer
Country:        ca
RegDate:        2010-01-01
Comment:        ask hostmaster@customer.example first

# end
"""

RIPE = """
% This is the RIPE Database query service.
% Information related to '192.0.2.0 - 192.0.2.255'
% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@nines.example'

inetnum:        192.0.2.0 - 192.0.2.255
netname:        NINES-EU
descr:          Nine Networks
descr:          Point of presence 4
                second floor
country:        de
admin-c:        NN1-RIPE
status:         ASSIGNED PA
created:        2004-02-10T10:46:52Z
last-modified:  2019-11-20T14:10:50Z
source:         RIPE # Filtered

role:           Nine Networks NOC
address:        Hauptstraße 1
country:        AT
e-mail:         noc@nines.example
abuse-mailbox:  abuse@nines.example
nic-hdl:        NN1-RIPE

% Information related to '192.0.2.0/24AS64500'

route:          192.0.2.0/24
descr:          as it is announced
origin:         AS64500
mnt-by:         NINES-MNT
"""

APNIC = """
% [whois.apnic.net]
% Information related to '2001:db8::/32'

inet6num:       2001:db8::/32
netname:        PACIFIC-V6
descr:          Pacific Networks Ltd
country:        JP
remarks:        For abuse, write to
remarks:        abuse-team@pacific.example or call
mnt-by:         MAINT-PACIFIC
source:         APNIC

person:         Somebody
e-mail:         somebody@pacific.example
nic-hdl:        SB1-AP
changed:        hm-changed@apnic.example 20080911
"""

LACNIC = """
% Joint Whois - whois.lacnic.net
%  This server accepts single ASN, IPv4 or IPv6 queries

inetnum:     192.0.2/24
status:      allocated
aut-num:     N/A
owner:       Redes del Sur S.A.
ownerid:     UY-RSUR-LACNIC
responsible: Alguien
address:     Rambla 1, 0, 0
country:     UY
phone:       +598 2 555
owner-c:     ALG
created:     20020517
changed:     20150701

nic-hdl:     ALG
person:      Alguien
e-mail:      alguien@sur.example
country:     AR

inetnum:     192.0.2.128/25
owner:       Cliente
country:     PY
inetnum-up:  192.0.2/24
"""

AFRINIC = """
% This is the AfriNIC Whois server.

inetnum:        192.0.2.0 - 192.0.4.255
netname:        SAVANNAH
descr:          Savannah Telecom
country:        KE
org:            ORG-ST1-AFRINIC
source:         AFRINIC
parent:         192.0.0.0 - 192.255.255.255

organisation:   ORG-ST1-AFRINIC
org-name:       Savannah Telecom
e-mail:         hostmaster@savannah.example
"""

ANSWERS = {"arin": ARIN, "ripencc": RIPE, "apnic": APNIC, "lacnic": LACNIC, "afrinic": AFRINIC}


class Reader(Whois):  # type: ignore[misc]
    """ipwhois, reading what it is given."""

    def __init__(self) -> None:
        self._net = SimpleNamespace(address_str="192.0.2.1")


def theirs(answer: str, registry: str) -> list[WhoisRecord]:
    found = Reader().lookup(response=answer, asn_data={"asn_registry": registry}, is_offline=True)
    return [
        WhoisRecord(
            net["cidr"],
            net["name"] or "",
            ", ".join(part.strip() for part in (net["description"] or "").split("\n")),
            net["country"] or "",
            tuple(net["emails"] or ()),
        )
        for net in found["nets"]
    ]


@pytest.mark.parametrize("registry", ANSWERS)
def test_the_same_as_ipwhois(registry: str) -> None:
    found = parse_records(ANSWERS[registry], registry)
    assert len(found) >= 1
    assert found == theirs(ANSWERS[registry], registry)


def summary(registry: str) -> tuple[str, ...]:
    found = parse_records(ANSWERS[registry], registry)
    record = narrowest(found)
    return (
        record.name,
        record.range,
        record.organisation,
        record.country,
        abuse_mailbox(found),
    )


@pytest.mark.parametrize(
    "expected",
    [
        ("arin", "CUSTOMER-7", "192.0.2.0/24", "A Customer", "CA", "abuse@upper.example"),
        (
            "ripencc",
            "NINES-EU",
            "192.0.2.0/24",
            "Nine Networks, Point of presence 4, second floor",
            "DE",
            "abuse@nines.example",
        ),
        (
            "apnic",
            "PACIFIC-V6",
            "2001:db8::/32",
            "Pacific Networks Ltd",
            "JP",
            "abuse-team@pacific.example",
        ),
        ("lacnic", "", "192.0.2.128/25", "Cliente", "PY", "alguien@sur.example"),
        (
            "afrinic",
            "SAVANNAH",
            "192.0.2.0/23, 192.0.4.0/24",
            "Savannah Telecom",
            "KE",
            "hostmaster@savannah.example",
        ),
    ],
    ids=lambda expected: expected[0],
)
def test_what_is_shown_of_each(expected: tuple[str, ...]) -> None:
    registry, *fields = expected
    assert summary(registry) == tuple(fields)


words = st.text("abcdefgxyzäöÅ0123456789-./,()&' ", min_size=1, max_size=30).map(str.strip)
texts = words.filter(lambda text: text and "@" not in text)
hosts = st.from_regex(r"[a-z]{1,8}\.[a-z]{2,3}", fullmatch=True)
mailboxes = st.builds("{}@{}".format, st.from_regex(r"[a-z.\-_]{1,9}", fullmatch=True), hosts)
countries = st.from_regex(r"[A-Za-z]{2}", fullmatch=True)


def ranges_of(registry: str) -> st.SearchStrategy[str]:
    """The lines that begin a network."""
    prefixes = st.builds(
        lambda number, length: str(ipaddress.ip_network((number, length), strict=False)),
        st.integers(0, 2**32 - 1),
        st.integers(8, 32),
    )
    if registry == "arin":
        many = st.lists(prefixes, min_size=1, max_size=3).map(", ".join)
        return many.map("NetRange:       see below\nCIDR:           {}\n".format)
    sixes = st.builds(
        lambda number, length: str(ipaddress.ip_network((number, length), strict=False)),
        st.integers(0, 2**128 - 1),
        st.integers(16, 64),
    )
    spans = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 70_000)).map(
        lambda span: (
            f"{ipaddress.ip_address(span[0])} - "
            f"{ipaddress.ip_address(min(span[0] + span[1], 2**32 - 1))}"
        )
    )
    four = prefixes if registry == "lacnic" else spans | prefixes
    return four.map("inetnum:        {}\n".format) | sixes.map("inet6num:       {}\n".format)


def lines_of(registry: str) -> st.SearchStrategy[str]:
    """Lines of a network, and those that stand around them."""

    def line(key: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return values.map(lambda value: f"{key + ':':15} {value}\n")

    def lines(key: str) -> st.SearchStrategy[str]:
        return st.lists(line(key, texts), min_size=1, max_size=3).map("".join)

    own: dict[str, list[st.SearchStrategy[str]]] = {
        "arin": [
            line("NetName", texts),
            line("OrgName", texts),
            line("CustName", texts),
            line("Country", countries),
            line("OrgAbuseEmail", mailboxes),
            line("City", texts),
        ],
        "lacnic": [
            line("owner", texts),
            line("country", countries),
            line("e-mail", mailboxes),
            line("person", texts),
        ],
    }
    usual = [
        line("netname", texts),
        lines("descr"),
        line("country", countries),
        line("e-mail", mailboxes),
        line("abuse-mailbox", mailboxes),
        line("person", texts),
        line("remarks", texts),
    ]
    around = [st.just("\n"), texts.map("% {}\n".format)]
    return st.one_of(*own.get(registry, usual), *around)


def answers(registry: str) -> st.SearchStrategy[str]:
    """Of one to four networks; a key stands once in each, and none of those looked for last."""
    lines = st.lists(lines_of(registry), max_size=9, unique_by=lambda line: line.split(":")[0])
    section = st.tuples(ranges_of(registry), lines.map("".join), st.just("source: X\n"))
    sections = st.lists(section.map("".join), min_size=1, max_size=4).map("\n".join)
    return sections.map("% a registry\n\n{}\n".format)


@pytest.mark.slow
@pytest.mark.parametrize("registry", ANSWERS)
def test_any_ordinary_record_is_read_as_ipwhois_reads_it(registry: str) -> None:
    @settings(deadline=None, max_examples=150)
    @given(answers(registry))
    def check(answer: str) -> None:
        assert parse_records(answer, registry) == theirs(answer, registry)

    check()


@pytest.mark.parametrize("registry", ANSWERS)
def test_any_text_is_read(registry: str) -> None:
    @settings(deadline=None, max_examples=100)
    @given(st.text(), st.text())
    def check(value: str, rest: str) -> None:
        for key in ("CIDR", "inetnum", "inet6num", "route"):
            found = parse_records(f"{key}: {value}\n{rest}\n", registry)
            assert len(found) <= MAX_NETWORKS

    check()


def test_networks_beyond_the_bound_are_left_out() -> None:
    answer = "".join(f"inetnum: 192.0.2.{host}\nnetname: N{host}\n" for host in range(100))
    found = parse_records(answer, "ripencc")
    assert [record.name for record in found] == [f"N{host}" for host in range(MAX_NETWORKS)]


def test_keys_in_any_case_and_line_ends_of_any_kind() -> None:
    (record,) = parse_records("INETNUM:192.0.2.0/24\nNetname: X\n", "apnic")
    assert record == WhoisRecord("192.0.2.0/24", "X")


@pytest.mark.parametrize(
    "word", ["@", "a@", "@b.c", "a@b", "a@.c", "a@b.", "a@b.c!", "<a@b.cc>", "a" * 300 + "@b.cc"]
)
def test_what_is_no_mailbox(word: str) -> None:
    (record,) = parse_records(f"inetnum: 192.0.2.0/24\ne-mail: {word}\n", "ripencc")
    assert record.mailboxes == ()


def test_an_unknown_registry() -> None:
    lookup: Callable[[], Any] = lambda: parse_records(RIPE, "nobody")  # noqa: E731
    with pytest.raises(KeyError):
        lookup()
