"""A wire with a delay: carries frames between two interfaces of a namespace, later.

The harness starts this file as a program in the relay's namespace. It reads one command a line
(`FORWARD_NS BACK_NS COPIES JITTER_NS`) and answers each with a line once it is in force.
"""

import contextlib
import heapq
import os
import random
import select
import socket
import subprocess
import sys
import time

from tests.helpers.network.netns import Netns
from tests.helpers.places import ROOT

_SOL_PACKET = 263
_PACKET_VNET_HDR = 15
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 3
_LARGEST = 70_000


class DelayRelay:
    """The running relay; delays nothing until told."""

    def __init__(self, space: Netns, up: str, down: str) -> None:
        root = str(ROOT)
        self._process = space.popen(
            [
                "env",
                f"PYTHONPATH={root}",
                sys.executable,
                "-m",
                "tests.helpers.network.delay_relay",
                up,
                down,
            ],
            stdin=subprocess.PIPE,
            stderr=None,
        )
        self._answer()

    def delay(
        self,
        forward_ms: float = 0,
        back_ms: float = 0,
        copies: int = 1,
        *,
        jitter_ms: float = 0,
    ) -> None:
        """Delay each way by this many ms, for frames that come from now on; send `copies`.

        On the way forward each waits up to `jitter_ms` more, at random, so that they overtake.
        """
        assert self._process.stdin is not None
        times = [round(ms * 1e6) for ms in (forward_ms, back_ms, jitter_ms)]
        command = f"{times[0]} {times[1]} {copies} {times[2]}\n"
        self._process.stdin.write(command.encode())
        self._process.stdin.flush()
        self._answer()

    def _answer(self) -> None:
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise AssertionError("the relay ended")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)


def open_port(interface: str) -> socket.socket:
    """A socket that takes the interface's frames, each behind its virtio header of 10 bytes."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    # The header carries checksums that the sender's stack left to the device.
    sock.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((interface, _ETH_P_ALL))
    sock.setblocking(False)
    return sock


def relay(up: str, down: str) -> None:
    """Carry frames until standard input ends."""
    ports = [open_port(up), open_port(down)]
    delays = [0, 0]
    jitter = 0
    copies = 1
    waiting: list[tuple[int, int, int, bytes]] = []
    order = 0
    with contextlib.suppress(PermissionError):
        # a wire does not wait for a processor
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    print("ready", flush=True)
    while True:
        now = time.monotonic_ns()
        while waiting and waiting[0][0] <= now:
            _, _, side, frame = heapq.heappop(waiting)
            ports[side].send(frame)
        timeout = None if not waiting else max(0, waiting[0][0] - now) / 1e9
        ready, _, _ = select.select([*ports, sys.stdin], [], [], timeout)
        for side, port in enumerate(ports):
            if port not in ready:
                continue
            frame = port.recv(_LARGEST)
            for _ in range(copies):
                order += 1
                due = time.monotonic_ns() + delays[side]
                if side == 0 and jitter:
                    due += random.randrange(jitter)
                heapq.heappush(waiting, (due, order, 1 - side, frame))
        if sys.stdin in ready:
            words = sys.stdin.readline().split()
            if not words:
                return
            delays[:] = int(words[0]), int(words[1])
            copies, jitter = int(words[2]), int(words[3])
            print("ready", flush=True)


if __name__ == "__main__":
    relay(sys.argv[1], sys.argv[2])
