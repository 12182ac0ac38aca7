"""What the kernel gives to a socket without rights: errors, stamps and data.

ip(7) IP_RECVERR, ipv6(7), Documentation/networking/timestamping.rst. The kernel puts an ICMP error
that quotes a probe on the error queue of the socket that sent the probe. The entry has the sender's
address, type and code, and the quoted bytes: of UDP those *behind* the transport header, of ICMP
and TCP those from that header on.
"""

import os
import socket
import time
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Stamp
from tui_trace.wire import linux
from tui_trace.wire.linux import IP_VERSIONS, ArrivalReader, IpVersion, host_and_port

_LONGEST = 2048


class QueuedStamp(NamedTuple):
    """The kernel stamped a packet of this socket as it left."""

    stamp: Stamp
    wall: int
    data: bytes
    """The packet from the link header on; empty if the socket asked for stamps alone."""


class QueuedRefusal(NamedTuple):
    """This machine's kernel refused to send a packet."""

    mtu: int
    """The interface's, in bytes, if the packet was too large."""


class QueuedIcmpError(NamedTuple):
    """An ICMP error for a probe of this socket."""

    address: str
    """Its sender."""
    icmp_type: int
    code: int
    info: int
    """The MTU in bytes, if the error carries one."""
    destination: str
    """Where the probe went."""
    port: int
    data: bytes
    """What was quoted: of UDP the payload, else from the transport header on."""
    wall: int
    stamp: Stamp
    ttl: int | None


class Datagram(NamedTuple):
    """Data that a host sent to this socket."""

    address: str
    port: int
    data: bytes
    wall: int
    stamp: Stamp
    ttl: int | None
    whole: bool


QueueEntry: TypeAlias = QueuedStamp | QueuedRefusal | QueuedIcmpError


class UserSockets:
    """What a process without rights opens at its start."""

    def __init__(self) -> None:
        """Switch kernel receive stamps on: the kernel does so some time after the first request."""
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._arrivals = ArrivalReader()
        self._early = []
        for ip in IP_VERSIONS.values():
            try:
                sock = socket.socket(ip.af, socket.SOCK_DGRAM)
            except OSError:
                continue  # this machine does not have that version
            sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
            self._early.append(sock)

    def close(self) -> None:
        """Close the sockets; nothing can be read any more."""
        for sock in self._early:
            sock.close()
        os.close(self.wake)

    def read(self, sock: socket.socket, ip: IpVersion) -> Datagram | None:
        """Return the next datagram of a socket; None if there is none."""
        now = time.time_ns()
        try:
            data, ancillary, flags, sender = sock.recvmsg(_LONGEST, 256)
        except OSError:
            return None
        wall, stamp, ttl = self._arrivals.read(ancillary, now, ip)
        whole = not flags & socket.MSG_TRUNC
        return Datagram(*host_and_port(sender), data, wall, stamp, ttl, whole)

    def read_error(self, sock: socket.socket, ip: IpVersion) -> QueueEntry | None:
        """Return the next entry of a socket's error queue; None at its end."""
        now = time.time_ns()
        try:
            data, ancillary, _, name = sock.recvmsg(_LONGEST, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        sent, origin, icmp_type, code, info, error = linux.read_extended_error(ancillary)
        if origin == linux.SO_EE_ORIGIN_TIMESTAMPING:
            stamp = Stamp.SCHEDULER if info == linux.SCM_TSTAMP_SCHED else Stamp.KERNEL
            return QueuedStamp(stamp, sent, data)
        if origin not in (linux.SO_EE_ORIGIN_ICMP, linux.SO_EE_ORIGIN_ICMP6):
            return QueuedRefusal(info)
        offender = linux.offender_address(error, ip)
        address, port = host_and_port(name)
        wall, stamp, ttl = self._arrivals.read(ancillary, now, ip)
        return QueuedIcmpError(
            offender, icmp_type, code, info, address, port, data, wall, stamp, ttl
        )


def receive_errors_and_stamps(sock: socket.socket, ip: IpVersion) -> None:
    """Ask for a new socket's ICMP errors, and for the TTL and the time that packets arrive with."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
    sock.setsockopt(ip.level, ip.receive_errors, 1)
    sock.setsockopt(ip.level, ip.receive_ttl, 1)


def stamp_sending(sock: socket.socket, *, scheduler: bool, packets: bool) -> None:
    """Have the kernel stamp packets at the driver, with `scheduler` also before the queue.

    With `packets`, each stamp comes with the packet that it belongs to.
    """
    flags = linux.SOF_TIMESTAMPING_TX_SOFTWARE | linux.SOF_TIMESTAMPING_SOFTWARE
    if scheduler:
        flags |= linux.SOF_TIMESTAMPING_TX_SCHED
    if not packets:
        flags |= linux.SOF_TIMESTAMPING_OPT_TSONLY
    sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPING, flags)
