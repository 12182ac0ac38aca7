"""One probe as the engine knows it."""

import enum
from typing import Generic, TypeVar

from tui_trace.core.settings import ProbeSettings
from tui_trace.engine.source_ports import ChosenFlow
from tui_trace.wire.network import OutgoingProbe

RunT = TypeVar("RunT")
"""The engine's run type; a probe only refers to its run."""


class ProbeState(enum.Enum):
    """Whether a probe is in flight, or how it ended."""

    PENDING = enum.auto()
    ANSWERED = enum.auto()
    LOST = enum.auto()
    VOID = enum.auto()


class Probe(OutgoingProbe, Generic[RunT]):
    """A probe, its place in its run, and its state."""

    __slots__ = (
        "epoch",
        "flow_index",
        "has_own_port",
        "is_scout",
        "number",
        "ports",
        "rtt",
        "run",
        "state",
    )

    def __init__(
        self,
        run: RunT,
        number: int,
        settings: ProbeSettings,
        ttl: int,
        chosen: ChosenFlow,
        *,
        flow_index: int,
        is_scout: bool,
        monotonic: int,
        wall: int,
        epoch: int,
    ) -> None:
        """`monotonic` and `wall` are clock times in ns, read just before the probe is sent.

        `flow_index` is the number of the flow in its run. `is_scout` says that its TTL reaches past
        the known end of the path: it counts only if it is answered. `epoch` is the clock's
        (`ClockStepDetector`).
        """
        super().__init__(settings, ttl, chosen.flow, monotonic, wall)
        self.run = run
        self.number = number
        self.flow_index = flow_index
        self.ports = chosen.ports
        """None: its port was given back, or need not be."""
        self.has_own_port = chosen.has_own_port
        self.is_scout = is_scout
        self.epoch = epoch
        self.state = ProbeState.PENDING
        self.rtt = 0
        """Nanoseconds until its first reply."""
