"""A live trace that shares the thread of others."""

from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Sink
from tui_trace.engine.engine import Engine
from tui_trace.engine.loop import ProbingLoop


class JoinedEngine(SourceFilter):
    """Probes one target in a loop that probes others, too."""

    def __init__(self, engine: Engine, loop: ProbingLoop, delay: int = 0) -> None:
        """Begin `delay` ns after `run`, so that the rounds of many targets are spread."""
        super().__init__(engine)
        self._engine = engine
        self._loop = loop
        self._delay = delay

    def run(self, sink: Sink) -> None:
        """Wait until the loop has probed the target to its end; the loop calls the sink."""
        self._loop.probe(self._engine, sink, self._delay)
