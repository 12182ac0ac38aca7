"""The interface that probes leave by (netdevice(7))."""

import array
import contextlib
import fcntl
import socket
import struct

_SIOCGIFCONF = 0x8912
_ENTRY = 40
"""Bytes of a `struct ifreq` on 64-bit Linux."""
_ROOM = 1 << 16


def interface_addresses() -> dict[str, str]:
    """Return the IPv4 addresses of this machine, each with its interface."""
    room = array.array("B", bytes(_ROOM))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = struct.pack("iL", _ROOM, room.buffer_info()[0])
        (length,) = struct.unpack_from("i", fcntl.ioctl(sock, _SIOCGIFCONF, asked))
    found: dict[str, str] = {}
    for start in range(0, length, _ENTRY):
        entry = room[start : start + _ENTRY].tobytes()
        name = entry[:16].partition(b"\0")[0].decode("utf-8", "replace")
        found[socket.inet_ntoa(entry[20:24])] = name
    return found


def outgoing_interface(source: str, target: str) -> str:
    """Return the interface that a packet from `source` to `target` leaves by; `?` if unknown."""
    with contextlib.suppress(OSError, KeyError):
        known = interface_addresses()
        if target in known:
            return "lo"
        return known.get(source) or known[_usual_source(target)]
    return "?"


def _usual_source(target: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((target, 9))
        return str(asking.getsockname()[0])
