"""Diagnose as a program, for inside the lab only: it prints the sentence, then the run in force.

`enter_lab.py` starts it (`inside` of the lab's tests); settings come as JSON.
"""

import sys

import msgspec

from tui_trace import __version__
from tui_trace.app.control.diagnosis import DiagnosisTurns
from tui_trace.core.events import Event
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings, SettingsHistory
from tui_trace.core.stream import TakeTurns
from tui_trace.engine.engine import Engine
from tui_trace.session.diagnosis import MOST_ROUNDS, settings_to_try
from tui_trace.session.fold import Session
from tui_trace.wire.raw.raw_network import RawNetwork
from tui_trace.wire.raw.raw_wire import RawWire
from tui_trace.wire.raw.sockets import RawSockets

TARGET = "203.0.113.80"
PACE = Pace(interval=40 * NS_PER_MS, wait=300 * NS_PER_MS)
LONGEST = 60_000 * NS_PER_MS


class Watch:
    """A sink that does what the live view does: asks for turns, and ends them when they tell."""

    def __init__(self, settings: ProbeSettings) -> None:
        self.engine = Engine(
            RawNetwork(RawWire(RawSockets(), 4), TARGET),
            target=TARGET,
            settings=settings,
            pace=PACE,
            version=__version__,
        )
        self.session = Session()
        self.asked = TakeTurns(settings_to_try(SettingsHistory(settings), 4, 1500), MOST_ROUNDS)
        self.turns: DiagnosisTurns | None = None
        self.back = 0

    def event(self, event: Event) -> None:
        """Fold."""
        self.session.apply(event)

    def pulse(self, at: int) -> None:
        """Look."""
        snapshot = self.session.snapshot()
        if self.turns is None:
            if snapshot.run.rounds < 2:
                return
            self.turns = DiagnosisTurns(self.asked, snapshot)
            self.engine.command(self.asked)
        runs = [self.session.run(number) for number in self.turns.numbers]
        if command := self.turns.look_at(snapshot, runs):
            self.engine.command(command)
        self.back = snapshot.run.rounds if self.turns.is_over and snapshot.run.number == 1 else 0
        if self.back > 2 or at > LONGEST:
            self.engine.stop()


def main(settings: str) -> None:
    """Diagnose."""
    watch = Watch(msgspec.json.decode(settings, type=ProbeSettings))
    watch.engine.run(watch)
    assert watch.turns is not None
    assert watch.turns.diagnosis is not None
    print(watch.turns.diagnosis.sentence)
    print(watch.session.snapshot().run.number)


if __name__ == "__main__":
    main(sys.argv[1])
