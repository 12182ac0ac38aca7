"""A virtual link between two network namespaces, made by rtnetlink(7); needs no /dev/net/tun.

Both ends have the same hardware address and no ARP, so that no neighbour is ever asked for.
"""

import ctypes
import fcntl
import os
import socket
import struct
from ipaddress import ip_address

NEAR, FAR = "lab0", "lab1"
"""Names of the ends: the prober's and the lab's."""
MTU = 1500
HARDWARE_ADDRESS = b"\x02\0\0\0\0\x01"

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

_NEWLINK, _NEWADDR, _NEWROUTE, _ERROR = 16, 20, 24, 2
_REQUEST, _ACK, _CREATE, _EXCL = 0x1, 0x4, 0x400, 0x200
_UP, _NOARP = 0x1, 0x80
_UNICAST, _BLACKHOLE = 1, 6
_ETHTOOL, _SET_TX_CHECKSUMS = 0x8946, 0x17


def unshare(flags: int) -> None:
    """Move this process into new namespaces; raises OSError. (`os` can from Python 3.12 on.)"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(ctypes.c_int(flags)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Netlink:
    """A rtnetlink socket; it stays in the namespace in which it was made."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.bind((0, 0))
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def close(self) -> None:
        """Close the sockets."""
        self._socket.close()
        self._control.close()

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        header = struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0)
        self._socket.send(header + body)
        answer = self._socket.recv(65_536)
        (number,) = struct.unpack_from("=i", answer, 16)
        if struct.unpack_from("=H", answer, 4)[0] == _ERROR and number:
            raise OSError(-number, os.strerror(-number))

    def index(self, name: str) -> int:
        """The interface's number in this namespace."""
        request = struct.pack("16si8x", name.encode(), 0)
        answer = fcntl.ioctl(self._control, 0x8933, request)  # SIOCGIFINDEX
        return int(struct.unpack_from("i", answer, 16)[0])

    def make_link(self, near: str, far: str, namespace: int) -> None:
        """A veth pair, still down: `near` here, `far` in the namespace open as `namespace`."""
        peer = _link() + _name(far) + _attribute(28, struct.pack("=I", namespace))
        info = _attribute(1, b"veth\0") + _attribute(2, _attribute(1, peer))
        self._ask(_NEWLINK, _CREATE | _EXCL, _link() + _name(near) + _attribute(18, info))

    def up(self, name: str) -> None:
        """Bring an interface up."""
        self._ask(_NEWLINK, 0, struct.pack("=BxHiII", 0, 0, self.index(name), _UP, _UP))

    def add_address(self, name: str, address: str, length: int) -> None:
        """An address with its network's route; of IPv6 without duplicate detection."""
        family, packed = _packed(address)
        body = struct.pack("=BBBBi", family, length, 0, 0, self.index(name))
        body += _attribute(2, packed) + _attribute(1, packed)
        self._ask(_NEWADDR, _CREATE | _EXCL, body + _attribute(8, struct.pack("=I", 0x02)))

    def add_default_route(self, name: str, gateway: str) -> None:
        """Everything that has no other route goes through `gateway`."""
        family, packed = _packed(gateway)
        body = struct.pack("=BBBBBBBBI", family, 0, 0, 0, 254, 4, 0, _UNICAST, 0)
        body += _attribute(5, packed) + _attribute(4, struct.pack("=I", self.index(name)))
        self._ask(_NEWROUTE, _CREATE | _EXCL, body)

    def add_host_route(self, name: str, host: str) -> None:
        """This one address is on the link."""
        family, packed = _packed(host)
        body = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 254, 4, 253, _UNICAST, 0)
        body += _attribute(1, packed) + _attribute(4, struct.pack("=I", self.index(name)))
        self._ask(_NEWROUTE, _CREATE | _EXCL, body)

    def ignore_strangers(self, family: int) -> None:
        """Drop what is for others without a word: no `no route`, and no forwarding."""
        address_family = socket.AF_INET if family == 4 else socket.AF_INET6
        body = struct.pack("=BBBBBBBBI", address_family, 0, 0, 0, 254, 4, 0, _BLACKHOLE, 0)
        self._ask(_NEWROUTE, _CREATE | _EXCL, body)

    def compute_checksums(self, name: str) -> None:
        """What leaves carries the checksums that a wire would show."""
        value = ctypes.create_string_buffer(struct.pack("=II", _SET_TX_CHECKSUMS, 0))
        request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
        fcntl.ioctl(self._control, _ETHTOOL, request)


def _attribute(kind: int, payload: bytes) -> bytes:
    padding = -len(payload) % 4
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(padding)


def _link() -> bytes:
    header = struct.pack("=BxHiII", 0, 0, 0, _NOARP, _NOARP)
    return header + _attribute(1, HARDWARE_ADDRESS) + _attribute(4, struct.pack("=I", MTU))


def _name(name: str) -> bytes:
    return _attribute(3, name.encode() + b"\0")


def _packed(address: str) -> tuple[int, bytes]:
    parsed = ip_address(address)
    return (socket.AF_INET if parsed.version == 4 else socket.AF_INET6), parsed.packed
