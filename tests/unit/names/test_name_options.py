import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_trace.core.ip_literals import Address, unmapped
from tui_trace.core.settings import SettingError
from tui_trace.names import AsnSource, DnsServer, Radb, parse_asn_source, parse_dns_server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", DnsServer("192.0.2.1", 53)),
        (" 192.0.2.1:5353 ", DnsServer("192.0.2.1", 5353)),
        ("2001:db8::1", DnsServer("2001:db8::1", 53)),
        ("2001:db8::1:5353", DnsServer("2001:db8::1:5353", 53)),
        ("[2001:db8::1]", DnsServer("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", DnsServer("2001:db8::1", 5353)),
        ("fe80::1%eth0", DnsServer("fe80::1%eth0", 53)),
        ("::ffff:192.0.2.1", DnsServer("192.0.2.1", 53)),
        ("[::ffff:192.0.2.1]:5353", DnsServer("192.0.2.1", 5353)),
    ],
)
def test_a_dns_server(text: str, server: DnsServer) -> None:
    assert parse_dns_server(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.1:5x",
        "192.0.2.1:٥٣",
        "192.0.2.256",
        "192.0.02.1",
        "[192.0.2.1]:53",
        "[2001:db8::1",
        "[2001:db8::1]53",
        "[2001:db8::1]:",
        "2001:db8::g",
        ":53",
        "192.0.2.1:53:53",
    ],
)
def test_what_is_no_dns_server_gets_one_line(text: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_dns_server(text)
    assert str(caught.value).startswith("--dns-server takes an address")
    assert "\n" not in str(caught.value)


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_a_dns_server_is_read_as_it_is_written(address: Address, port: int) -> None:
    server = DnsServer(str(unmapped(address)), port)
    assert parse_dns_server(str(server)) == server


@given(st.text())
def test_any_text_is_a_server_or_a_setting_error(text: str) -> None:
    try:
        server = parse_dns_server(text)
    except SettingError:
        return
    assert 1 <= server.port <= 65_535


def test_sources_of_as_numbers() -> None:
    assert parse_asn_source("RADB") is AsnSource.RADB
    assert parse_asn_source("cymru") is AsnSource.CYMRU
    with pytest.raises(SettingError, match="--asn-source takes cymru or radb, not 'ripe'"):
        parse_asn_source("ripe")


def test_unset_variables_mean_the_defaults_of_the_manual_page() -> None:
    radb = Radb.from_environment({})
    assert (radb.server, radb.service, radb.data, radb.prefix) == (
        "whois.ra.net",
        "whois",
        "origin:",
        "/",
    )
    assert radb.route is None
    assert Radb.from_environment({"RA_SERVER": "", "ROUTE_DELIMITER": ""}) == radb


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("RA_SERVER", "server"),
        ("RA_SERVICE", "service"),
        ("DATA_DELIMITER", "data"),
        ("ROUTE_DELIMITER", "route"),
        ("PREFIX_DELIMITER", "prefix"),
    ],
)
def test_each_variable_counts_to_its_hundredth_character(variable: str, field: str) -> None:
    hundred = "x" * 100
    for given_value in (hundred, hundred + "y", hundred + "z" * 4000):
        assert getattr(Radb.from_environment({variable: given_value}), field) == hundred
    assert getattr(Radb.from_environment({variable: "x"}), field) == "x"
