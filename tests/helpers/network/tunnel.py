"""A tunnel's interface without link-layer addresses, as a VPN has; a program reads what enters."""

import time

from tests.helpers.closing import Closing
from tests.helpers.network.netns import Netns
from tests.helpers.network.packet_parser import Packet, parse

_READER = """
import fcntl, os, struct, sys
handle = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(handle, 0x400454CA, struct.pack("16sH22x", sys.argv[1].encode(), 0x1001))
print("ready", flush=True)
for _ in range(10000):
    print(os.read(handle, 2000).hex(), flush=True)
"""
"""TUNSETIFF with IFF_TUN and IFF_NO_PI: plain IP packets."""


class Tunnel(Closing):
    """A tunnel in a namespace; nothing answers from its other end."""

    def __init__(self, space: Netns, name: str) -> None:
        """Make the interface; it has no address yet and is down."""
        self._process = space.popen(["/usr/bin/env", "python3", "-c", _READER, name])
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def stop(self) -> list[Packet]:
        """Take it down, and give all that entered it."""
        # what was sent last is in the queue of the interface, which the reader empties at once
        time.sleep(0.2)
        self._process.terminate()
        lines, _ = self._process.communicate(timeout=10)
        return [parse(bytes.fromhex(line)) for line in lines.decode().split()]

    def close(self) -> None:
        """Take it down."""
        self._process.kill()
        self._process.communicate(timeout=10)
