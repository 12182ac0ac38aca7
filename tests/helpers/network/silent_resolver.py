"""A resolver that never answers, inside a namespace, and a pipe that nobody reads."""

import os
import sys
import time
from subprocess import Popen

from tests.helpers.closing import Closing
from tests.helpers.network.netns import Netns

_DEAD = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        server.recv(4096)
        print("asked", flush=True)
"""


class DeadResolver(Closing):
    """What is in the namespace asks this, and waits. A context manager."""

    def __init__(self, space: Netns) -> None:
        space.etc("resolv.conf", "nameserver 127.0.0.1\n")
        space.etc("nsswitch.conf", "hosts: files dns\n")
        space.etc("hosts", "127.0.0.1 localhost\n")
        self._process = space.popen([sys.executable, "-c", _DEAD], stderr=None)
        self._expect(b"ready\n")

    def _expect(self, line: bytes) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == line

    def wait_until_asked(self) -> None:
        """Until the next question."""
        self._expect(b"asked\n")

    def close(self) -> None:
        """Give everything back."""
        self._process.kill()
        self._process.wait(10)


class FullPipe(Closing):
    """A pipe with no room left; `write` is its end for a program. A context manager."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        os.set_blocking(self.write, False)
        for size in (4096, 1):
            try:
                while os.write(self.write, b"x" * size):
                    pass
            except BlockingIOError:
                pass
        os.set_blocking(self.write, True)

    def wait_until_blocked(self, process: "Popen[bytes]", timeout: float = 30) -> None:
        """Until the main thread of a program waits for room in a pipe."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with open(f"/proc/{process.pid}/wchan") as file:
                if "pipe" in file.read():
                    return
            assert process.poll() is None, "it ended"
            time.sleep(0.02)
        raise AssertionError("it never wrote")

    def close(self) -> None:
        """Give everything back."""
        os.close(self._read)
        os.close(self.write)
