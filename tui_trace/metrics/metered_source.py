"""A source whose stream is counted for the metrics."""

from tui_trace.core.events import Event
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Sink, Source
from tui_trace.metrics.exporter import MetricsExporter
from tui_trace.metrics.trace_counters import TraceCounters


class MeteredSource(SourceFilter):
    """A source that is among the metrics while it runs."""

    def __init__(
        self, source: Source, target: str, vantage: str, exporter: MetricsExporter
    ) -> None:
        """Name it there by its target, and by the host that it is probed from (empty: here).

        Of two with the same names the target of the second one gets a number.
        """
        super().__init__(source)
        self._exporter = exporter
        self._labels = exporter.reserve(target, vantage)
        self._counters = TraceCounters()

    def run(self, sink: Sink) -> None:
        """Run the inner source, and count its stream; blocks."""
        self._exporter.add(self._labels, self._counters)
        try:
            super().run(sink)
        finally:
            self._exporter.remove(self._labels)

    def event(self, event: Event) -> None:
        """Count the event, then pass it on."""
        self._counters.event(event)
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Note that the source goes on, then pass the pulse on."""
        self._counters.pulse()
        self._sink.pulse(at)
