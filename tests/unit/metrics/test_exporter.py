"""The metrics as a monitoring system reads them."""

import re
import threading

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.helpers.event_builders import began
from tests.helpers.generated_sessions import World, deal, routers
from tui_trace.core import events as ev
from tui_trace.metrics.exporter import EPISODE_KINDS, MetricsExporter
from tui_trace.metrics.metered_source import MeteredSource
from tui_trace.metrics.trace_counters import TraceCounters

EVENTS = list(deal(World.of(routers(3)), 20, 1))
LABELS = ("target", "vantage", "ttl", "address", "kind", "le", "version", "probe", "lab")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def exporting(*targets: str, events=EVENTS) -> MetricsExporter:
    exporter = MetricsExporter()
    for target in targets:
        counters = TraceCounters()
        for event in events:
            counters.event(event)
        exporter.add(exporter.reserve(target), counters)
    return exporter


def samples(exporter: MetricsExporter) -> dict[tuple[str, ...], float]:
    """Values by name and labels, through the strict reader of OpenMetrics."""
    text = exporter.render(OPENMETRICS)[0].decode()
    return {
        (one.name, *(one.labels[name] for name in LABELS if name in one.labels)): one.value
        for family in read_openmetrics(text)
        for one in family.samples
    }


def test_what_is_told_of_a_trace() -> None:
    told = samples(exporting("target.example"))
    who = ("target.example", "local")
    assert told["tui_trace_hops", *who] == 4
    assert told["tui_trace_target_reached", *who] == 1
    assert told["tui_trace_path_id", *who] == 1
    assert told["tui_trace_probes_total", *who, "2"] == 20
    assert told["tui_trace_probes_lost_total", *who, "2"] == 0
    assert told["tui_trace_replies_total", *who, "2", "10.0.2.1"] == 20
    assert told["tui_trace_rtt_seconds_count", *who, "2"] == 20
    assert told["tui_trace_rtt_seconds_bucket", *who, "2", "1.0"] == 20
    assert 0.001 < told["tui_trace_rtt_seconds_sum", *who, "2"] / 20 < 0.02
    for kind in EPISODE_KINDS:
        assert told["tui_trace_episodes_total", *who, kind] == 0
        assert told["tui_trace_episodes_active", *who, kind] == 0


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_a_later_text_is_the_same_as_a_first_one(accept: str) -> None:
    hostile = 'x"} 1\n# HELP y 2\n\x85\u2028 3'
    events = [began(address=hostile), *EVENTS[1:]]
    counters = TraceCounters()

    def exporting_now(*targets: str) -> MetricsExporter:
        exporter = MetricsExporter()
        for target in targets:
            exporter.add(exporter.reserve(target), counters)
        return exporter

    exporter = exporting_now(hostile)
    for number, event in enumerate(events):
        counters.event(event)
        if number % 25 == 0:
            assert exporter.render(accept) == exporting_now(hostile).render(accept)
    labels = exporter.reserve("b")
    exporter.add(labels, counters)
    assert exporter.render(accept) == exporting_now(hostile, "b").render(accept)
    exporter.remove(labels)
    assert exporter.render(accept) == exporting_now(hostile).render(accept)


def test_names_and_units_are_by_the_convention() -> None:
    """What `promtool check metrics` asks for."""
    text, kind = exporting("target.example").render("")
    assert kind.startswith("text/plain; version=0.0.4")
    families = list(read_text(text.decode()))
    assert len(families) > 12
    for family in families:
        name = family.name
        assert re.fullmatch(r"tui_trace_[a-z_]+", name), name
        assert family.documentation.endswith("."), name
        is_counter = family.type == "counter"
        assert all(sample.name.endswith("_total") == is_counter for sample in family.samples), name
        assert not set(name.split("_")) & {"ms", "ns", "us", "millis", "percent", "gauge"}, name
        told = {(one.name, *one.labels.items()) for one in family.samples}
        assert len(told) == len(family.samples), name


def test_two_targets_of_one_name_are_told_apart() -> None:
    told = samples(exporting("a.example", "b.example", "a.example"))
    assert {key[1] for key in told if key[0] == "tui_trace_hops"} == {
        "a.example",
        "b.example",
        "a.example #2",
    }
    exporter = MetricsExporter()
    assert exporter.reserve("a.example", "edge1") == ("a.example", "edge1")
    assert exporter.reserve("a.example") == ("a.example", "local")


def test_hostile_text_stays_one_label() -> None:
    hostile = 'x"} 1\n# EOF\x1b[2J\\'
    replies = [event for event in EVENTS if isinstance(event, ev.Reply)]
    events = [
        began(address=hostile, vantage=hostile, lab=hostile),
        *EVENTS[1:],
        *(replace(reply, address=hostile) for reply in replies),
    ]
    exporter = exporting(hostile, events=events)
    told = samples(exporter)
    assert any(hostile.replace("\n", r"\n").replace("\x1b", r"\x1b") in key for key in told)
    text = exporter.render("")[0].decode()
    assert "\x1b" not in text
    assert len(list(read_text(text))) > 12


class Held:
    """A source that hands over what it has, and then runs until it is stopped."""

    def __init__(self) -> None:
        self.told, self.over = threading.Event(), threading.Event()

    def run(self, sink) -> None:
        for event in EVENTS:
            sink.event(event)
        sink.pulse(EVENTS[-1].at)
        self.told.set()
        assert self.over.wait(20)

    def command(self, command) -> None:
        raise AssertionError(command)

    def stop(self) -> None:
        self.over.set()


class Taken:
    """A sink that counts."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.pulses: list[int] = []

    def event(self, event) -> None:
        self.events.append(event)

    def pulse(self, at) -> None:
        self.pulses.append(at)


def test_a_source_is_told_of_while_it_runs_and_its_stream_is_the_same() -> None:
    exporter, inner, sink = MetricsExporter(), Held(), Taken()
    source = MeteredSource(inner, "target.example", "", exporter)
    assert exporter.stalled() == "nothing is being traced"
    thread = threading.Thread(target=source.run, args=(sink,))
    thread.start()
    assert inner.told.wait(20)
    assert exporter.stalled() is None
    assert ("tui_trace_hops", "target.example", "local") in samples(exporter)
    source.stop()
    thread.join(20)
    assert not any(key[0] == "tui_trace_hops" for key in samples(exporter))
    assert exporter.stalled() == "nothing is being traced"
    assert exporter.reserve("target.example") == ("target.example", "local")
    assert (sink.events, sink.pulses) == (EVENTS, [EVENTS[-1].at])


def test_a_trace_that_stands_still_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = exporting("target.example")
    assert exporter.stalled() is None
    monkeypatch.setattr("tui_trace.metrics.exporter.ALIVE", -1.0)
    assert exporter.stalled() == "the trace of target.example stands still"
