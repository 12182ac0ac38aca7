"""The raw sockets of a process, and the kernel's stamps on what they send and receive.

raw(7), Documentation/networking/timestamping.rst. All are opened first of all, while the process
still has CAP_NET_RAW. They then serve every target, protocol and setting of the session. They are
opened early also because the kernel begins to stamp some time after the first socket asks for it.
"""

import contextlib
import ctypes
import errno
import os
import socket
import struct
import time
from typing import NamedTuple

from tui_trace.core.events import Stamp
from tui_trace.wire import linux
from tui_trace.wire.linux import IP_VERSIONS, ArrivalReader, IpVersion
from tui_trace.wire.packets.decoder import from_ip4, from_ip6, text_of
from tui_trace.wire.packets.received_packet import ReceivedPacket
from tui_trace.wire.raw import bpf
from tui_trace.wire.raw.message_reader import MessageReader

_TX_STAMPS = linux.SOF_TIMESTAMPING_TX_SOFTWARE | linux.SOF_TIMESTAMPING_SOFTWARE
"""Without OPT_TSONLY the packet itself comes back with its stamp and tells which probe it is; a
count of sends (OPT_ID) goes wrong when one fails."""
_ETHERTYPE = {4: 0x0800, 6: 0x86DD}

_BUFFER = 8 << 20
_LONGEST_HEADERS = 256
_LONGEST_REPLY = 2048

_KERNEL, _SCHEDULER = Stamp.KERNEL, Stamp.SCHEDULER
_sockaddr_ll = struct.Struct("@HHi12x")

GET_RIGHT = (
    "use sudo, or: sudo setpriv --reuid=$(id -u) --regid=$(id -g) --init-groups"
    " --inh-caps=+net_raw --ambient-caps=+net_raw tui-trace HOST"
)
NEEDS_RIGHT = f"raw sockets need CAP_NET_RAW: {GET_RIGHT}"


class MissingRight(Exception):  # noqa: N818
    """This process may not open raw sockets; `str()` is the one line that says what to do."""


class LoopedPacket(NamedTuple):
    """A packet of ours that the kernel stamped on its way out."""

    data: bytes
    """From the link header on, as far as the IP and transport headers."""
    stamp: Stamp
    wall: int


class Family(NamedTuple):
    """The raw sockets of one address family."""

    version: int
    """4 or 6."""
    sender: socket.socket
    icmp: socket.socket
    tcp: socket.socket
    udp: socket.socket

    def let_nothing_in(self) -> None:
        """Let no packet in, and drop the packets that wait to be read."""
        for receiver in (self.icmp, self.tcp, self.udp):
            let_nothing_in(receiver)


def let_nothing_in(receiver: socket.socket) -> None:
    """Let no packet in by this socket, and drop the packets that wait to be read."""
    bpf.NOTHING.attach(receiver)
    with contextlib.suppress(OSError):
        while True:
            receiver.recv(1)


class RawSockets:
    """All raw sockets of both IP versions, and the event that ends a wait for them."""

    def __init__(self) -> None:
        """Open them; `MissingRight`. On a machine without IPv6, or IPv4, that family is missing."""
        self.families: dict[int, Family] = {}
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.arrivals = ArrivalReader()
        self._replies = MessageReader(_LONGEST_REPLY)
        self._sent = MessageReader(_LONGEST_HEADERS)
        self.packets: socket.socket | None = None
        """Receives other IP protocols, once it is bound (`watch`); None if it may not be opened."""
        try:
            for version in (4, 6):
                family = _open(version)
                if family is not None:
                    self.families[version] = family
            self.packets = _open_packets()
        except PermissionError:
            self.close()
            raise MissingRight(NEEDS_RIGHT) from None

    def close(self) -> None:
        """Close the sockets; only a process with CAP_NET_RAW can open others."""
        for family in self.families.values():
            for sock in family[1:]:
                sock.close()
        self.families.clear()
        if self.packets is not None:
            self.packets.close()
        os.close(self.wake)

    def read(self, receiver: socket.socket, version: int) -> list[ReceivedPacket]:
        """Return the packets that wait on a socket of this IP version, `MAX_MESSAGES` at most.

        Bytes that are no packet of this version are left out.
        """
        packets: list[ReceivedPacket] = []
        now = time.time_ns()
        ip = IP_VERSIONS[version]
        for data, ancillary, whole, name in self._replies.read(receiver):
            wall, stamp, ttl = self.arrivals.read(ancillary, now, ip)
            if version == 4:
                packet = from_ip4(data, wall, stamp, whole)
            elif receiver is self.packets:
                packet = from_ip6(data, wall, stamp, whole)
            else:
                # struct sockaddr_in6: family, port, flow, address
                packet = ReceivedPacket(data, 0, text_of(name[8:24]), ttl, wall, stamp, whole)
            if packet is not None:
                packets.append(packet)
        return packets

    def read_sent(self, sender: socket.socket) -> list[LoopedPacket | int]:
        """Return the packets that were stamped on their way out, `MAX_MESSAGES` at most.

        An MTU, in bytes, if a link refused a packet for its size.
        """
        found: list[LoopedPacket | int] = []
        for data, ancillary, _, _ in self._sent.read(sender, socket.MSG_ERRQUEUE):
            wall, origin, _, _, info, _ = linux.read_extended_error(ancillary)
            if origin == linux.SO_EE_ORIGIN_LOCAL:
                found.append(info)
            else:
                stamp = _SCHEDULER if info == linux.SCM_TSTAMP_SCHED else _KERNEL
                found.append(LoopedPacket(data, stamp, wall))
        return found

    def stamp_scheduler(self, version: int, on: bool) -> None:
        """Have the kernel stamp packets also as they enter the interface's queue, or stop it."""
        stamps = _TX_STAMPS | linux.SOF_TIMESTAMPING_TX_SCHED if on else _TX_STAMPS
        self.families[version].sender.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPING, stamps)

    def watch(self, version: int, program: bpf.Program | None) -> None:
        """Let packets of this IP version that pass the program in; None: let nothing in."""
        if self.packets is None:
            return
        let_nothing_in(self.packets)
        if program is not None:
            program.attach(self.packets)
            _bind(self.packets, _ETHERTYPE[version])


def _open(version: int) -> Family | None:
    ip = IP_VERSIONS[version]
    try:
        sockets = [
            socket.socket(ip.af, socket.SOCK_RAW, protocol)
            for protocol in (socket.IPPROTO_RAW, ip.icmp, socket.IPPROTO_TCP, socket.IPPROTO_UDP)
        ]
    except OSError as error:
        if error.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            return None
        raise
    family = Family(version, *sockets)
    for sock in sockets:
        sock.setblocking(False)
        _enlarge(sock)
    _set_up_sender(family.sender, ip)
    for receiver in (family.icmp, family.tcp, family.udp):
        receiver.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
        if version == 6:
            receiver.setsockopt(ip.level, ip.receive_ttl, 1)
    bpf.pass_icmp(family.icmp, version)
    family.let_nothing_in()
    return family


def _open_packets() -> socket.socket | None:
    """Open the socket for replies in protocols that have no raw socket (packet(7)).

    With a raw socket of such a protocol, the kernel would no longer answer other hosts that the
    protocol is unreachable here. A packet socket that is opened for no protocol receives nothing
    until it is bound, which needs no right.
    """
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    except OSError:
        # a sandbox may allow raw sockets only; without this one, all other protocols work
        return None
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
    return sock


def _bind(packets: socket.socket, ethertype: int) -> None:
    """Bind to all interfaces, index 0. `socket.bind` cannot: it takes an interface by its name."""
    place = _sockaddr_ll.pack(socket.AF_PACKET, socket.htons(ethertype), 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(packets.fileno(), place, len(place)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _set_up_sender(sender: socket.socket, ip: IpVersion) -> None:
    """Prepare a socket of IPPROTO_RAW: it sends whole packets, with their IP headers."""
    # packets of protocol 255 would fill the buffer that the stamps need
    bpf.NOTHING.attach(sender)
    # PROBE: no cached path MTU refuses or fragments a probe. RECVERR: the kernel says which MTU
    # refused it, and reports a full queue, where it would otherwise drop the probe in silence.
    sender.setsockopt(ip.level, ip.mtu_discover, linux.PMTUDISC_PROBE)
    sender.setsockopt(ip.level, ip.receive_errors, 1)


def _enlarge(sock: socket.socket) -> None:
    for forced, asked in (
        (linux.SO_SNDBUFFORCE, socket.SO_SNDBUF),
        (linux.SO_RCVBUFFORCE, socket.SO_RCVBUF),
    ):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER)
        except PermissionError:  # that takes CAP_NET_ADMIN
            sock.setsockopt(socket.SOL_SOCKET, asked, _BUFFER)
