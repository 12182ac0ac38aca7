"""The engine on a simulated network."""

from collections.abc import Callable

from tests.helpers.simulated_network import SimNet
from tui_trace.core.events import Event
from tui_trace.core.settings import (
    NS_PER_S,
    Pace,
    ProbeSettings,
    Protocol,
)
from tui_trace.core.stream import Command
from tui_trace.engine.engine import Engine

ICMP = ProbeSettings()
UDP = ProbeSettings(protocol=Protocol.UDP, port=33434)
TCP = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)


class Tape:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = lambda _event: None

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def pulse(self, at: int) -> None:
        pass


def events_of(tape: Tape, kind: type) -> list:
    return [event for event in tape.events if isinstance(event, kind)]


def trace(
    net: SimNet,
    settings: ProbeSettings = ICMP,
    *,
    commands: list[tuple[int, Command]] | None = None,
    seconds: float = 0,
    **pace: object,
) -> Tape:
    """Run an engine to its end; commands are given at ns after the start."""
    pace.setdefault("rounds", None if seconds else 1)
    engine = Engine(
        net,
        target="target.example",
        settings=settings,
        pace=Pace(**pace),
        version="0",
    )
    for when, command in commands or []:
        net.at.append((net.now + when, lambda command=command: engine.command(command)))
    if seconds:
        net.at.append((net.now + round(seconds * NS_PER_S), engine.stop))
    tape = Tape()
    engine.run(tape)
    return tape
