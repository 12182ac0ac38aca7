"""A day's session on disk: 30 hops at 1 Hz for 24 hours. Cost, size, seeking, scrubbing."""

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.common import percentile, table
from tests.helpers.recordings.long_session import HOPS, day
from tui_trace.core.events import (
    Event,
    SessionEnded,
)
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import Command
from tui_trace.recording import RecordedSource, Recording
from tui_trace.session.fold import Session

SCRUBBED = 2000
"""Rounds from which on it is worth to hold a key down."""


class Nowhere:
    """A sink that takes anything."""

    def event(self, event: Event) -> None:
        """Drop it."""

    def pulse(self, at: int) -> None:
        """Nothing."""


class Hurried:
    """A day as fast as the recorder bears it; notes what handing over costs this thread."""

    def __init__(self, rounds: int, rest: float = 0.1) -> None:
        self._rounds = rounds
        self._rest = rest
        self.cost = 0
        """CPU ns in this thread."""
        self.events = 0

    def run(self, sink: Nowhere) -> None:
        """A little rest for each 100 rounds, so that the writer keeps up."""
        for number, events in enumerate(day(self._rounds)):
            before = time.thread_time_ns()
            for event in events:
                sink.event(event)
            sink.pulse(events[-1].at)
            self.cost += time.thread_time_ns() - before
            self.events += len(events)
            if number % 100 == 0:
                time.sleep(self._rest)
        sink.event(SessionEnded(at=(self._rounds + 5) * NS_PER_S))

    def command(self, command: Command) -> None:
        """Only a failure is told."""
        raise AssertionError(command)

    def stop(self) -> None:
        """It ends by itself."""


def _baseline(rounds: int) -> float:
    """CPU ns a probe of the same loop without a recorder."""
    hurried = Hurried(rounds, rest=0)
    hurried.run(Nowhere())
    return hurried.cost / (rounds * HOPS)


def run(rounds: int) -> None:
    """Record, measure, print."""
    # tests take their sessions from here, and need no terminal for that
    from tests.bench.scrubbing import report, scrub  # noqa: PLC0415

    probes = rounds * HOPS
    with tempfile.TemporaryDirectory(prefix="tt-bench-") as folder:
        path = Path(folder) / "day.session"
        source = Hurried(rounds)
        writer = _watch_writer()
        before = time.perf_counter()
        RecordedSource(source, path).run(Nowhere())
        wall = time.perf_counter() - before
        own = (source.cost / probes - _baseline(min(rounds, 5000))) / 1000
        recorder = writer() / probes / 1000
        size = path.stat().st_size / 1e6

        before = time.perf_counter()
        recording = Recording(path)
        end = recording.end
        recording.snapshot(end)
        opened = time.perf_counter() - before
        seeks, busy = _seeks(recording, end)
        before = time.perf_counter()
        session = Session()
        for event in recording.events():
            session.apply(event)
        whole = time.perf_counter() - before
        assert session.snapshot(end) == recording.snapshot(end)
        recording.close()
        scrubbed = scrub(path) if rounds >= SCRUBBED else None
    table(
        f"A session of {rounds} rounds over {HOPS} hops, {probes} outcomes",
        ["what", "figure", "wanted"],
        [
            ["size, MB", size, "≤ 60"],
            ["bytes an outcome", size * 1e6 / probes, ""],
            ["the source's thread, µs CPU a probe", f"{own:.2f}", "≤ 10"],
            ["the writer's thread, µs CPU a probe", f"{recorder:.2f}", ""],
            ["recorded in, s", wall, ""],
            ["opened at its end in, ms", opened * 1000, "≤ 2000"],
            ["seek, median ms", percentile(seeks, 50), "≤ 100"],
            ["seek, worst ms", max(seeks), "≤ 100"],
            ["seek, median ms CPU", percentile(busy, 50), ""],
            ["seek, worst ms CPU", max(busy), ""],
            ["read and folded from the start, s", whole, ""],
        ],
    )
    if scrubbed:
        report(*scrubbed)


def _seeks(recording: Recording, end: int) -> tuple[list[float], list[float]]:
    """200 of them to anywhere: ms, and ms of CPU."""
    rng = random.Random(2)
    seeks, busy = [], []
    for _ in range(200):
        at = rng.randrange(end)
        before, cpu = time.perf_counter(), time.thread_time()
        recording.snapshot(at)
        seeks.append((time.perf_counter() - before) * 1000)
        busy.append((time.thread_time() - cpu) * 1000)
    return seeks, busy


def _watch_writer() -> Callable[[], int]:
    """CPU ns of the threads that run as recorders, once they are done."""
    spent = [0]
    original = threading.Thread.run

    def timed(thread: threading.Thread) -> None:
        original(thread)
        if thread.name == "recorder":
            spent[0] += time.thread_time_ns()

    threading.Thread.run = timed  # type: ignore[method-assign]
    return lambda: spent[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=86_400)
    run(parser.parse_args().rounds)
