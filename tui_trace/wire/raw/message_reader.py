"""Reads many packets of a socket at once: recvmmsg(2), which the module `socket` lacks.

A system call and the objects around it cost more than all that is done with a packet afterwards.
"""

import ctypes
import socket
import struct
from typing import NamedTuple

MAX_MESSAGES = 64
"""Packets that one call reads."""
_CONTROL = 256
_NAME = 28
"""sizeof(struct sockaddr_in6)."""
_TRUNCATED = int(socket.MSG_TRUNC)
_DONT_WAIT = int(socket.MSG_DONTWAIT)

_control_header = struct.Struct("@Qii")
_HEADER = _control_header.size


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


_result = struct.Struct("@40xQi4xI4x")
"""struct mmsghdr as the kernel leaves it: control length, flags, length."""

_libc = ctypes.CDLL(None, use_errno=True)


class Message(NamedTuple):
    """A packet, and what the kernel says beside it."""

    data: bytes
    ancillary: list[tuple[int, int, bytes]]
    """Control messages as `socket.recvmsg` gives them: level, type, data."""
    whole: bool
    """`data` goes to the packet's end."""
    name: bytes
    """The sender's sockaddr."""


class MessageReader:
    """Buffers for packets of at most so many bytes."""

    def __init__(self, size: int) -> None:
        """Packets longer than `size` bytes are cut."""
        self._size = size
        self._data = bytearray(size * MAX_MESSAGES)
        self._control = bytearray(_CONTROL * MAX_MESSAGES)
        self._names = bytearray(_NAME * MAX_MESSAGES)
        self._vectors = (_Vector * MAX_MESSAGES)()
        self._messages = (_Message * MAX_MESSAGES)()
        starts = [
            ctypes.addressof(ctypes.c_char.from_buffer(buffer))
            for buffer in (self._data, self._control, self._names)
        ]
        for index, message in enumerate(self._messages):
            vector, header = self._vectors[index], message.header
            vector.base, vector.length = starts[0] + index * size, size
            header.vectors, header.vector_count = ctypes.addressof(vector), 1
            header.control, header.control_length = starts[1] + index * _CONTROL, _CONTROL
            header.name, header.name_length = starts[2] + index * _NAME, _NAME
        self._headers = memoryview(self._messages).cast("B")
        self._fresh = bytes(self._headers)

    def read(self, sock: socket.socket, flags: int = 0) -> list[Message]:
        """Return the packets that wait at the socket, `MAX_MESSAGES` at most."""
        self._headers[:] = self._fresh
        count = _libc.recvmmsg(
            sock.fileno(), self._messages, MAX_MESSAGES, flags | _DONT_WAIT, None
        )
        if count <= 0:
            return []
        data, control, names = self._data, self._control, self._names
        step = self._size
        found: list[Message] = []
        results = _result.iter_unpack(self._headers[: count * _result.size])
        for index, (control_length, told, length) in enumerate(results):
            start, at, name = index * step, index * _CONTROL, index * _NAME
            found.append(
                Message(
                    bytes(data[start : start + length]),
                    _control_messages(control, at, at + control_length),
                    not told & _TRUNCATED,
                    bytes(names[name : name + _NAME]),
                )
            )
        return found


def _control_messages(control: bytearray, at: int, end: int) -> list[tuple[int, int, bytes]]:
    """Return level, type and data of each control message between two offsets."""
    found = []
    while at + _HEADER <= end:
        size, level, kind = _control_header.unpack_from(control, at)
        if size < _HEADER:
            break
        found.append((level, kind, bytes(control[at + _HEADER : at + size])))
        at += size + 7 & ~7
    return found
