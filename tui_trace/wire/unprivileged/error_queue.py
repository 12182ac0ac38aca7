"""What the kernel tells a socket without rights: errors, stamps and data, in one shape.

ip(7) IP_RECVERR, ipv6(7), Documentation/networking/timestamping.rst. An ICMP error that quotes a
probe lands on the error queue of the socket that sent it, with the sender's address, type and code
and the quote's bytes *above* the transport header (ICMP and TCP: from that header on).
"""

import os
import socket
import struct
import time
from typing import NamedTuple

from tui_trace.core.events import Stamp

_SO_TIMESTAMPNS = 35
_SO_TIMESTAMPING = 37
_TX_STAMPS = 1 << 1 | 1 << 4
"""TX_SOFTWARE, SOFTWARE (linux/net_tstamp.h)."""
_TX_SCHED = 1 << 8
_TSONLY = 1 << 11

_LOCAL, _ICMP, _ICMP6, _STAMPED = 1, 2, 3, 4
"""Of `ee_origin` (linux/errqueue.h)."""
_SCHEDULED = 1

_LONGEST = 2048

_timespec = struct.Struct("@qq")
_extended_error = struct.Struct("@IBBBBII")
_int = struct.Struct("@i")


class IpVersion(NamedTuple):
    """What differs between the two versions of IP, by the kernel's numbers."""

    version: int
    af: socket.AddressFamily
    level: int
    ttl: int
    tos: int
    errors: int
    """RECVERR."""
    tell_ttl: int
    told_ttl: int
    mtu_discover: int
    unicast_if: int
    icmp: int
    echo: int
    """ICMP type of the request."""
    header: int
    """Bytes of the IP header."""

    def place(
        self, address: str, port: int, interface: int
    ) -> tuple[str, int] | tuple[str, int, int, int]:
        """A socket address."""
        if self.version == 4:
            return address, port
        # only link-local addresses, fe80::/10, have a scope (RFC 4007)
        is_local = address.lower().startswith(("fe8", "fe9", "fea", "feb"))
        return address.partition("%")[0], port, 0, interface if is_local else 0


DIALECTS = {
    4: IpVersion(
        *(4, socket.AF_INET, socket.IPPROTO_IP),
        *(socket.IP_TTL, socket.IP_TOS, 11, 12, socket.IP_TTL, 10, 50),
        *(socket.IPPROTO_ICMP, 8, 20),
    ),
    6: IpVersion(
        *(6, socket.AF_INET6, socket.IPPROTO_IPV6),
        *(socket.IPV6_UNICAST_HOPS, socket.IPV6_TCLASS, 25, socket.IPV6_RECVHOPLIMIT),
        *(socket.IPV6_HOPLIMIT, 23, 76),
        *(socket.IPPROTO_ICMPV6, 128, 40),
    ),
}


class Sending(NamedTuple):
    """The kernel stamped what this socket sent."""

    stamp: Stamp
    wall: int
    data: bytes
    """The packet from the link header on; empty where only stamps were asked for."""


class Refused(NamedTuple):
    """Our own kernel would not send it."""

    mtu: int
    """Bytes; what the interface takes, if it was too large."""


class Failure(NamedTuple):
    """An ICMP error for a probe of this socket."""

    address: str
    """Its sender."""
    icmp_type: int
    code: int
    info: int
    """The MTU, of those that carry one."""
    destination: str
    """Where the probe went."""
    port: int
    data: bytes
    """What was quoted: of UDP, payload; else from the transport header on."""
    wall: int
    stamp: Stamp
    ttl: int | None


class Datagram(NamedTuple):
    """Data from somebody."""

    address: str
    port: int
    data: bytes
    wall: int
    stamp: Stamp
    ttl: int | None
    whole: bool


class UserSockets:
    """What a process opens at its start, if it is to trace without rights."""

    def __init__(self) -> None:
        """Switch kernel receive stamps on: the kernel does so some time after the first request."""
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stamping = False
        self._early = []
        for dialect in DIALECTS.values():
            try:
                sock = socket.socket(dialect.af, socket.SOCK_DGRAM)
            except OSError:
                continue  # this machine does not speak that version
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._early.append(sock)

    def close(self) -> None:
        """Give them back."""
        for sock in self._early:
            sock.close()
        os.close(self.wake)

    def read(self, sock: socket.socket, dialect: IpVersion) -> Datagram | None:
        """The next datagram; None if there is none."""
        now = time.time_ns()
        try:
            data, ancillary, flags, sender = sock.recvmsg(_LONGEST, 256)
        except OSError:
            return None
        wall, stamp, ttl = self._arrival(ancillary, dialect, now)
        whole = not flags & socket.MSG_TRUNC
        return Datagram(*_place(sender), data, wall, stamp, ttl, whole)

    def read_error(
        self, sock: socket.socket, dialect: IpVersion
    ) -> Sending | Refused | Failure | None:
        """The next entry of the error queue; None at its end."""
        now = time.time_ns()
        try:
            data, ancillary, _, name = sock.recvmsg(_LONGEST, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        origin = icmp_type = code = info = sent = 0
        offender = ""
        for level, kind, value in ancillary:
            if level == dialect.level and kind == dialect.errors:
                _, origin, icmp_type, code, _, info, _ = _extended_error.unpack_from(value)
                offender = _offender(value, dialect)
            elif level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
                sent = _nanoseconds(value)
        if origin == _STAMPED:
            stamp = Stamp.SCHEDULER if info == _SCHEDULED else Stamp.KERNEL
            return Sending(stamp, sent, data)
        if origin not in (_ICMP, _ICMP6):
            return Refused(info)
        address, port = _place(name)
        wall, stamp, ttl = self._arrival(ancillary, dialect, now)
        return Failure(offender, icmp_type, code, info, address, port, data, wall, stamp, ttl)

    def _arrival(
        self, ancillary: list[tuple[int, int, bytes]], dialect: IpVersion, now: int
    ) -> tuple[int, Stamp, int | None]:
        wall, stamp, ttl = now, Stamp.USER, None
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                wall = _nanoseconds(value)
                # A packet that arrived unstamped is stamped as it is read, so after `now`.
                self._stamping = self._stamping or wall < now
                stamp = Stamp.KERNEL if self._stamping else Stamp.USER
            elif level == dialect.level and kind == dialect.told_ttl:
                (ttl,) = _int.unpack_from(value)
        return wall, stamp, ttl


def listen(sock: socket.socket, dialect: IpVersion) -> None:
    """Have a new socket tell of errors, of the TTL and the time that packets arrive with."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(dialect.level, dialect.errors, 1)
    sock.setsockopt(dialect.level, dialect.tell_ttl, 1)


def stamp_sending(sock: socket.socket, *, scheduler: bool, packets: bool) -> None:
    """Have the kernel stamp what leaves, at the driver and maybe before its queue.

    `packets`: each stamp comes with the packet that it is of.
    """
    flags = _TX_STAMPS | (_TX_SCHED if scheduler else 0) | (0 if packets else _TSONLY)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, flags)


def _nanoseconds(value: bytes) -> int:
    seconds, nanoseconds = _timespec.unpack_from(value)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _offender(value: bytes, dialect: IpVersion) -> str:
    """The socket address behind the extended error (SO_EE_OFFENDER)."""
    start, length = (20, 4) if dialect.version == 4 else (24, 16)
    packed = value[start : start + length]
    return socket.inet_ntop(dialect.af, packed) if len(packed) == length else ""


def _place(name: object) -> tuple[str, int]:
    """Address without its scope, and port."""
    if not isinstance(name, tuple):
        return "", 0
    return str(name[0]).partition("%")[0], int(name[1])
