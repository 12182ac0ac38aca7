"""The live view over a made-up path, to be looked at: `python -m tests.helpers.app.demo_view`."""

import itertools
import random
import sys
import threading
import time

from tests.helpers.app.fake_source import HOPS, TARGET, began, reply
from tui_trace.app.app import TraceApp
from tui_trace.app.config import Config
from tui_trace.app.run_live import run_live
from tui_trace.cli import preload
from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings, Protocol, SettingsHistory
from tui_trace.core.stream import Command, Reset, SetPace, Sink, SourceError, Switch
from tui_trace.report import hop_columns


class Demo:
    """A source without a network. It sends nothing."""

    def __init__(self, target: str, settings: ProbeSettings, pace: Pace) -> None:
        self.target, self.settings, self.pace = target, settings, pace
        self.stopped = threading.Event()
        self.wake = threading.Event()
        self.run_number = 1
        self.reset = False

    def command(self, command: Command) -> None:
        if isinstance(command, Switch):
            self.settings = command.settings
        elif isinstance(command, SetPace):
            self.pace = command.pace
        elif isinstance(command, Reset):
            self.reset = True
        self.wake.set()

    def stop(self) -> None:
        self.stopped.set()
        self.wake.set()

    def run(self, sink: Sink) -> None:
        start = time.monotonic_ns()
        settings, pace = self.settings, self.pace
        sink.event(began(self.target))
        sink.event(ev.PaceSet(at=0, pace=pace))
        sink.event(ev.RunOpened(at=0, run=1, settings=settings))
        probes = itertools.count(1)
        number = 0
        while not self.stopped.is_set():
            at = time.monotonic_ns() - start
            if settings != self.settings or self.reset:
                settings, self.reset, number = self.settings, False, 0
                self.run_number += 1
                sink.event(ev.RunOpened(at=at, run=self.run_number, settings=settings))
            if pace != self.pace:
                pace = self.pace
                sink.event(ev.PaceSet(at=at, pace=pace))
            if not pace.paused:
                number += 1
                sink.event(ev.RoundBegan(at=at, run=self.run_number, round=number))
                self.sweep(sink, number, at, probes)
            until = time.monotonic() + pace.interval / NS_PER_S
            while time.monotonic() < until and not self.wake.wait(0.1):
                sink.pulse(time.monotonic_ns() - start)
            self.wake.clear()
        sink.event(ev.SessionEnded(at=time.monotonic_ns() - start))

    def sweep(self, sink: Sink, number: int, at: int, probes: "itertools.count[int]") -> None:
        run = self.run_number
        for ttl, (address, base) in enumerate(HOPS, 1):
            probe = next(probes)
            sink.event(ev.ProbeSent(at=at, run=run, probe=probe, ttl=ttl))
            if address is None or (ttl == 4 and random.random() < 0.2):
                sink.event(ev.ProbeLost(at=at, run=run, probe=probe, ttl=ttl))
                continue
            last = ttl == len(HOPS)
            who = "198.51.100.13" if ttl == 4 and number % 2 else address
            rtt = base * random.lognormvariate(0.05, 0.15)
            more = {"kind": ev.ReplyKind.SYN_ACK, "reached": True} if last else {}
            sink.event(reply(run, probe, ttl, who, rtt, at, **more))
        sink.pulse(at)


def open_demo(target: str, settings: ProbeSettings, pace: Pace) -> Demo:
    time.sleep(0.5)
    if target.endswith(".invalid"):
        raise SourceError(f"unknown host {target!r}")
    return Demo(target, settings, pace)


class Crashing(Demo):
    """Breaks as soon as there is something to see."""

    def sweep(self, sink: Sink, number: int, at: int, probes: "itertools.count[int]") -> None:
        super().sweep(sink, number, at, probes)
        raise RuntimeError("the wire melted")


class Stubborn(Demo):
    """Does not end when it is told."""

    def stop(self) -> None:
        pass


class ViewBreaks(Demo):
    """Hands on what no view can draw."""

    def run(self, sink: Sink) -> None:
        super().run(Spoiler(sink))


class Spoiler:
    """Breaks the fold's promise that a loss is a number."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.event = sink.event

    def pulse(self, at: int) -> None:
        hop_columns.format_loss = None
        self.sink.pulse(at)


class NoImports:
    """Refuses every module that is not there yet."""

    def find_spec(self, name: str, *_: object) -> None:
        raise ImportError(f"too late to import {name}")


SOURCES = {
    "crashing": Crashing,
    "stubborn": Stubborn,
    "view-breaks": ViewBreaks,
    "no-imports": Demo,
}


def main(kind: str = "") -> int:
    tcp = ProbeSettings(protocol=Protocol.TCP, port=443, size=60)
    source = SOURCES.get(kind, Demo)(TARGET, tcp, Pace())
    if kind == "no-imports":
        preload.import_modules(preload.LIVE)
        sys.meta_path.insert(0, NoImports())
    config = Config(suspended="probe") if kind == "probes-on" else Config()
    return run_live(TraceApp(open_demo, source, SettingsHistory(tcp), Pace(), config))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
