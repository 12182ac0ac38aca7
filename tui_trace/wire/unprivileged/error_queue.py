"""What the kernel tells a socket without rights: errors, stamps and data, in one shape.

ip(7) IP_RECVERR, ipv6(7), Documentation/networking/timestamping.rst. An ICMP error that quotes a
probe lands on the error queue of the socket that sent it, with the sender's address, type and code
and the quote's bytes *above* the transport header (ICMP and TCP: from that header on).
"""

import os
import socket
import time
from typing import NamedTuple

from tui_trace.core.events import Stamp
from tui_trace.wire import linux
from tui_trace.wire.linux import IP_VERSIONS, ArrivalReader, IpVersion, host_and_port

_LONGEST = 2048


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
        self._arrivals = ArrivalReader()
        self._early = []
        for ip in IP_VERSIONS.values():
            try:
                sock = socket.socket(ip.af, socket.SOCK_DGRAM)
            except OSError:
                continue  # this machine does not speak that version
            sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
            self._early.append(sock)

    def close(self) -> None:
        """Give them back."""
        for sock in self._early:
            sock.close()
        os.close(self.wake)

    def read(self, sock: socket.socket, ip: IpVersion) -> Datagram | None:
        """The next datagram; None if there is none."""
        now = time.time_ns()
        try:
            data, ancillary, flags, sender = sock.recvmsg(_LONGEST, 256)
        except OSError:
            return None
        wall, stamp, ttl = self._arrivals.read(ancillary, now, ip)
        whole = not flags & socket.MSG_TRUNC
        return Datagram(*host_and_port(sender), data, wall, stamp, ttl, whole)

    def read_error(self, sock: socket.socket, ip: IpVersion) -> Sending | Refused | Failure | None:
        """The next entry of the error queue; None at its end."""
        now = time.time_ns()
        try:
            data, ancillary, _, name = sock.recvmsg(_LONGEST, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        sent, origin, icmp_type, code, info, error = linux.read_extended_error(ancillary)
        if origin == linux.SO_EE_ORIGIN_TIMESTAMPING:
            stamp = Stamp.SCHEDULER if info == linux.SCM_TSTAMP_SCHED else Stamp.KERNEL
            return Sending(stamp, sent, data)
        if origin not in (linux.SO_EE_ORIGIN_ICMP, linux.SO_EE_ORIGIN_ICMP6):
            return Refused(info)
        offender = linux.offender_address(error, ip)
        address, port = host_and_port(name)
        wall, stamp, ttl = self._arrivals.read(ancillary, now, ip)
        return Failure(offender, icmp_type, code, info, address, port, data, wall, stamp, ttl)


def listen(sock: socket.socket, ip: IpVersion) -> None:
    """Have a new socket tell of errors, of the TTL and the time that packets arrive with."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
    sock.setsockopt(ip.level, ip.receive_errors, 1)
    sock.setsockopt(ip.level, ip.receive_ttl, 1)


def stamp_sending(sock: socket.socket, *, scheduler: bool, packets: bool) -> None:
    """Have the kernel stamp what leaves, at the driver and maybe before its queue.

    `packets`: each stamp comes with the packet that it is of.
    """
    flags = linux.SOF_TIMESTAMPING_TX_SOFTWARE | linux.SOF_TIMESTAMPING_SOFTWARE
    if scheduler:
        flags |= linux.SOF_TIMESTAMPING_TX_SCHED
    if not packets:
        flags |= linux.SOF_TIMESTAMPING_OPT_TSONLY
    sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPING, flags)
