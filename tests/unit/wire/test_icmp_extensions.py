"""ICMP extensions as scapy and the RFCs have them, and whatever else a router may send."""

import random
import struct

import pytest
from scapy.contrib.mpls import MPLS, ICMPExtension_MPLS
from scapy.layers.inet import ICMPExtension_Header

from tests.helpers.icmp_messages import message
from tui_trace.core.events import Interface, MplsLabel
from tui_trace.wire.packets import icmp_extensions
from tui_trace.wire.packets.checksum import ones_sum
from tui_trace.wire.packets.icmp_extensions import decode_extensions, split_extensions

FAMILIES = pytest.mark.parametrize("family", [4, 6])


def sealed(objects: bytes, version: int = 2) -> bytes:
    """An extension structure with its checksum."""
    head = bytes((version << 4, 0))
    total = ones_sum(head + b"\0\0" + objects)
    return head + struct.pack("!H", (0xFFFF - total) % 0xFFFF or 0xFFFF) + objects


def an_object(number: int, kind: int, payload: bytes) -> bytes:
    return struct.pack("!HBB", 4 + len(payload), number, kind) + payload


LABELS = (MplsLabel(24102, 0, False, 2), MplsLabel(16007, 5, True, 1))
STACK = an_object(1, 1, bytes.fromhex("05E2600203E87B01"))


def test_labels_are_those_that_scapy_builds() -> None:
    stack = [MPLS(label=24102, cos=0, s=0, ttl=2), MPLS(label=16007, cos=5, s=1, ttl=1)]
    built = bytes(ICMPExtension_Header() / ICMPExtension_MPLS(stack=stack))
    assert decode_extensions(built) == (LABELS, ())
    assert decode_extensions(sealed(STACK)) == (LABELS, ())


def test_interfaces_as_the_rfc_draws_them() -> None:
    """RFC 5837 §4: index, address, name with a length that counts itself, MTU."""
    name = b"\x0cet-0/0/2.0\0"
    address4 = b"\0\1\0\0" + bytes((198, 51, 100, 3))
    address6 = b"\0\2\0\0" + bytes.fromhex("20010db8000000000000000000000003")
    index, mtu = struct.pack("!I", 517), struct.pack("!I", 9192)
    told = {
        an_object(2, 0x0F, index + address4 + name + mtu): Interface(
            "incoming", 517, "198.51.100.3", "et-0/0/2.0", 9192
        ),
        an_object(2, 0x4F, index + address6 + name + mtu): Interface(
            "sub-ip", 517, "2001:db8::3", "et-0/0/2.0", 9192
        ),
        an_object(2, 0x83, name + mtu): Interface("outgoing", name="et-0/0/2.0", mtu=9192),
        an_object(2, 0xC4, address4): Interface("next-hop", address="198.51.100.3"),
        an_object(2, 0x01, mtu): Interface("incoming", mtu=9192),
    }
    for data, interface in told.items():
        assert decode_extensions(sealed(data)) == ((), (interface,))
    both = sealed(STACK + an_object(2, 0x83, name + mtu) + an_object(2, 1, mtu))
    assert decode_extensions(both) == (
        LABELS,
        (Interface("outgoing", name="et-0/0/2.0", mtu=9192), Interface("incoming", mtu=9192)),
    )


@FAMILIES
def test_the_quote_ends_where_the_header_says(family: int) -> None:
    extension = sealed(STACK)
    for quoted in (128, 136, 160):
        quote = bytes(range(100)) + bytes(quoted - 100)
        assert split_extensions(message(family, quote, extension), family) == (quote, extension)


@FAMILIES
def test_without_a_length_the_extension_is_tried_at_128(family: int) -> None:
    quote, extension = b"\x45" * 128, sealed(STACK)
    assert split_extensions(message(family, quote, extension, 0), family) == (quote, extension)
    # a longer probe whose bytes there look like nothing of the kind
    broken = bytes((extension[0], extension[1], extension[2] ^ 1)) + extension[3:]
    other = b"\x45" + extension[1:]
    for rest in (broken, other, b"\x20\0\0", b""):
        assert split_extensions(message(family, quote, rest, 0), family) == (quote + rest, b"")


@FAMILIES
def test_a_length_with_nothing_behind_it_or_too_long(family: int) -> None:
    quote = bytes(range(128))
    assert split_extensions(message(family, quote, b""), family) == (quote, b"")
    assert split_extensions(message(family, quote, sealed(STACK), 250), family)[1] == b""
    assert split_extensions(message(family, quote, b"garbage"), family) == (quote, b"")


def test_a_checksum_of_zero_was_not_computed() -> None:
    extension = b"\x20\0\0\0" + STACK
    assert split_extensions(message(4, bytes(128), extension), 4) == (bytes(128), extension)


def test_an_mtu_is_no_length() -> None:
    """Byte 4 of a Packet Too Big is the MTU's first, and it has no extensions (RFC 4884 §4)."""
    too_big = bytes((2, 0, 0, 0, 16, 0, 5, 0)) + bytes(range(200))
    assert split_extensions(too_big, 6) == (too_big[8:], b"")


@pytest.mark.parametrize(
    "objects",
    [
        b"",
        b"\0\0\1\1",
        b"\0\3\1\1",
        b"\xff\xff\1\1" + bytes(8),
        an_object(1, 1, b"\1\2\3"),
        an_object(1, 1, b""),
        an_object(1, 2, bytes(8)),
        an_object(77, 1, bytes(8)),
    ],
)
def test_objects_that_say_nothing(objects: bytes) -> None:
    assert decode_extensions(sealed(objects)) == ((), ())
    if objects not in (b"", b"\0\0\1\1", b"\0\3\1\1") and objects[0] != 0xFF:
        assert decode_extensions(sealed(objects + STACK)) == (LABELS, ())


def test_endless_stacks_are_cut() -> None:
    labels, interfaces = decode_extensions(
        sealed(an_object(1, 1, b"\0\1\0\1" * 300) * 2 + an_object(2, 0xC0, b"") * 50)
    )
    assert (len(labels), len(interfaces)) == (16, 4)


def test_an_interface_cut_short_or_with_a_lying_name() -> None:
    for payload in (b"", b"\0", b"\xff" + b"a" * 20, b"\0" * 40, b"\0\1", b"\0\2\0\0\1"):
        for kind in range(0, 256, 5):
            _, interfaces = decode_extensions(sealed(an_object(2, kind, payload)))
            for each in interfaces:
                assert len(each.name) <= 255


def test_a_hundred_thousand_hostile_messages() -> None:
    """Whatever is flipped, cut or invented: a quote, an extension and no exception."""
    rng = random.Random(4884)
    name = b"\x0cet-0/0/2.0\0"
    good = sealed(STACK + an_object(2, 0x0B, bytes(4) + name + bytes(4)))
    scapy_saw = 0
    for number in range(100_000):
        family = 4 if number % 2 else 6
        extension = bytearray(good)
        for _ in range(rng.randrange(4)):
            extension[rng.randrange(len(extension))] = rng.randrange(256)
        if rng.random() < 0.3:  # with a checksum that lets it through to the dissectors
            extension = bytearray(sealed(bytes(extension[4:])))
        quote = rng.randbytes(rng.choice((0, 28, 128, 128, 136)))
        length = rng.choice((None, None, 0, 1, 255))
        data = bytearray(message(family, quote, bytes(extension), length))
        if number % 3 == 0:
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = data[: rng.choice((len(data), len(data), rng.randrange(len(data) + 1)))]
        quoted, found = split_extensions(bytes(data), family)
        assert len(quoted) + len(found) <= len(data)
        if found:
            scapy_saw += 1
            for label in decode_extensions(found)[0]:
                assert 0 <= label.label < 1 << 20
                assert 0 <= label.traffic_class < 8
    assert scapy_saw > 10_000
    assert icmp_extensions.decode_extensions.cache_info().currsize <= 1024
