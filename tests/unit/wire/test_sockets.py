"""What is read off sockets: many packets at once, and who stamped them."""

import contextlib
import socket
import struct
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tui_trace.core.events import Stamp
from tui_trace.wire import linux
from tui_trace.wire.linux import IP_VERSIONS, ArrivalReader
from tui_trace.wire.raw.message_reader import MAX_MESSAGES, MessageReader

NOW = 1_700_000_000_000_000_000


def stamp_of(reader: ArrivalReader, after: int | None) -> Stamp:
    """The stamp of a packet that the kernel says came so many ns after we looked at the clock."""
    ancillary = []
    if after is not None:
        seconds, nanoseconds = divmod(NOW + after, 10**9)
        packed = struct.pack("@qq", seconds, nanoseconds)
        ancillary.append((socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, packed))
    return reader.read(ancillary, NOW, IP_VERSIONS[4])[1]


def test_a_stamp_taken_as_the_packet_is_read_is_user_space() -> None:
    reader = ArrivalReader()
    assert stamp_of(reader, 1_000) is Stamp.USER
    assert stamp_of(reader, 1_000) is Stamp.USER


def test_once_the_kernel_stamps_it_is_believed() -> None:
    """A packet that comes between our look at the clock and the read has a stamp later than it."""
    reader = ArrivalReader()
    assert stamp_of(reader, -1_000_000) is Stamp.KERNEL
    assert stamp_of(reader, 1_000) is Stamp.KERNEL


def test_no_stamp_at_all() -> None:
    reader = ArrivalReader()
    assert stamp_of(reader, -1_000_000) is Stamp.KERNEL
    assert stamp_of(reader, None) is Stamp.USER


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A sender, and a receiver that asks for stamps and TTLs; both on loopback."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
        receiver.setsockopt(socket.IPPROTO_IP, IP_VERSIONS[4].receive_ttl, 1)
        sender.connect(receiver.getsockname())
        yield sender, receiver


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=80), st.integers(1, 300))
def test_many_packets_are_read_as_one_by_one(sent: list[bytes], size: int) -> None:
    """The same packets by `socket.recvmsg`: the kernel copies them for another look (MSG_PEEK)."""
    reader = MessageReader(size)
    with pair() as (sender, receiver):
        for data in sent:
            sender.send(data)
        read = 0
        while read < len(sent):
            first, ancillary, flags, _ = receiver.recvmsg(size, 256, socket.MSG_PEEK)
            messages = reader.read(receiver)
            assert len(messages) == min(MAX_MESSAGES, len(sent) - read)
            assert messages[0].data == first
            assert messages[0].ancillary == ancillary
            assert messages[0].whole is not bool(flags & socket.MSG_TRUNC)
            for message in messages:
                assert message.data == sent[read][:size]
                assert message.whole is (len(sent[read]) <= size)
                assert [each[:2] for each in message.ancillary] == [each[:2] for each in ancillary]
                read += 1
        assert reader.read(receiver) == []


def test_the_sender_is_told() -> None:
    with pair() as (sender, receiver):
        sender.send(b"x")
        (message,) = MessageReader(10).read(receiver)
        family, port, address = struct.unpack_from("!2sH4s", message.name)
        assert (port, address) == (sender.getsockname()[1], socket.inet_aton("127.0.0.1"))
        assert int.from_bytes(family, "little") == socket.AF_INET or family[1] == socket.AF_INET
