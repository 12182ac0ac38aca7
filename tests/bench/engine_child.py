"""An engine with a sink that only counts; started by `tests.bench.engine` in a namespace."""

import contextlib
import resource
import socket
import sys
import time

from tui_trace import __version__
from tui_trace.core.events import Event, ProbeLost, ProbeSent, Reply
from tui_trace.core.settings import DEFAULT_SIZE, Pace, ProbeSettings, Protocol
from tui_trace.engine.engine import Engine
from tui_trace.wire.raw.raw_network import RawNetwork
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.raw.sockets import RawSockets


class Counts:
    """A sink that only counts."""

    def __init__(self) -> None:
        self.of: dict[type, int] = {}

    def event(self, event: Event) -> None:
        """Count it."""
        kind = type(event)
        self.of[kind] = self.of.get(kind, 0) + 1

    def pulse(self, at: int) -> None:
        """Nothing is drawn."""


def _cpu_us() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime * 1e6, usage.ru_stime * 1e6


def measure(protocol: Protocol, port: int, rounds: int, interval_ns: int, target: str) -> None:
    """Print probes, answers, losses and the CPU in µs while the engine ran: user's, kernel's."""
    counts = Counts()
    network = RawNetwork(RawWire(RawSockets(), 4), target)
    settings = ProbeSettings(protocol=protocol, port=port, size=DEFAULT_SIZE[protocol])
    engine = Engine(
        network,
        target=target,
        settings=settings,
        pace=Pace(interval=interval_ns, rounds=rounds),
        version=__version__,
    )
    network.egress(settings)  # imports what builds a template
    user, kernel = _cpu_us()
    engine.run(counts)
    user_then, kernel_then = _cpu_us()
    told = (counts.of.get(kind, 0) for kind in (ProbeSent, Reply, ProbeLost))
    print(*told, user_then - user, kernel_then - kernel)


def send_only(probes: int, pause_ns: int, target: str, hops: int = 9) -> None:
    """Print the kernel's CPU in µs for so many datagrams, TTL 1 to `hops` in turn, nothing read."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    kernel = _cpu_us()[1]
    due = time.monotonic_ns()
    for number in range(probes):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, number % hops + 1)
        # a port unreachable of an earlier one comes back as an error of this
        with contextlib.suppress(ConnectionRefusedError):
            sock.sendto(b"0" * 36, (target, 33434))
        due += pause_ns
        time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
    print(_cpu_us()[1] - kernel)


if __name__ == "__main__":
    if sys.argv[1] == "send-only":
        send_only(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], *map(int, sys.argv[5:]))
    else:
        measure(
            Protocol(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
        )
