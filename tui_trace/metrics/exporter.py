"""The metrics of all running traces, as families of `prometheus_client`.

Names and units follow <https://prometheus.io/docs/practices/naming/>: seconds, and a counter ends
in `_total`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from tui_trace import __version__
from tui_trace.core.probe_text import describe_protocol
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import NS_PER_S
from tui_trace.metrics.series_text import SeriesText
from tui_trace.metrics.trace_counters import RTT_BOUNDS, HopCounters, TraceCounters, TraceMetrics
from tui_trace.session.finding import FindingKind
from tui_trace.session.paths import path_number

PREFIX = "tui_trace_"
ALIVE = 10.0
"""Seconds after its last sign of life for which a trace counts as alive; it gives ten a second."""
EPISODE_KINDS = (
    FindingKind.DOWN,
    FindingKind.LOSS,
    FindingKind.REFUSED,
    FindingKind.FILTERED,
    FindingKind.MTU,
    FindingKind.BLACK_HOLE,
    FindingKind.QUEUE,
    FindingKind.SLOWER,
    FindingKind.WAY_LOSS,
    FindingKind.PATH_CHANGE,
    FindingKind.FLAP,
    FindingKind.LOOP,
    FindingKind.LOCAL,
)
"""Kinds that have a sample before their first episode: else its rise would not be seen."""

LOCAL_VANTAGE = "local"
"""The vantage of what is probed from this machine, as in `--from`."""
_BOUNDS = (*map(str, RTT_BOUNDS), "+Inf")
_Read: TypeAlias = list[tuple["TraceLabels", TraceMetrics]]


class TraceLabels(NamedTuple):
    """What tells one trace from the others."""

    target: str
    vantage: str
    """The host that it is probed from, or `local`."""


class MetricsExporter:
    """The traces that run, and their metrics; thread-safe except `render`."""

    def __init__(self) -> None:
        """Begin without a trace."""
        self._lock = threading.Lock()
        self._reserved: set[TraceLabels] = set()
        self._running: dict[TraceLabels, TraceCounters] = {}
        self._texts: dict[str, SeriesText] = {}
        """By content type."""

    def reserve(self, target: str, vantage: str = "") -> TraceLabels:
        """Return labels that no other trace has: `example.com`, `example.com #2`."""
        first = labels = TraceLabels(sanitize(target), sanitize(vantage) or LOCAL_VANTAGE)
        with self._lock:
            number = 1
            while labels in self._reserved:
                number += 1
                labels = first._replace(target=f"{first.target} #{number}")
            self._reserved.add(labels)
        return labels

    def add(self, labels: TraceLabels, counters: TraceCounters) -> None:
        """Show this trace from now on."""
        with self._lock:
            self._running[labels] = counters

    def remove(self, labels: TraceLabels) -> None:
        """Show the trace no more: it has ended."""
        with self._lock:
            self._running.pop(labels, None)
            self._reserved.discard(labels)

    def stalled(self) -> str | None:
        """Return what keeps the program from being healthy, in one line; None: nothing does."""
        now = time.monotonic()
        with self._lock:
            running = dict(self._running)
        if not running:
            return "nothing is being traced"
        silent = [labels for labels, one in running.items() if now - one.pulsed > ALIVE]
        return f"the trace of {silent[0].target} stands still" if silent else None

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the text in the best format that `accept` (RFC 9110 §12.5.1) names, and its type.

        OpenMetrics if it is named, else the text format of Prometheus. One thread at a time.
        """
        encode, content_type = choose_encoder(accept)
        text = self._texts.setdefault(content_type, SeriesText(encode))
        return text.render(list(self.collect())), content_type

    def collect(self) -> Iterator[Metric]:
        """Yield the families of all traces as they are now."""
        with self._lock:
            running = dict(self._running)
        read = [(labels, counters.read()) for labels, counters in running.items()]
        yield InfoMetricFamily(
            f"{PREFIX}build", "Version of the program.", value={"version": __version__}
        )
        yield from _of_traces(read)
        yield from _of_hops(read)


def _of_traces(read: _Read) -> Iterator[Metric]:
    target = InfoMetricFamily(
        f"{PREFIX}target", "What is traced, and how.", labels=TraceLabels._fields
    )
    start = _gauge("start_time_seconds", "When the trace began, since 1970 (UTC).")
    hops = _gauge("hops", "Hops to the target; missing while it has not answered.")
    reached = _gauge("target_reached", "1 if the target has answered on the present path, else 0.")
    path = _gauge("path_id", "The present path by the order of discovery: 1 is path A.")
    foreign = _counter("foreign_replies", "Replies that matched none of our probes.")
    began = _counter("episodes", "Episodes that began, by the kind of finding.", "kind")
    lasting = _gauge("episodes_active", "Episodes that last, by the kind of finding.", "kind")
    for labels, told in read:
        now = told.snapshot
        target.add_metric(
            labels,
            {
                "address": sanitize(now.address),
                "probe": sanitize(describe_protocol(now.run.settings)),
                "lab": sanitize(now.lab),
            },
        )
        if now.wall:
            start.add_metric(labels, now.wall / NS_PER_S)
        if now.run.reached and now.run.hops:
            hops.add_metric(labels, now.run.hops[-1].ttl)
        reached.add_metric(labels, int(now.run.reached))
        if now.path is not None:
            path.add_metric(labels, path_number(now.path.letter))
        foreign.add_metric(labels, now.foreign)
        active = Counter(one.finding.kind for one in now.episodes if one.until is None)
        for kind in dict.fromkeys((*EPISODE_KINDS, *told.episodes, *active)):
            began.add_metric((*labels, kind.value), told.episodes.get(kind, 0))
            lasting.add_metric((*labels, kind.value), active[kind])
    yield from (target, start, hops, reached, path, foreign, began, lasting)


def _of_hops(read: _Read) -> Iterator[Metric]:
    def counters(name: str, about: str, value: Callable[[HopCounters], int]) -> Metric:
        family = _counter(name, about, "ttl")
        for labels, told in read:
            for ttl, hop in told.hops.items():
                family.add_metric((*labels, str(ttl)), value(hop))
        return family

    yield counters("probes", "Probes that were answered or lost.", lambda hop: hop.probes)
    yield counters(
        "probes_lost",
        "Probes without an answer before the timeout, or refused by somebody on the way.",
        lambda hop: hop.lost,
    )
    yield counters(
        "late_replies", "Answers after the timeout; each takes one loss back.", lambda hop: hop.late
    )
    yield counters(
        "user_stamped_replies",
        "Answers whose RTT uses a time stamp that the kernel did not take.",
        lambda hop: hop.user_stamped,
    )
    replies = _counter("replies", "Answers by the address that gave them.", "ttl", "address")
    rtt = HistogramMetricFamily(
        f"{PREFIX}rtt_seconds", "Round-trip time.", labels=(*TraceLabels._fields, "ttl")
    )
    for labels, told in read:
        for ttl, hop in told.hops.items():
            place = (*labels, str(ttl))
            for address, count in hop.addresses.items():
                replies.add_metric((*place, sanitize(address)), count)
            buckets = [*zip(_BOUNDS, accumulate(hop.buckets), strict=True)]
            rtt.add_metric(place, buckets, hop.rtt_sum / NS_PER_S)
    yield from (replies, rtt)


def _counter(name: str, about: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"{PREFIX}{name}", about, labels=(*TraceLabels._fields, *labels))


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}{name}", about, labels=(*TraceLabels._fields, *labels))
