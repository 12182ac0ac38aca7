"""A virtual link between two network namespaces, made by rtnetlink(7); needs no /dev/net/tun.

Both ends have the same hardware address and no ARP, so that no neighbour has to be resolved.
"""

import ctypes
import fcntl
import os
import socket
import struct
import time
from ipaddress import ip_address

NEAR, FAR = "lab0", "lab1"
"""Interfaces at the two ends of the link: the prober's and the lab's."""
MTU = 1500
HARDWARE_ADDRESS = b"\x02\0\0\0\0\x01"

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

_NEWLINK, _GETLINK, _NEWADDR, _NEWROUTE, _ERROR = 16, 18, 20, 24, 2
_REQUEST, _ACK, _CREATE, _EXCL = 0x1, 0x4, 0x400, 0x200
_UP, _NOARP = 0x1, 0x80
_UNICAST, _BLACKHOLE = 1, 6
_ETHTOOL, _SET_TX_CHECKSUMS = 0x8946, 0x17
_OPERSTATE, _OPER_UP = 16, 6
_PATIENCE = 20.0
"""Seconds that the kernel may take to bring a link up."""


def unshare(flags: int) -> None:
    """Move this process into new namespaces; raise OSError. (Python 3.12 has `os.unshare`.)"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ctypes.c_int(flags)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Netlink:
    """A rtnetlink socket; it stays in the namespace in which it was made."""

    def __init__(self) -> None:
        """Open the sockets; raise OSError."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.bind((0, 0))
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def close(self) -> None:
        """Close the sockets; the link stays."""
        self._socket.close()
        self._control.close()

    def _ask(self, kind: int, flags: int, body: bytes) -> bytes:
        """Return the kernel's answer; raise OSError."""
        header = struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | flags, 1, 0)
        self._socket.send(header + body)
        answer = self._socket.recv(65_536)
        (number,) = struct.unpack_from("=i", answer, 16)
        if struct.unpack_from("=H", answer, 4)[0] == _ERROR and number:
            raise OSError(-number, os.strerror(-number))
        return answer

    def _change(self, kind: int, flags: int, body: bytes) -> None:
        self._ask(kind, _ACK | flags, body)

    def index(self, name: str) -> int:
        """Return the index of the interface in this namespace."""
        request = struct.pack("16si8x", name.encode(), 0)
        answer = fcntl.ioctl(self._control, 0x8933, request)  # SIOCGIFINDEX
        return int(struct.unpack_from("i", answer, 16)[0])

    def make_link(self, near: str, far: str, namespace: int) -> None:
        """Make a veth pair, still down.

        `near` is in this namespace, `far` in the namespace of the open file `namespace`.
        """
        peer = _link() + _name(far) + _attribute(28, struct.pack("=I", namespace))
        info = _attribute(1, b"veth\0") + _attribute(2, _attribute(1, peer))
        self._change(_NEWLINK, _CREATE | _EXCL, _link() + _name(near) + _attribute(18, info))

    def bring_up(self, name: str) -> None:
        """Bring the interface up."""
        self._change(_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, self.index(name), _UP, _UP))

    def wait_until_up(self, name: str) -> None:
        """Wait until packets can leave by this interface; raise OSError after 20 s."""
        request = struct.pack("=BxHiII", 0, 0, self.index(name), 0, 0)
        deadline = time.monotonic() + _PATIENCE
        while _operational_state(self._ask(_GETLINK, 0, request)) != _OPER_UP:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} does not come up")
            time.sleep(0.001)

    def add_address(self, name: str, address: str, length: int) -> None:
        """Add an address with the route of its network, and without duplicate address detection."""
        family, packed = _packed(address)
        body = struct.pack("=BBBBi", family, length, 0, 0, self.index(name))
        body += _attribute(2, packed) + _attribute(1, packed)
        self._change(_NEWADDR, _CREATE | _EXCL, body + _attribute(8, struct.pack("=I", 0x02)))

    def add_default_route(self, name: str, gateway: str) -> None:
        """Route through `gateway` all packets without another route."""
        family, packed = _packed(gateway)
        body = struct.pack("=BBBBBBBBI", family, 0, 0, 0, 254, 4, 0, _UNICAST, 0)
        body += _attribute(5, packed) + _attribute(4, struct.pack("=I", self.index(name)))
        self._change(_NEWROUTE, _CREATE | _EXCL, body)

    def add_host_route(self, name: str, host: str) -> None:
        """Route this one address to the link."""
        family, packed = _packed(host)
        body = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 254, 4, 253, _UNICAST, 0)
        body += _attribute(1, packed) + _attribute(4, struct.pack("=I", self.index(name)))
        self._change(_NEWROUTE, _CREATE | _EXCL, body)

    def add_blackhole_route(self, family: int) -> None:
        """Drop packets for other hosts silently: no ICMP error, no forwarding."""
        address_family = socket.AF_INET if family == 4 else socket.AF_INET6
        body = struct.pack("=BBBBBBBBI", address_family, 0, 0, 0, 254, 4, 0, _BLACKHOLE, 0)
        self._change(_NEWROUTE, _CREATE | _EXCL, body)

    def compute_checksums(self, name: str) -> None:
        """Turn off checksum offload, so that packets leave with their checksums filled in."""
        value = ctypes.create_string_buffer(struct.pack("=II", _SET_TX_CHECKSUMS, 0))
        request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
        fcntl.ioctl(self._control, _ETHTOOL, request)


def connect(near: Netlink, far: Netlink, namespace: int) -> None:
    """Make the link and bring it up, so that not even the first packet is lost; raise OSError.

    `namespace` is the open file of the namespace in which `far` was made. When the second end comes
    up, the first end has no queue yet and silently drops packets. A kernel thread (link watch) sets
    the queue and the operational state under one lock. A query of the state takes this lock, too,
    so that an end which says that it is up has its queue.
    """
    near.make_link(NEAR, FAR, namespace)
    ends = ((near, NEAR), (far, FAR))
    for end, name in ends:
        end.bring_up(name)
    for end, name in ends:
        end.wait_until_up(name)


def _attribute(kind: int, payload: bytes) -> bytes:
    padding = -len(payload) % 4
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(padding)


def _operational_state(answer: bytes) -> int | None:
    """Return the operational state (RFC 2863) in the kernel's answer about an interface."""
    (end,) = struct.unpack_from("=I", answer)
    at = 32
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", answer, at)
        if kind == _OPERSTATE:
            return answer[at + 4]
        at += -(-length // 4) * 4
    return None


def _link() -> bytes:
    header = struct.pack("=BxHiII", 0, 0, 0, _NOARP, _NOARP)
    return header + _attribute(1, HARDWARE_ADDRESS) + _attribute(4, struct.pack("=I", MTU))


def _name(name: str) -> bytes:
    return _attribute(3, name.encode() + b"\0")


def _packed(address: str) -> tuple[int, bytes]:
    parsed = ip_address(address)
    return (socket.AF_INET if parsed.version == 4 else socket.AF_INET6), parsed.packed
