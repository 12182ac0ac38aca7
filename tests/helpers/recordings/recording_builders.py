"""Sources and sinks for tests of recordings; as a program, a session to be killed.

`python -m tests.helpers.recordings.recording_builders FILE N` records probes of now until it is
killed, N events a block, and prints each event as it was handed over.
"""

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.helpers.recordings.long_session import day
from tui_trace.core.events import Event, ProbeSent, SessionBegan, encode
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import Command, Inject
from tui_trace.recording import (
    RecordedSource,
    Recording,
    RecordingError,
    codec,
)
from tui_trace.session.fold import Session


class Told:
    """A source that tells what it was given, and then what it is told."""

    def __init__(self, events: list[Event], pause: float = 0.0) -> None:
        self._events = events
        self._pause = pause
        self.commands: list[Command] = []

    def run(self, sink) -> None:
        for number, event in enumerate(self._events):
            sink.event(event)
            if number % 50 == 49:
                sink.pulse(event.at)
                time.sleep(self._pause)

    def command(self, command: Command) -> None:
        self.commands.append(command)

    @property
    def notices(self) -> list[str]:
        return [command.event.text for command in self.commands if isinstance(command, Inject)]

    def stop(self) -> None:
        pass


class Kept:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.pulses: list[int] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def pulse(self, at: int) -> None:
        self.pulses.append(at)


def record(events: list[Event], path: Path) -> Path:
    """A recording of these events, which must go well."""
    source, sink = Told(events), Kept()
    RecordedSource(source, path).run(sink)
    _wait_for_writers()
    assert source.commands == []
    assert sink.events == events
    return path


def _wait_for_writers() -> None:
    """A recorder gives up waiting for a slow disk; a test on a busy machine must not."""
    for thread in threading.enumerate():
        if thread.name == "recorder":
            thread.join(100)
            assert not thread.is_alive()


def wait_for_events(path: Path, count: int) -> None:
    """Wait until a recording that grows has so many events on disk."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(RecordingError), Recording(path) as recording:
            if recording.extent().events >= count:
                return
        time.sleep(0.02)
    raise AssertionError("not recorded")


def rounds(count: int, hops: int = 30, seed: int = 1) -> list[Event]:
    """A session of so many rounds."""
    return [event for events in day(count, hops, seed) for event in events]


def check_killed(path: Path, told: list[Event]) -> int:
    """What is left of a session that was killed: all but the last second. Events that it has."""
    last = told[-1].at if told else 0
    try:
        with Recording(path) as recording:
            kept = list(recording.events())
            recording.snapshot(last)
            assert not recording.info().ended
    except RecordingError:
        # it died before there was anything
        kept = []
    # what was handed over last may not have been told any more
    assert kept[: len(told)] == told[: len(kept)]
    missing = told[len(kept) :]
    assert not missing or last - missing[0].at <= NS_PER_S
    return len(kept)


class _Endless:
    """Probes at 200 a second, each told on standard output as it is handed over."""

    def run(self, sink) -> None:
        start = time.monotonic_ns()
        event: Event = SessionBegan(
            at=0, wall=time.time_ns(), target="t", address="::1", family=6, source="", version="0"
        )
        number = 0
        while True:
            sink.event(event)
            sys.stdout.buffer.write(encode(event) + b"\n")
            sys.stdout.buffer.flush()
            number += 1
            time.sleep(0.005)
            event = ProbeSent(
                at=time.monotonic_ns() - start, run=1, probe=number, ttl=number % 30 + 1
            )

    def command(self, command: Command) -> None:
        raise AssertionError(command)

    def stop(self) -> None:
        pass


if __name__ == "__main__":
    codec.BLOCK_EVENTS = int(sys.argv[2])
    RecordedSource(_Endless(), Path(sys.argv[1])).run(Kept())


def replayed_as(option: str, path: Path) -> str:
    """What the program prints of a recording."""
    return subprocess.run(
        [sys.executable, "-m", "tui_trace", "--replay", str(path), option],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def folded(events, at):
    """The fold of everything before the first event that came after `at`."""
    session = Session()
    for event in events:
        if event.at > at:
            break
        session.apply(event)
    return session
