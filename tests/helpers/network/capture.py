"""tcpdump beside the probers: what the wire saw, and when."""

import re
import select
import signal
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.helpers.closing import Closing
from tests.helpers.network.netns import Netns
from tests.helpers.network.packet_parser import Packet, parse

_NANOSECOND_MAGIC = 0xA1B23C4D
_ETHERNET = 14


class Seen(NamedTuple):
    """A captured packet."""

    wall: int
    """Nanoseconds since 1970, by the kernel's clock."""
    packet: Packet


class Capture(Closing):
    """A running capture: it sees every packet from the end of the constructor to `stop`.

    `light`: tcpdump reads whole blocks and is not woken by each packet, which takes some µs
    between its stamp and the driver's; `stop` then takes up to a second.
    """

    def __init__(
        self,
        space: Netns,
        interface: str,
        expression: str = "ip or ip6",
        *,
        light: bool = False,
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="tt-capture-")
        self._file = Path(self._directory.name) / "wire.pcap"
        options = ["--time-stamp-precision=nano", "-U", "-n", "-Z", "root"]
        options += [] if light else ["--immediate-mode"]
        # mtr and others may send faster than tcpdump writes
        options += ["-B", "32768", "-s", "2048"]
        self._process = space.popen(
            ["tcpdump", "-i", interface, *options, "-w", str(self._file), expression]
        )
        self._errors = b""
        self._await("listening on")

    def _await(self, words: str) -> None:
        assert self._process.stderr is not None
        end = time.monotonic() + 10
        while words.encode() not in self._errors:
            ready, _, _ = select.select([self._process.stderr], [], [], end - time.monotonic())
            chunk = self._process.stderr.read1(4096) if ready else b""  # type: ignore[attr-defined]
            if not chunk:
                raise AssertionError(f"tcpdump: {self._errors.decode()}")
            self._errors += chunk

    def stop(self) -> list[Seen]:
        """End it, and give all it saw; fails if the kernel had to drop a packet."""
        # Asked for its counts it must have read what came before the question.
        while True:
            self._errors = b""
            self._process.send_signal(signal.SIGUSR1)
            self._await("dropped by kernel")
            counts = re.findall(rb"(\d+) packets? (captured|received|dropped)", self._errors)
            found = {name: int(count) for count, name in counts}
            if found[b"dropped"]:
                raise AssertionError(f"tcpdump: {self._errors.decode()}")
            if found[b"captured"] == found[b"received"]:
                break
            time.sleep(0.01)
        self.close()
        seen = list(_read(self._file.read_bytes()))
        self._directory.cleanup()
        return seen

    def close(self) -> None:
        """End it and forget what it saw."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.communicate(timeout=10)


def _read(data: bytes) -> Iterator[Seen]:
    (magic,) = struct.unpack_from("=I", data)
    if magic != _NANOSECOND_MAGIC:
        raise AssertionError("no capture in nanoseconds")
    offset = 24
    while offset < len(data):
        seconds, nanoseconds, length, _ = struct.unpack_from("=IIII", data, offset)
        offset += 16
        yield Seen(
            seconds * 1_000_000_000 + nanoseconds, parse(data[offset + _ETHERNET : offset + length])
        )
        offset += length


def probes(seen: list[Seen], source: str, destination: str) -> list[Seen]:
    """The probes that went from `source` to `destination`, in order; no resets of a kernel."""
    return [
        one
        for one in seen
        if one.packet.source == source
        and one.packet.destination == destination
        and one.packet.is_probe
        and not one.packet.is_rst
    ]
