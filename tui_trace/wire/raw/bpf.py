"""Receive filters in the kernel: classic BPF programs and ICMP type filters.

With them, a busy host's traffic never reaches Python. socket(7) SO_ATTACH_FILTER, raw(7)
ICMP_FILTER, RFC 3542 §3.2 ICMP6_FILTER.
"""

import ctypes
import socket
import struct
from collections.abc import Collection, Iterable
from typing import TypeAlias

from tui_trace.wire import linux
from tui_trace.wire.packets.icmp_class import TYPES_TO_RECEIVE

# opcodes of linux/bpf_common.h
_LOAD_WORD = 0x20
_LOAD_HALF = 0x28
_LOAD_BYTE = 0x30
_LOAD_HALF_INDEXED = 0x48
_LOAD_BYTE_INDEXED = 0x50
_LOAD_X = 0x01
_LOAD_X_IP_LENGTH = 0xB1
_AND = 0x54
_IF_EQUAL = 0x15
_IF_ANY = 0x45
_RETURN = 0x06

_NETWORK = 0xFFF0_0000
"""SKF_NET_OFF (linux/filter.h): offsets from here count from the IP header, also where the socket
itself sees from the transport header on."""
_PACKET_TYPE = 0xFFFF_F004
"""SKF_AD_OFF + SKF_AD_PKTTYPE: how a link's frame was addressed; 0 is to this machine."""
_WHOLE = 0xFFFF_FFFF

_MAX_PORTS = 1000
"""Ports that fit a program of 4096 instructions with room to spare."""

_instruction = struct.Struct("=HBBI")
_word = struct.Struct("!I")

_Instruction: TypeAlias = tuple[int, int, int, int]


class Program:
    """A classic BPF program: instructions of (code, jump if true, jump if false, constant)."""

    def __init__(self, instructions: Iterable[_Instruction]) -> None:
        self.instructions = list(instructions)

    def attach(self, sock: socket.socket) -> None:
        """Replace the socket's filter, without a moment in which there is none."""
        code = b"".join(_instruction.pack(*each) for each in self.instructions)
        buffer = ctypes.create_string_buffer(code)
        head = struct.pack("@HP", len(self.instructions), ctypes.addressof(buffer))
        sock.setsockopt(socket.SOL_SOCKET, linux.SO_ATTACH_FILTER, head)


NOTHING = Program([(_RETURN, 0, 0, 0)])
"""The program that lets no packet in."""
EVERYTHING = Program([(_RETURN, 0, 0, _WHOLE)])


def to_ports(family: int, ports: Collection[int], is_tcp: bool) -> Program:
    """Return the filter of a raw socket: from anybody to one of these ports.

    Of TCP only SYN/ACK and RST. If there are more ports than a program can hold, all ports pass.
    """
    if not ports:
        return NOTHING
    # X becomes the offset of the transport header in what the socket sees
    code: list[_Instruction] = [(_LOAD_X_IP_LENGTH if family == 4 else _LOAD_X, 0, 0, 0)]
    if is_tcp:
        code += [
            (_LOAD_BYTE_INDEXED, 0, 0, 13),
            (_IF_ANY, 3, 0, 0x04),
            (_AND, 0, 0, 0x12),
            (_IF_EQUAL, 1, 0, 0x12),
            (_RETURN, 0, 0, 0),
        ]
    code.append((_LOAD_HALF_INDEXED, 0, 0, 2))
    if len(ports) > _MAX_PORTS:
        return Program([*code, (_RETURN, 0, 0, _WHOLE)])
    for port in sorted(ports):
        code += [(_IF_EQUAL, 0, 1, port), (_RETURN, 0, 0, _WHOLE)]
    return Program([*code, (_RETURN, 0, 0, 0)])


def datagrams(target: str, source: str, family: int, number: int) -> Program:
    """Return the filter of a packet socket: from the target to us, IP packets of this protocol.

    Of fragments only the first passes; of IPv6 no packet with extension headers.
    """
    code = [(_LOAD_BYTE, 0, 0, _PACKET_TYPE), *_only(0), *_addresses(family, target, source)]
    code += [(_LOAD_BYTE, 0, 0, _NETWORK + (9 if family == 4 else 6)), *_only(number)]
    if family == 4:
        code += [(_LOAD_HALF, 0, 0, _NETWORK + 6), (_AND, 0, 0, 0x1FFF), *_only(0)]
    return Program([*code, (_RETURN, 0, 0, _WHOLE)])


def _addresses(family: int, *addresses: str) -> list[_Instruction]:
    """Return code that drops the packet unless it has these addresses: source, then destination."""
    version = socket.AF_INET if family == 4 else socket.AF_INET6
    packed = b"".join(socket.inet_pton(version, address) for address in addresses)
    at = _NETWORK + (12 if family == 4 else 8)
    code: list[_Instruction] = []
    for place, (word,) in enumerate(_word.iter_unpack(packed)):
        code += [(_LOAD_WORD, 0, 0, at + place * 4), *_only(word)]
    return code


def _only(value: int) -> list[_Instruction]:
    """Return code that drops the packet unless this value was loaded."""
    return [(_IF_EQUAL, 1, 0, value), (_RETURN, 0, 0, 0)]


def pass_icmp(sock: socket.socket, family: int) -> None:
    """Let in echo replies and the errors that quote a probe, also of types not assigned yet."""
    blocked = [0xFFFF_FFFF] * 8
    for icmp_type in TYPES_TO_RECEIVE[family]:
        blocked[icmp_type >> 5] &= ~(1 << (icmp_type & 31))
    if family == 4:
        # the kernel lets types from 32 on pass in any case
        sock.setsockopt(linux.SOL_RAW, linux.ICMP_FILTER, struct.pack("=I", blocked[0]))
    else:
        sock.setsockopt(socket.IPPROTO_ICMPV6, linux.ICMP6_FILTER, struct.pack("=8I", *blocked))
