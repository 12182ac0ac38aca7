"""An engine with a sink that only counts; started by `tests.bench.engine` in a namespace."""

import sys
import time

from tui_trace import __version__
from tui_trace.engine.engine import Engine
from tui_trace.events import Event, ProbeLost, ProbeSent, Reply
from tui_trace.settings import DEFAULT_SIZE, Pace, ProbeSettings, Protocol
from tui_trace.wire.raw import RawNetwork
from tui_trace.wire.sockets import RawSockets


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


def measure(protocol: Protocol, port: int, rounds: int, interval_ns: int, target: str) -> None:
    """Print probes, answers, losses and the process's CPU in ns while the engine ran."""
    sockets = RawSockets()
    counts = Counts()
    engine = Engine(
        RawNetwork(sockets, target, 4),
        target=target,
        settings=ProbeSettings(protocol=protocol, port=port, size=DEFAULT_SIZE[protocol]),
        pace=Pace(interval=interval_ns, rounds=rounds),
        version=__version__,
    )
    before = time.process_time_ns()
    engine.run(counts)
    cpu = time.process_time_ns() - before
    print(*(counts.of.get(kind, 0) for kind in (ProbeSent, Reply, ProbeLost)), cpu)


if __name__ == "__main__":
    measure(
        Protocol(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    )
