"""Floods a prober with ICMP errors that quote its probes, right in all that can be guessed.

Runs as a program on a router: `UP FORGER COUNT`. It listens to probes, and quotes each with its
addresses, lengths, TTL, destination port and type as they are; the prober's port, IP ID,
identifier, numbers and checksums are random. It knows none of the product's code.
"""

import random
import socket
import sys
import time

from tests.helpers.network.delay_relay import open_port
from tests.helpers.network.middlebox import Packet, sum16


def forge(packet: Packet, forger: bytes, rng: random.Random) -> bytes:
    """A time exceeded for this probe that a stranger could have made."""
    ip, family = packet.ip, packet.family
    size = 20 if family == 4 else 40
    quote = bytearray(packet.frame[ip : packet.top + 8])
    top = packet.top - ip
    if family == 4:
        quote[4:6] = rng.randbytes(2)
        quote[8] = 1
        source, here = quote[12:16], bytes(quote[12:16])
    else:
        quote[1:4] = bytes((quote[1] & 0xF0 | rng.randrange(16),)) + rng.randbytes(2)
        quote[7] = 1
        source, here = quote[8:24], bytes(quote[8:24])
    if packet.number in (1, 58):
        quote[top + 2 : top + 8] = rng.randbytes(6)
    else:
        quote[top : top + 2] = rng.randrange(32768, 61000).to_bytes(2, "big")
        secret = 4 if packet.number == 6 else 6
        quote[top + secret : top + 8] = rng.randbytes(8 - secret)
    body = bytearray(bytes((11 if family == 4 else 3, 0, 0, 0, 0, 0, 0, 0)) + quote)
    pseudo = 0 if family == 4 else sum16(forger + source, len(body) + 58)
    body[2:4] = (0xFFFF - sum16(body, pseudo)).to_bytes(2, "big")
    if family == 4:
        head = bytearray((69, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0)) + forger + here
        head[2:4] = (size + len(body)).to_bytes(2, "big")
    else:
        head = bytearray((0x60, 0, 0, 0, 0, 0, 58, 60)) + forger + here
        head[4:6] = len(body).to_bytes(2, "big")
    return bytes(head + body)


def run(up: str, forger: str, count: int) -> None:
    """Send so many, some 10,000 a second, and say how many in the end."""
    family = socket.AF_INET6 if ":" in forger else socket.AF_INET
    name = socket.inet_pton(family, forger)
    number = 6 if ":" in forger else 4
    rng = random.Random(7)
    heard = open_port(up)
    out = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    probes: list[Packet] = []
    sent = 0
    end = time.monotonic() + 60
    while sent < count and time.monotonic() < end:
        try:
            packet = Packet(bytearray(heard.recv(70_000)))
            if packet.family == number and not packet.is_error and is_probe(packet):
                probes = [*probes[-100:], packet]
        except BlockingIOError:
            pass
        if not probes:
            time.sleep(0.01)
            continue
        for _ in range(50):
            packet = rng.choice(probes)
            start = packet.ip + (12 if number == 4 else 8)
            to = socket.inet_ntop(family, packet.frame[start : start + len(name)])
            out.sendto(forge(packet, name, rng), (to, 0))
        sent += 50
        time.sleep(0.004)
    print(sent, flush=True)


def is_probe(packet: Packet) -> bool:
    """Neither neighbour discovery nor a reset of the prober's kernel."""
    kind = packet.frame[packet.top]
    if packet.number == 58:
        return kind == 128
    if packet.number == 6:
        return bool(packet.frame[packet.top + 13] & 2)
    return packet.number in (1, 17)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
