import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.names.addresses import Address
from tui_trace.names.name_options import Radb
from tui_trace.names.prefixes import MAX_ASN, most_specific, parse_asn, parse_network
from tui_trace.names.whois import WhoisError, parse_origin, service_port

HOST = ipaddress.ip_address("192.0.2.9")
ANSWER = """\
route:          192.0.0.0/16
descr:          a wide one
origin:         AS64496
mnt-by:         MAINT-AS64496
source:         RADB

route:          192.0.2.0/24
origin:         AS64500
source:         RADB

route:          192.0.2.0/23
origin:         AS64501
"""


def test_the_longest_prefix_wins_wherever_it_stands() -> None:
    found = parse_origin(ANSWER, HOST, Radb())
    assert (found.prefix, found.asns) == ("192.0.2.0/24", (64500,))
    backwards = "\n\n".join(reversed(ANSWER.split("\n\n")))
    assert parse_origin(backwards, HOST, Radb()) == found


def test_equal_prefixes_of_different_origin_join() -> None:
    both = ANSWER + "\nroute: 192.0.2.0/24\norigin: AS64502\n"
    assert parse_origin(both, HOST, Radb()).asns == (64500, 64502)
    twice = both + "\nroute: 192.0.2.0/24\norigin: AS64500\n"
    assert parse_origin(twice, HOST, Radb()).asns == (64500, 64502)


def test_a_longer_prefix_takes_the_place_of_those_that_were_joined() -> None:
    more = ANSWER + "\nroute: 192.0.2.0/24\norigin: AS64502\n\nroute: 192.0.2.8/29\norigin: AS7\n"
    found = parse_origin(more, HOST, Radb())
    assert (found.prefix, found.asns) == ("192.0.2.8/29", (7,))


def test_a_subnet_elsewhere_is_not_the_most_specific() -> None:
    lie = ANSWER + "\nroute: 198.51.100.0/32\norigin: AS666\n"
    assert parse_origin(lie, HOST, Radb()).asns == (64500,)


def test_an_origin_counts_for_the_subnet_above_it_only() -> None:
    assert parse_origin("origin: AS1\n" + ANSWER, HOST, Radb()).asns == (64500,)
    unreadable = ANSWER + "\nroute: 192.0.2.9/99\norigin: AS666\n"
    assert parse_origin(unreadable, HOST, Radb()).asns == (64500,)


def test_a_subnet_without_origin_gives_way_to_a_wider_one() -> None:
    found = parse_origin("route: 192.0.2.8/29\n\n" + ANSWER, HOST, Radb())
    assert found.prefix == "192.0.2.0/24"


def test_tags_stand_at_the_start_of_a_line_in_any_case() -> None:
    assert parse_origin("ROUTE: 192.0.2.0/24\r\nOrigin:AS5\r\n", HOST, Radb()).asns == (5,)
    assert parse_origin("x route: 192.0.2.0/24\n origin: AS5\n", HOST, Radb()).asns == ()


def test_the_three_delimiters() -> None:
    radb = Radb(data="as=", route="net=", prefix=" len ")
    found = parse_origin("net=192.0.2.0 len 24\nas=AS64500 # ours\n" + ANSWER, HOST, radb)
    assert (found.prefix, found.asns) == ("192.0.2.0/24", (64500,))
    assert parse_origin("net=192.0.2.0/24\nas=AS1\n", HOST, radb).asns == ()


def test_ipv6_has_a_tag_of_its_own_unless_one_was_given() -> None:
    host = ipaddress.ip_address("2001:db8::9")
    six = "route6: 2001:db8::/32\norigin: AS64500\n"
    assert parse_origin(six, host, Radb()).asns == (64500,)
    assert parse_origin(six, HOST, Radb()).asns == ()
    assert parse_origin("route: 2001:db8::/32\norigin: AS9\n", host, Radb()).asns == ()
    assert parse_origin("route: 2001:db8::/32\norigin: AS9\n", host, Radb(route="route:")).asns == (
        9,
    )


@pytest.mark.parametrize(
    ("service", "port"), [("43", 43), ("whois", 43), ("  4343 ", 4343), ("http", 80)]
)
def test_a_service_is_a_name_or_a_port(service: str, port: int) -> None:
    assert service_port(service) == port


@pytest.mark.parametrize("service", ["", "0", "65536", "-1", "nosuchservice", "x" * 100, "\x00"])
def test_what_is_no_service(service: str) -> None:
    with pytest.raises(WhoisError, match="RA_SERVICE"):
        service_port(service)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("AS64500", 64500),
        ("as1", 1),
        ("64500", 64500),
        ("AS1.10", 65546),
        (str(MAX_ASN), MAX_ASN),
        (str(MAX_ASN + 1), None),
        ("AS0", None),
        ("AS65536.1", None),
        ("AS1.65536", None),
        ("NA", None),
        ("", None),
        ("AS-1", None),
        ("AS64500\n", None),
        ("AS٦", None),
    ],
)
def test_as_numbers(text: str, number: int | None) -> None:
    assert parse_asn(text) == number


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = parse_asn(text)
    assert number is None or 0 < number <= MAX_ASN


@given(st.ip_addresses(), st.data())
def test_a_prefix_is_read_as_ipaddress_reads_it(address: Address, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, address.max_prefixlen))
    delimiter = data.draw(st.sampled_from(["/", " ", "|", "len"]))
    expected = ipaddress.ip_network((address, length), strict=False)
    assert parse_network(f" {address}{delimiter}{length} ", delimiter) == expected


@given(st.text(), st.text(min_size=1, max_size=3))
def test_any_text_is_a_prefix_or_none(text: str, delimiter: str) -> None:
    found = parse_network(text, delimiter)
    assert found is None or delimiter in text


@given(
    st.ip_addresses(v=4),
    st.lists(st.tuples(st.ip_addresses(v=4), st.integers(0, 32), st.integers(1, 5), st.booleans())),
)
def test_the_most_specific_by_the_definition(
    host: Address, drawn: list[tuple[Address, int, int, bool]]
) -> None:
    routes = [
        (ipaddress.ip_network((host if near else other, length), strict=False), number)
        for other, length, number, near in drawn
    ]
    around = [(prefix, number) for prefix, number in routes if host in prefix]
    longest = max((prefix.prefixlen for prefix, _ in around), default=None)
    expected = [number for prefix, number in around if prefix.prefixlen == longest]
    text = "".join(f"route: {prefix}\norigin: AS{number}\n\n" for prefix, number in routes)
    found = parse_origin(text, host, Radb())
    assert found.asns == tuple(dict.fromkeys(expected))
    assert most_specific(((p, [n]) for p, n in routes), host)[1] == list(found.asns)


@given(st.text())
def test_any_answer_is_read(text: str) -> None:
    parse_origin(text, HOST, Radb())
    parse_origin(f"route: {text}\norigin: {text}", HOST, Radb())
