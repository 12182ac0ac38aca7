"""A middlebox in a link: rewrites what passes as NATs and firewalls do, and repairs no quote.

The harness starts this file as a program in the namespace of the link; it knows none of the
product's code. What it can do is in `REWRITES`, by name.
"""

import random
import select
import struct
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence

from tests.helpers.network.delay_relay import open_port
from tests.helpers.network.netns import Netns
from tests.helpers.places import ROOT

_VNET = 10
_LARGEST = 70_000
_NEEDS_SUM = 1
_REMEMBERED = 50_000
_TCP, _UDP = 6, 17


class Middlebox:
    """The running box."""

    def __init__(self, space: Netns, up: str, down: str, rewrites: Sequence[str]) -> None:
        program = [sys.executable, "-m", "tests.helpers.network.middlebox", up, down, *rewrites]
        self._process = space.popen(
            ["env", f"PYTHONPATH={ROOT}", *program], stdin=subprocess.PIPE, stderr=None
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise AssertionError("the middlebox ended")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)


def sum16(data: bytes, start: int = 0) -> int:
    """Ones' complement sum of 16-bit words (RFC 1071)."""
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Packet:
    """An IP packet in a frame behind its virtio header, to be changed in place."""

    def __init__(self, frame: bytearray) -> None:
        self.frame = frame
        self.ip = _VNET + 14
        kind = frame[_VNET + 12 : _VNET + 14]
        self.family = {b"\x08\x00": 4, b"\x86\xdd": 6}.get(bytes(kind), 0)
        self.number, self.top = 0, self.ip
        if self.family:
            self.number, self.top = above(frame, self.ip)

    @property
    def is_error(self) -> bool:
        """Whether this is an ICMP error, which quotes a packet."""
        kind = self.frame[self.top] if len(self.frame) > self.top else 0
        return (self.number == 1 and kind in (3, 11)) or (self.number == 58 and kind in (1, 2, 3))

    def word(self, place: int) -> int:
        return int.from_bytes(self.frame[place : place + 4], "big")

    def put(self, place: int, new: bytes) -> None:
        """Replace bytes of the header above IP that start at an even place; its checksum follows.

        A checksum that was left to the device does not cover them yet.
        """
        old = bytes(self.frame[place : place + len(new)])
        self.frame[place : place + len(new)] = new
        if not self.frame[0] & _NEEDS_SUM:
            at = self.top + (16 if self.number == _TCP else 6)
            had = int.from_bytes(self.frame[at : at + 2], "big")
            gone = sum16(bytes(255 - byte for byte in old))
            now = 0xFFFF - sum16(new, (0xFFFF - had) + gone)
            self.frame[at : at + 2] = now.to_bytes(2, "big")

    def sign_ip(self) -> None:
        """Renew the header checksum of IPv4."""
        if self.family == 4:
            self.frame[self.ip + 10 : self.ip + 12] = b"\0\0"
            total = 0xFFFF - sum16(self.frame[self.ip : self.top])
            self.frame[self.ip + 10 : self.ip + 12] = total.to_bytes(2, "big")

    def sign_icmp(self) -> None:
        """Renew the checksum of ICMP."""
        body = self.frame[self.top :]
        body[2:4] = b"\0\0"
        pseudo = 0
        if self.family == 6:
            pseudo = sum16(self.frame[self.ip + 8 : self.ip + 40], len(body) + self.number)
        self.frame[self.top + 2 : self.top + 4] = (0xFFFF - sum16(body, pseudo)).to_bytes(2, "big")


def above(data: bytes, ip: int) -> tuple[int, int]:
    """Number and place of what is above the IP header at `ip`; no extension headers."""
    if data[ip] >> 4 == 4:
        return data[ip + 9], ip + (data[ip] & 15) * 4
    return data[ip + 6], ip + 40


class Rewrite:
    """Leaves everything as it is."""

    def out(self, packet: Packet) -> None:
        """Change what goes to the target."""

    def back(self, packet: Packet) -> None:
        """Change what comes back."""


class QuotedSum(Rewrite):
    """A NAT that restores the addresses in a quote, and not the UDP checksum above them.

    The checksum then differs by as much as the addresses did; or the box makes it zero.
    """

    def __init__(self, offset: int | None) -> None:
        self.offset = offset

    def back(self, packet: Packet) -> None:
        if not packet.is_error:
            return
        number, top = above(packet.frame, packet.top + 8)
        if number != _UDP:
            return
        place = slice(top + 6, top + 8)
        had = bytes(packet.frame[place])
        new = 0 if self.offset is None else sum16(had, self.offset)
        packet.frame[place] = new.to_bytes(2, "big")
        packet.sign_icmp()


class Renumber(Rewrite):
    """A firewall that hides TCP sequence numbers: undone in what TCP answers, not in quotes."""

    def __init__(self, offset: int | None) -> None:
        """None: another random offset for each SYN."""
        self.offset = offset
        self.offsets: OrderedDict[tuple[int, int], int] = OrderedDict()
        """By the client's port and what the target may acknowledge."""
        self.restored: OrderedDict[tuple[int, int], int] = OrderedDict()
        """By the client's port and what was told it instead."""

    def out(self, packet: Packet) -> None:
        if packet.number != _TCP:
            return
        top = packet.top
        port = packet.word(top) >> 16
        number = packet.word(top + 4)
        if packet.frame[top + 13] & 2:
            offset = random.randrange(1, 1 << 32) if self.offset is None else self.offset
            data = len(packet.frame) - top - (packet.frame[top + 12] >> 4) * 4
            for taken in {0, data}:
                self.offsets[port, (number + offset + 1 + taken) % 2**32] = offset
        else:
            offset = self.restored.get((port, number), self.offset or 0)
        packet.put(top + 4, ((number + offset) % 2**32).to_bytes(4, "big"))
        for memory in (self.offsets, self.restored):
            while len(memory) > _REMEMBERED:
                memory.popitem(last=False)

    def back(self, packet: Packet) -> None:
        if packet.number != _TCP or not packet.frame[packet.top + 13] & 16:
            return
        port, number = packet.word(packet.top) & 0xFFFF, packet.word(packet.top + 8)
        offset = self.offsets.get((port, number), self.offset or 0)
        told = (number - offset) % 2**32
        self.restored[port, told] = offset
        packet.put(packet.top + 8, told.to_bytes(4, "big"))


class RandomId(Rewrite):
    """Gives what goes out another IP ID."""

    def out(self, packet: Packet) -> None:
        if packet.family == 4:
            new = random.randrange(1, 1 << 16)
            packet.frame[packet.ip + 4 : packet.ip + 6] = new.to_bytes(2, "big")
            packet.sign_ip()


class Cut(Rewrite):
    """Quotes no more than the IP header and the 8 bytes above it (RFC 792)."""

    def back(self, packet: Packet) -> None:
        if not packet.is_error:
            return
        frame, ip = packet.frame, packet.ip
        _, top = above(frame, packet.top + 8)
        del frame[top + 8 :]
        frame[packet.top + 4] = frame[packet.top + 5] = 0
        place, length = (ip + 2, top + 8 - ip) if packet.family == 4 else (ip + 4, top - ip - 32)
        frame[place : place + 2] = length.to_bytes(2, "big")
        packet.sign_ip()
        packet.sign_icmp()


REWRITES = {
    "as-is": Rewrite,
    "quoted-sum-shifted": lambda: QuotedSum(0x1B2D),
    "quoted-sum-zero": lambda: QuotedSum(None),
    "sequence-shifted": lambda: Renumber(0x5EADBEE5),
    "sequence-random": lambda: Renumber(None),
    "ip-id": RandomId,
    "cut": Cut,
}


def run(up: str, down: str, names: Sequence[str]) -> None:
    """Carry frames until standard input ends."""
    ports = [open_port(up), open_port(down)]
    rewrites = [REWRITES[name]() for name in names]
    poll = select.poll()
    for stream in (*ports, sys.stdin):
        poll.register(stream, select.POLLIN)
    print("ready", flush=True)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        for side, port in enumerate(ports):
            if port.fileno() in ready:
                packet = Packet(bytearray(port.recv(_LARGEST)))
                for rewrite in rewrites:
                    (rewrite.back if side else rewrite.out)(packet)
                ports[1 - side].send(packet.frame)
        if sys.stdin.fileno() in ready:
            return


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3:])
