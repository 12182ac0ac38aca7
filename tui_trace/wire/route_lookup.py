"""Which route a packet takes now: RTM_GETROUTE of rtnetlink(7), which needs no right.

The kernel looks at everything that its rules may ask for (ip-rule(8)): addresses, interface, mark,
user, TOS, IP protocol and ports. By hand, with `struct`: pyroute2 does the same, but its import
takes 130 ms and 340 modules, about as much as all else that happens before the first probe.
"""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from tui_trace.wire.linux import IpVersion

_GETROUTE, _NEWROUTE, _ERROR, _REQUEST = 26, 24, 2, 0x1
_DST, _SRC, _OIF, _GATEWAY, _PREFSRC, _METRICS, _CACHEINFO, _MARK = 1, 2, 4, 5, 7, 8, 12, 16
_MULTIPATH, _VIA, _UID, _PROTOCOL, _SPORT, _DPORT = 9, 18, 25, 27, 28, 29
_METRIC_MTU = 2
_CLONED, _FIB_MATCH = 0x200, 0x2000
_BROADCAST = 3
_DSCP = 0xFC
"""The TOS bits that rules look at."""
_SIOCGIFFLAGS, _SIOCGIFMTU = 0x8913, 0x8921
_NOARP = 0x80

_header = struct.Struct("=IHHII")
_rtmsg = struct.Struct("=BBBBBBBBI")
_attribute = struct.Struct("=HH")
_cacheinfo = struct.Struct("=IIiiIIII")
_ifreq = struct.Struct("=16si20x")


class RouteQuery(NamedTuple):
    """A packet whose route is asked for. 0 and empty: whatever the kernel takes without it."""

    destination: str
    """An address without a scope."""
    source: str = ""
    interface: int = 0
    """Index."""
    tos: int = 0
    mark: int = 0
    protocol: int = 0
    """IP protocol: ICMP, UDP or TCP; the kernel knows no other here."""
    source_port: int = 0
    port: int = 0
    uid: int | None = None
    """The user who owns the socket; None: this process's."""


class Route(NamedTuple):
    """What the kernel answers."""

    source: str
    """The address that the packet carries, if its query has none."""
    interface: int
    gateway: str
    """Empty if the destination is on the link."""
    mtu: int
    """Bytes: the route's own MTU; 0 if it has none."""


class RouteLookup:
    """A connection to the kernel's routing table. A context manager."""

    def __init__(self) -> None:
        """Open it; `OSError` where a sandbox allows no netlink."""
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._sequence = 0
        try:
            # from now on only the kernel is heard
            self._socket.connect((0, 0))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> "RouteLookup":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def find(self, ip: IpVersion, query: RouteQuery) -> Route:
        """Return the route of a packet; `OSError` as its sender would get it."""
        answer = self._ask(_request(ip, query))
        kind, flags = _rtmsg.unpack_from(answer)[7:]
        if kind == _BROADCAST:
            # a socket may send to it only with SO_BROADCAST
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        found = dict(_attributes(answer, _rtmsg.size))
        cache = found.get(_CACHEINFO, b"")
        expires = _cacheinfo.unpack_from(cache)[2] if len(cache) >= _cacheinfo.size else 0
        # what expires was learnt from the path, and probes heed no such MTU
        is_learnt = bool(flags & _CLONED and expires)
        metrics = dict(_attributes(found.get(_METRICS, b""), 0))
        return Route(
            source=_address(ip, found.get(_PREFSRC)),
            interface=_number(found.get(_OIF)),
            gateway=_gateway(ip, found),
            mtu=0 if is_learnt else _number(metrics.get(_METRIC_MTU)),
        )

    def has_several_next_hops(self, ip: IpVersion, query: RouteQuery) -> bool:
        """Return whether the kernel picks a next hop by a hash of the packet; `OSError`."""
        answer = self._ask(_request(ip, query, _FIB_MATCH))
        return any(kind == _MULTIPATH for kind, _ in _attributes(answer, _rtmsg.size))

    def interface_mtu(self, name: str) -> int:
        """Return the MTU of an interface in bytes; `OSError` if it is gone.

        By netdevice(7): over rtnetlink the answer may wait for whoever changes an interface.
        """
        answer = fcntl.ioctl(self._socket, _SIOCGIFMTU, _ifreq.pack(name.encode(), 0))
        return int(_ifreq.unpack(answer)[1])

    def has_link_addresses(self, name: str) -> bool:
        """Return whether neighbours at this interface have addresses that must be resolved.

        `OSError` if it is gone. A tunnel's have none.
        """
        answer = fcntl.ioctl(self._socket, _SIOCGIFFLAGS, _ifreq.pack(name.encode(), 0))
        return not int(_ifreq.unpack(answer)[1]) & _NOARP

    def _ask(self, body: bytes) -> bytes:
        """Return the body of the kernel's answer, which is there when the request was sent."""
        self._sequence += 1
        length = _header.size + len(body)
        self._socket.send(_header.pack(length, _GETROUTE, _REQUEST, self._sequence, 0) + body)
        answer = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        length, kind, *_ = _header.unpack_from(answer)
        body = answer[_header.size : length]
        if kind == _NEWROUTE:
            return body
        number = -_number(body, signed=True) if kind == _ERROR else errno.EPROTO
        raise OSError(number, os.strerror(number))


def _request(ip: IpVersion, query: RouteQuery, flags: int = 0) -> bytes:
    bits = 8 * len(socket.inet_pton(ip.af, query.destination))
    parts = [
        _rtmsg.pack(ip.af, bits, bits if query.source else 0, query.tos & _DSCP, 0, 0, 0, 0, flags),
        _pack(_DST, socket.inet_pton(ip.af, query.destination)),
    ]
    if query.source:
        parts.append(_pack(_SRC, socket.inet_pton(ip.af, query.source)))
    for kind, number in ((_OIF, query.interface), (_MARK, query.mark)):
        if number:
            parts.append(_pack(kind, struct.pack("=I", number)))
    if query.uid is not None:
        parts.append(_pack(_UID, struct.pack("=I", query.uid)))
    if query.protocol:
        parts.append(_pack(_PROTOCOL, bytes([query.protocol])))
    for kind, port in ((_SPORT, query.source_port), (_DPORT, query.port)):
        if port:
            parts.append(_pack(kind, struct.pack("!H", port)))
    return b"".join(parts)


def _pack(kind: int, value: bytes) -> bytes:
    return _attribute.pack(_attribute.size + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + _attribute.size <= len(data):
        length, kind = _attribute.unpack_from(data, at)
        if length < _attribute.size:
            return
        yield kind, data[at + _attribute.size : at + length]
        at += (length + 3) & ~3


def _number(value: bytes | None, *, signed: bool = False) -> int:
    return struct.unpack_from("=i" if signed else "=I", value)[0] if value else 0


def _address(ip: IpVersion, packed: bytes | None) -> str:
    return socket.inet_ntop(ip.af, packed) if packed else ""


def _gateway(ip: IpVersion, found: dict[int, bytes]) -> str:
    """Return the next router; of the other IP version in RTA_VIA (RFC 8950)."""
    if (via := found.get(_VIA)) is not None:
        (family,) = struct.unpack_from("=H", via)
        return socket.inet_ntop(family, via[2:])
    return _address(ip, found.get(_GATEWAY))
