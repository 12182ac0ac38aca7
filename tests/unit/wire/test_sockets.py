"""Which receive stamps are believed. What a socket hands over is made here, byte by byte."""

import socket
import struct
import time
from typing import Any

from scapy.layers.inet import ICMP, IP

from tui_trace.core.events import Stamp
from tui_trace.wire.linux import SO_TIMESTAMPNS, ArrivalReader
from tui_trace.wire.raw.sockets import RawSockets

PACKET = bytes(IP(src="192.0.2.1", dst="192.0.2.2", ttl=9) / ICMP(type=0))


class Receiver:
    """Hands over one packet, stamped so many nanoseconds after it is read."""

    def __init__(self, after: int | None) -> None:
        self._after = after

    def recvmsg(self, *_: int) -> Any:
        if self._after is None:
            return PACKET, [], 0, ("192.0.2.1", 0)
        stamp = divmod(time.time_ns() + self._after, 1_000_000_000)
        value = struct.pack("@qq", *stamp)
        return PACKET, [(socket.SOL_SOCKET, SO_TIMESTAMPNS, value)], 0, ("192.0.2.1", 0)


class Empty:
    """Has nothing, or an error that it forgets."""

    def recvmsg(self, *_: int) -> Any:
        raise BlockingIOError


def sockets() -> RawSockets:
    """Without opening any: that takes rights."""
    made = RawSockets.__new__(RawSockets)
    made.arrivals = ArrivalReader()
    return made


def stamp_of(raw: RawSockets, after: int | None) -> Stamp:
    receiver: Any = Receiver(after)
    packet = raw.read(receiver, 4)
    assert packet is not None
    assert (packet.address, packet.ttl) == ("192.0.2.1", 9)
    return packet.stamp


def test_a_stamp_taken_as_the_packet_is_read_is_user_space() -> None:
    raw = sockets()
    assert stamp_of(raw, 1_000) is Stamp.USER
    assert stamp_of(raw, 1_000) is Stamp.USER


def test_once_the_kernel_stamps_it_is_believed() -> None:
    """A packet that comes between our look at the clock and the read has a stamp later than it."""
    raw = sockets()
    assert stamp_of(raw, -1_000_000) is Stamp.KERNEL
    assert stamp_of(raw, 1_000) is Stamp.KERNEL


def test_no_stamp_at_all() -> None:
    raw = sockets()
    assert stamp_of(raw, -1_000_000) is Stamp.KERNEL
    assert stamp_of(raw, None) is Stamp.USER


def test_nothing_to_read() -> None:
    receiver: Any = Empty()
    assert sockets().read(receiver, 4) is None
