"""A source whose stream is counted for the metrics."""

from tui_trace.core.events import Event
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Sink, Source
from tui_trace.metrics.exporter import MetricsExporter
from tui_trace.metrics.trace_counters import TraceCounters


class MeteredSource(SourceFilter):
    """A source that is among the metrics while it runs."""

    def __init__(self, source: Source, target: str, exporter: MetricsExporter) -> None:
        """`target` names it there; of two with one name the second one gets a number."""
        super().__init__(source)
        self._exporter = exporter
        self._target = exporter.reserve(target)
        self._counters = TraceCounters()

    def run(self, sink: Sink) -> None:
        """Run the inner source, and count its stream; blocks."""
        self._exporter.add(self._target, self._counters)
        try:
            super().run(sink)
        finally:
            self._exporter.remove(self._target)

    def event(self, event: Event) -> None:
        """Count the event, then pass it on."""
        self._counters.event(event)
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Note that the source goes on, then pass the pulse on."""
        self._counters.pulse()
        self._sink.pulse(at)
