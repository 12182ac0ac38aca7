"""No answer of a stranger stops the process, however it is made."""

import json
import struct
from typing import Any

import dns.message
import dns.name
import pytest

from tests.helpers.heartbeat import listen
from tests.helpers.network_guard import nothing_leaves  # noqa: F401
from tui_trace.names import dns_backend, whois

pytestmark = pytest.mark.slow

HANGS = 5.0
"""Seconds; each of these took far more, or grew with the square of what is let through."""

NETWORK = b"inetnum: 9.9.9.0 - 9.9.9.255\nnetname: NINES\n"
SIZE = whois.MAX_BYTES - 100
WIDE = b"inet6num: ::1 - ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe\n"

WHOIS = {
    "12.7 kB of remarks": NETWORK + b"remarks: a:\n" * 1058,
    "remarks and words": NETWORK + b"remarks: a.a.a a.a\n" * 13_000,
    "one long line": NETWORK + b"remarks: " + b"a " * (SIZE // 2 - 40),
    "one long word": NETWORK + b"remarks: " + b"a" * (SIZE - 60),
    "one long mailbox": NETWORK + b"remarks: " + b"a@a." * (SIZE // 4 - 20),
    "no line end": b"a" * SIZE,
    "line ends": NETWORK + b"\n" * (SIZE - 60),
    "keys": NETWORK + b"a:\n" * (SIZE // 3 - 40),
    "no UTF-8": NETWORK + b"\xff" * (SIZE - 60),
    "no UTF-8 on any line": NETWORK + b"\xff\n" * (SIZE // 2 - 60),
    "mailboxes": NETWORK + b"e-mail: a@a.a\n" * 18_000,
    "other mailboxes": NETWORK + b"".join(b"e-mail: a@a.a%d\n" % n for n in range(13_000)),
    "organisations": NETWORK + b"descr: a\n" * 28_000,
    "wide networks": WIDE * (SIZE // len(WIDE)),
    "many networks": b"inetnum: 9.9.9.9\n" * (SIZE // 17),
    "many prefixes": (b"inetnum: " + b"::," * 330 + b"\n") * 260,
    "zero bytes": NETWORK + b"\x00" * (SIZE - 60),
}


@pytest.mark.parametrize("answer", WHOIS.values(), ids=WHOIS)
def test_a_registry_by_whois(answer: bytes) -> None:
    assert len(answer) <= whois.MAX_BYTES
    heard = listen("whois", answer)
    assert heard.gap < HANGS
    assert heard.seconds < HANGS
    named = heard.found.get("network", "")
    assert named == ("NINES" if answer.startswith(NETWORK) else "")


RADB = {
    "origins": b"route: 9.0.0.0/8\n" + b"".join(b"origin:%d\n" % n for n in range(1, 18_000)),
    "routes": b"route:9.9.9.9/8\norigin:1\n" * 10_000,
    "routes of others": b"".join(b"route:1.1.%d.%d/32\n" % divmod(n, 256) for n in range(12_000)),
    "one long line": b"origin: " + b"1 " * (SIZE // 2 - 10),
    "digits": b"route: 9.0.0.0/8\norigin: " + b"9" * (SIZE - 60),
    "line ends": b"\n" * SIZE,
    "no UTF-8": b"\xff" * SIZE,
}


@pytest.mark.parametrize("answer", RADB.values(), ids=RADB)
def test_an_as_number_by_whois(answer: bytes) -> None:
    heard = listen("radb", answer)
    assert heard.gap < HANGS
    assert heard.seconds < HANGS


def document(**fields: Any) -> bytes:
    network = {
        "handle": "NET-9",
        "name": "NINES",
        "startAddress": "9.9.9.0",
        "endAddress": "9.9.9.255",
        "ipVersion": "v4",
    }
    return json.dumps({**network, **fields}, separators=(",", ":")).encode()


FEW = [{"handle": str(number)} for number in range(28_000)]
RDAP = {
    "entities": document(entities=FEW),
    "entities of one": document(entities=[{"handle": "x", "entities": FEW}]),
    "nested": b'{"entities":[' * 40_000,
    "brackets": b"[" * 500_000,
    "digits": document(a=1)[:-1] + b"," + b'"b":' + b"9" * 400_000 + b"}",
    "octets": document(startAddress="0." * 200_000),
    "links": document(links=[{"href": str(number)} for number in range(20_000)]),
    "wide": document(
        ipVersion="v6", startAddress="::1", endAddress="ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"
    ),
    "cards": document(entities=[{"vcardArray": ["vcard", [["a", {}, "text", "b"]] * 20_000]}]),
    "too long": b" " * 4_000_000,
}


@pytest.mark.parametrize("answer", RDAP.values(), ids=RDAP)
def test_a_registry_by_rdap(answer: bytes) -> None:
    heard = listen("rdap", answer)
    assert heard.gap < HANGS
    assert heard.seconds < HANGS + 1


def message(records: int, total: int) -> bytes:
    """A response whose every name is a pointer to one of 120 labels."""
    wire = bytearray(dns.message.make_query("9.9.9.9.in-addr.arpa", "PTR").to_wire())
    question = struct.pack("!H", 0xC00C)
    long = b"".join(b"\x01%c" % (97 + number % 26) for number in range(112)) + b"\x00"
    at = len(wire) + 12
    count = 0
    data = long
    while count < records and len(wire) + 12 + len(data) <= total:
        wire += question + struct.pack("!HHIH", 12, 1, 60, len(data)) + data
        data = b"\x01%c" % (97 + count % 26) + struct.pack("!H", 0xC000 | at)
        count += 1
    wire[2] |= 0x80
    wire[6:8] = struct.pack("!H", count)
    return bytes(wire)


@pytest.mark.parametrize("total", [8_000, 65_000])
def test_a_resolver(total: int) -> None:
    heard = listen("dns", message(10_000, total))
    assert heard.gap < HANGS
    assert heard.seconds < HANGS
    assert "error" in heard.found


def test_a_resolver_that_is_honest() -> None:
    wire = message(1, 500)
    assert dns_backend.parsing_cost(wire) <= dns_backend.MAX_PARSING_COST
    assert listen("dns", wire).found["names"] != []


def test_what_an_answer_costs() -> None:
    query = dns.message.make_query("9.9.9.9.in-addr.arpa", "PTR")
    answer = dns.message.make_response(query)
    for number in range(1000):
        name = query.question[0].name
        rrset = dns.rrset.from_text(name, 60, "IN", "PTR", f"host{number}.customer.example.")
        answer.find_rrset(answer.answer, name, 1, 12, create=True).update(rrset)
    assert dns_backend.parsing_cost(answer.to_wire(max_size=65_535)) <= dns_backend.MAX_PARSING_COST
    assert dns_backend.parsing_cost(message(10_000, 1232)) > dns_backend.MAX_PARSING_COST
    for broken in (b"", b"\xff" * 3, b"\xff" * 600, message(3, 500)[:-20], b"\x00" * 600):
        dns_backend.parsing_cost(broken)
    loop = query.to_wire()[:12] + b"\xc0\x0c" + b"\x00" * 20
    dns_backend.parsing_cost(loop)
