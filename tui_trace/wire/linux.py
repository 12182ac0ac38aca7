"""What Linux's sockets have and the module `socket` lacks: numbers, and messages beside the data.

socket(7), ip(7), ipv6(7), linux/errqueue.h, linux/net_tstamp.h and
Documentation/networking/timestamping.rst of the kernel.
"""

import errno
import os
import resource
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from tui_trace.core.events import Stamp

SO_ATTACH_FILTER = 26
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_TIMESTAMPING = 37

SOF_TIMESTAMPING_TX_SOFTWARE = 1 << 1
SOF_TIMESTAMPING_SOFTWARE = 1 << 4
SOF_TIMESTAMPING_TX_SCHED = 1 << 8
SOF_TIMESTAMPING_OPT_TSONLY = 1 << 11
SCM_TSTAMP_SCHED = 1
"""In `ee_info` of a send stamp: taken as the packet entered the interface's queue."""

SO_EE_ORIGIN_LOCAL = 1
SO_EE_ORIGIN_ICMP = 2
SO_EE_ORIGIN_ICMP6 = 3
SO_EE_ORIGIN_TIMESTAMPING = 4

IP_RECVERR = 11
IPV6_RECVERR = 25
PMTUDISC_DONT = 0
PMTUDISC_DO = 2
PMTUDISC_PROBE = 3
PMTUDISC_INTERFACE = 4

SOL_RAW = 255
ICMP_FILTER = 1
ICMP6_FILTER = 1

AncillaryData: TypeAlias = Iterable[tuple[int, int, bytes]]
"""Control messages as `socket.recvmsg` gives them: level, type, data."""
SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]

# plain numbers: an enum's comparison costs more than all the rest of a control message
_SOL_SOCKET = int(socket.SOL_SOCKET)
_KERNEL, _USER = Stamp.KERNEL, Stamp.USER

_timespec = struct.Struct("@qq")
_extended_error = struct.Struct("@IBBBBII")
_int = struct.Struct("@i")


class IpVersion(NamedTuple):
    """What differs between the two versions of IP, in the kernel's numbers."""

    version: int
    """4 or 6."""
    af: socket.AddressFamily
    header_length: int
    """Bytes of the IP header."""
    icmp: int
    """IP protocol."""
    level: int
    """Of the socket options and control messages below."""
    set_ttl: int
    set_tos: int
    mtu_discover: int
    unicast_if: int
    receive_errors: int
    """Option and control message: IP_RECVERR."""
    receive_ttl: int
    received_ttl: int
    """Control message that carries the TTL of a packet that came in."""


IP_VERSIONS = {
    4: IpVersion(
        version=4,
        af=socket.AF_INET,
        header_length=20,
        icmp=socket.IPPROTO_ICMP,
        level=socket.IPPROTO_IP,
        set_ttl=socket.IP_TTL,
        set_tos=socket.IP_TOS,
        mtu_discover=10,
        unicast_if=50,
        receive_errors=IP_RECVERR,
        receive_ttl=12,
        received_ttl=socket.IP_TTL,
    ),
    6: IpVersion(
        version=6,
        af=socket.AF_INET6,
        header_length=40,
        icmp=socket.IPPROTO_ICMPV6,
        level=socket.IPPROTO_IPV6,
        set_ttl=socket.IPV6_UNICAST_HOPS,
        set_tos=socket.IPV6_TCLASS,
        mtu_discover=23,
        unicast_if=76,
        receive_errors=IPV6_RECVERR,
        receive_ttl=socket.IPV6_RECVHOPLIMIT,
        received_ttl=socket.IPV6_HOPLIMIT,
    ),
}


class ArrivalReader:
    """Reads when, and with which TTL, packets arrived.

    The kernel begins to stamp some time after the first socket asked for it. A packet that arrived
    before that is stamped as it is read: such a stamp is no better than one of this program.
    """

    def __init__(self) -> None:
        self._kernel_stamps = False

    def read(
        self, ancillary: AncillaryData, now: int, ip: IpVersion
    ) -> tuple[int, Stamp, int | None]:
        """Return ns since 1970, the clock that stamped them, and the TTL, if the kernel gave it.

        `now` was taken just before the packet was read; it stands in for a stamp.
        """
        wall, stamp, ttl = now, _USER, None
        for level, kind, value in ancillary:
            if kind == SO_TIMESTAMPNS and level == _SOL_SOCKET:
                seconds, nanoseconds = _timespec.unpack_from(value)
                wall = seconds * 1_000_000_000 + nanoseconds
                # a stamp that was taken as the packet is read is later than `now`
                if self._kernel_stamps or wall < now:
                    self._kernel_stamps = True
                    stamp = _KERNEL
            elif kind == ip.received_ttl and level == ip.level:
                (ttl,) = _int.unpack_from(value)
        return wall, stamp, ttl


def read_extended_error(ancillary: AncillaryData) -> tuple[int, int, int, int, int, bytes]:
    """Return what the control messages of an error queue's entry say.

    Send stamp in ns since 1970, or 0; origin (`SO_EE_ORIGIN_…`), ICMP type, code and info, all 0
    if there is no extended error; and the extended error's bytes.
    """
    sent = origin = icmp_type = code = info = 0
    error = b""
    for level, kind, value in ancillary:
        if level == _SOL_SOCKET:
            if kind == SO_TIMESTAMPING:
                seconds, nanoseconds = _timespec.unpack_from(value)
                sent = seconds * 1_000_000_000 + nanoseconds
        elif kind in (IP_RECVERR, IPV6_RECVERR):
            error = value
            _, origin, icmp_type, code, _, info, _ = _extended_error.unpack_from(value)
    return sent, origin, icmp_type, code, info, error


def offender_address(extended_error: bytes, ip: IpVersion) -> str:
    """Return the address behind an extended error (SO_EE_OFFENDER): the ICMP error's sender."""
    start, length = (20, 4) if ip.version == 4 else (24, 16)
    packed = extended_error[start : start + length]
    return socket.inet_ntop(ip.af, packed) if len(packed) == length else ""


def socket_address(ip: IpVersion, address: str, port: int, interface: int) -> SocketAddress:
    """Return what `bind` and `connect` take; `interface` is an index, 0 for none.

    Only link-local addresses, fe80::/10, have a scope (RFC 4007).
    """
    if ip.version == 4:
        return address, port
    is_local = address.lower().startswith(("fe8", "fe9", "fea", "feb"))
    return address.partition("%")[0], port, 0, interface if is_local else 0


def host_and_port(name: object) -> tuple[str, int]:
    """Return address, without its scope, and port of what `recvmsg` names; "" and 0 for none."""
    if not isinstance(name, tuple):
        return "", 0
    return str(name[0]).partition("%")[0], int(name[1])


_USUALLY_OPEN = 64
"""Descriptors that are taken to be open where there is no /proc."""


def half_of_descriptors(most: int) -> int:
    """Return how many sockets may be kept open: half of what the process may still open, 1 to most.

    The rest is for the routing table, for names and for files.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    try:
        used = len(os.listdir("/proc/self/fd"))
    except FileNotFoundError:
        used = _USUALLY_OPEN
    return max(1, min(most, (soft - used) // 2))


def leave_by_interface(sock: socket.socket, ip: IpVersion, interface: int) -> None:
    """Have a datagram socket send by this interface; 0: the routing table decides.

    Not by SO_BINDTODEVICE, which without rights works once for each socket.
    """
    sock.setsockopt(ip.level, ip.unicast_if, struct.pack("!I", interface))


def set_dont_route(sock: socket.socket, ip: IpVersion, on: bool) -> None:
    """Have a socket use no gateway, or any again; `OSError` over IPv6, where Linux ignores it."""
    if on and ip.version == 6:
        raise OSError(errno.EOPNOTSUPP, "the kernel ignores SO_DONTROUTE of IPv6")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, int(on))
