"""From a name to an address, asked of a resolver of the user's own."""

import time
from collections.abc import Iterator

import pytest

from tests.helpers import local_servers
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.cli.resolve import Egress, resolve
from tui_trace.core.stream import SourceError
from tui_trace.names import DnsServer


@pytest.fixture
def server() -> Iterator[local_servers.DnsServer]:
    with local_servers.DnsServer() as running:
        # the only addresses that this machine surely has a way to
        running.add("both.example.", 60, "A", "127.0.0.9")
        running.add("both.example.", 60, "AAAA", "::1")
        running.add("four.example.", 60, "A", "127.0.0.4", "127.0.0.4")
        running.add("alias.example.", 60, "CNAME", "four.example.")
        running.add("group.example.", 60, "A", "224.0.0.1")
        running.add("empty.example.", 60, "TXT", "x")
        yield running


def ask(server: local_servers.DnsServer, host: str, family: int | None = None) -> tuple[str, int]:
    return resolve(host, family, DnsServer(server.host, server.port))


@pytest.mark.parametrize(
    ("host", "family", "found"),
    [
        ("both.example", None, ("::1", 6)),
        ("both.example", 4, ("127.0.0.9", 4)),
        ("both.example", 6, ("::1", 6)),
        ("BOTH.example.", 4, ("127.0.0.9", 4)),
        ("four.example", None, ("127.0.0.4", 4)),
        ("alias.example", 4, ("127.0.0.4", 4)),
    ],
)
def test_the_server_is_asked(
    server: local_servers.DnsServer, host: str, family: int | None, found: tuple[str, int]
) -> None:
    assert ask(server, host, family) == found
    assert server.asked


@pytest.mark.parametrize(
    ("host", "family", "line"),
    [
        ("four.example", 6, "four.example has no IPv6 address"),
        ("nosuch.example", None, "unknown host 'nosuch.example' (DNS server "),
        ("nosuch.example", 4, "unknown host 'nosuch.example' (DNS server "),
        ("empty.example", None, "has no address for it)"),
        ("group.example", None, "is a multicast or broadcast address (224.0.0.1)"),
        ("a..b", None, "unknown host 'a..b' ("),
        ("x" * 70 + ".example", None, "unknown host"),
        ("\x1b[31m\udcff", None, "unknown host"),
        ("", None, "unknown host"),
    ],
)
def test_what_there_is_no_address_of(
    server: local_servers.DnsServer, host: str, family: int | None, line: str
) -> None:
    with pytest.raises(SourceError) as caught:
        ask(server, host, family)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_is_asked_of_nobody(server: local_servers.DnsServer) -> None:
    assert ask(server, "127.0.0.1") == ("127.0.0.1", 4)
    assert server.asked == []


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("::ffff:127.0.0.3", ("127.0.0.3", 4)),
        ("::FFFF:7f00:3", ("127.0.0.3", 4)),
        ("mapped.example", ("127.0.0.3", 4)),
        ("127.3", ("127.0.0.3", 4)),
        ("0x7f.0.0.3", ("127.0.0.3", 4)),
        ("::0001", ("::1", 6)),
    ],
)
def test_an_address_in_another_form(
    server: local_servers.DnsServer, host: str, found: tuple[str, int]
) -> None:
    server.add("mapped.example.", 60, "AAAA", "::ffff:127.0.0.3")
    assert ask(server, host) == found
    with pytest.raises(SourceError, match=f"IPv{10 - found[1]}"):
        ask(server, host, 10 - found[1])


@pytest.mark.parametrize("host", ["127.0.0.010", "0127.0.0.1", "010", "::ffff:127.0.0.01"])
def test_a_leading_zero_is_refused(server: local_servers.DnsServer, host: str) -> None:
    """To inet_aton(3) such a number is octal, to people it is not."""
    with pytest.raises(SourceError, match="without leading zeros"):
        ask(server, host)
    assert server.asked == []


@pytest.mark.parametrize(("families", "found"), [({4}, 4), ({6}, 6), ({4, 6}, 6), (set(), 6)])
def test_the_source_chooses_the_version(
    server: local_servers.DnsServer, families: set[int], found: int
) -> None:
    asked = DnsServer(server.host, server.port)
    _, version = resolve("both.example", None, asked, Egress(families=frozenset(families)))
    assert version == found


def test_a_link_local_address_names_its_interface(server: local_servers.DnsServer) -> None:
    with pytest.raises(SourceError, match=r"fe80::1 is link-local: name the interface, as in"):
        ask(server, "fe80::1")
    asked = DnsServer(server.host, server.port)
    assert resolve("fe80::1", None, asked, Egress("lo")) == ("fe80::1", 6)
    assert resolve("fe80::1%lo", None, asked, Egress("lo")) == ("fe80::1%lo", 6)
    assert ask(server, "fe80::1%1") == ("fe80::1%lo", 6)
    with pytest.raises(SourceError, match="fe80::1 is on interface 99999, which is not there"):
        ask(server, "fe80::1%99999")
    with pytest.raises(SourceError, match="not on the interface of -I other"):
        resolve("fe80::1%lo", None, asked, Egress("other"))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["silent", "servfail", "refused", "garbage"])
def test_a_server_that_gives_no_answer(server: local_servers.DnsServer, fault: str) -> None:
    server.fault = fault
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"unknown host 'both\.example' \(.*DNS server|no answer"):
        ask(server, "both.example")
    assert time.monotonic() - began < 20


@pytest.mark.slow
def test_silence_about_one_family_does_not_hide_the_other(server: local_servers.DnsServer) -> None:
    class Half(local_servers.DnsServer):
        async def respond(self, wire: bytes, transport: str) -> list[bytes]:
            answers = await super().respond(wire, transport)
            return [] if b"\x00\x1c\x00\x01" in wire else answers

    with Half() as half:
        half.records = server.records
        assert ask(half, "both.example") == ("127.0.0.9", 4)
