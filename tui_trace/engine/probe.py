"""One probe as the engine knows it."""

import enum
from typing import Generic, TypeVar

from tui_trace.core.settings import ProbeSettings
from tui_trace.engine.source_ports import SourcePorts
from tui_trace.wire.network import FlowTuple, OutgoingProbe

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

    __slots__ = ("epoch", "flow_index", "is_scout", "number", "ports", "rtt", "run", "state")

    def __init__(
        self,
        run: RunT,
        number: int,
        settings: ProbeSettings,
        ttl: int,
        flow: FlowTuple,
        *,
        flow_index: int,
        ports: SourcePorts | None,
        is_scout: bool,
        monotonic: int,
        wall: int,
        epoch: int,
    ) -> None:
        """`monotonic` and `wall` are clock times in ns, read just before the probe is sent.

        `flow_index` is the number of the flow in its run. `ports` is where it has its source port
        from, for as long as it is in flight; None: it shares one that it cannot keep from others.
        `is_scout` says that its TTL reaches past the known end of the path: it counts only if it
        is answered. `epoch` is the clock's (`ClockStepDetector`).
        """
        super().__init__(settings, ttl, flow, monotonic, wall)
        self.run = run
        self.number = number
        self.flow_index = flow_index
        self.ports = ports
        self.is_scout = is_scout
        self.epoch = epoch
        self.state = ProbeState.PENDING
        self.rtt = 0
        """Nanoseconds until its first reply."""
