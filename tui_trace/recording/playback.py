"""A source that plays a recording: the same stream again, in time or as fast as it is taken."""

import threading
import time
from collections.abc import Iterator
from itertools import chain
from typing import Protocol, runtime_checkable

from tui_trace.events import Event, Notice
from tui_trace.recording.reader import Recording
from tui_trace.session.fold import Session
from tui_trace.settings import NS_PER_S
from tui_trace.source import Alternate, Command, LookUp, Reset, SetPace, Sink, Switch, Visit

TICK = 0.05
"""Seconds from one pulse to the next while a recording plays or stands still."""
SPEEDS = (0.1, 1000.0)
"""Slowest and fastest, as multiples of the time it took."""
_BATCH = 1000
_FIXED = "this is a recording: its probes were sent long ago"


@runtime_checkable
class Restorable(Protocol):
    """A sink that can be put to another moment."""

    def restore(self, session: Session) -> None:
        """Go on from this session; it is the sink's own from now on."""
        ...


class Playback:
    """Plays one recording, as a `source.Source`. All methods but `run` are thread-safe."""

    def __init__(
        self, recording: Recording, *, speed: float | None = 1.0, start: int | None = None
    ) -> None:
        """`speed` None: as fast as the sink takes it, and the end of the recording is the end.

        `start`, in ns since the session began, leaves out what was before, which takes a sink
        that is `Restorable`. Played in time, it stands still at the end until `seek` or `stop`.
        """
        self._recording = recording
        self._fast = speed is None
        self._speed = speed or 1.0
        self._wake = threading.Condition()
        self._paused = False
        self._stopping = False
        self._position = 0
        self._wanted: int | None = start
        self._refused = False

    # --- what other threads call

    @property
    def recording(self) -> Recording:
        """What is played."""
        return self._recording

    @property
    def position(self) -> int:
        """The moment shown, or asked for and about to be, in ns since the session began."""
        with self._wake:
            return self._position if self._wanted is None else self._within(self._wanted)

    @property
    def end(self) -> int:
        """The last moment, in ns since the session began."""
        return self._recording.end

    @property
    def paused(self) -> bool:
        """It stands still because it was told to."""
        return self._paused

    @property
    def speed(self) -> float:
        """As a multiple of the time it took."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Within `SPEEDS`, to the nearer bound."""
        low, high = SPEEDS
        with self._wake:
            self._speed = min(max(speed, low), high)
            self._wake.notify()

    def pause(self, paused: bool = True) -> None:
        """Stand still, or go on."""
        with self._wake:
            self._paused = paused
            self._wake.notify()

    def seek(self, at: int) -> None:
        """Go to this moment, in ns since the session began, to the nearer end if it is outside.

        Needs a sink that is `Restorable`; with another one nothing happens.
        """
        with self._wake:
            self._wanted = at
            self._wake.notify()

    def command(self, command: Command) -> None:
        """Nothing that was sent can be changed: the sink gets a line that says so."""
        if isinstance(command, (Switch, Alternate, Visit, SetPace, Reset, LookUp)):
            with self._wake:
                self._refused = True
                self._wake.notify()

    def stop(self) -> None:
        """End soon; safe in a signal handler."""
        self._stopping = True

    # --- the source's thread

    def run(self, sink: Sink) -> None:
        """Play until stopped; `RecordingError`, at any point, if the file is damaged."""
        following = self._recording.events()
        if self._fast:
            self._run_fast(sink, self._moved(sink) or following)
        else:
            self._run_in_time(sink, following)

    def _run_fast(self, sink: Sink, following: Iterator[Event]) -> None:
        at = self._position
        for number, event in enumerate(following, 1):
            if self._stopping:
                return
            sink.event(event)
            at = max(at, event.at)
            if number % _BATCH == 0:
                sink.pulse(at)
        sink.pulse(at)

    def _run_in_time(self, sink: Sink, following: Iterator[Event]) -> None:
        before = time.monotonic()
        position = 0.0
        while not self._stopping:
            moved = self._moved(sink)
            now = time.monotonic()
            if moved is not None:
                following, position = moved, self._position
            elif not self._paused:
                position = min(position + (now - before) * self._speed * NS_PER_S, self.end)
            before = now
            self._position = int(position)
            following = self._emit(sink, following)
            sink.pulse(self._position)
            with self._wake:
                if self._wanted is None and not self._refused:
                    self._wake.wait(TICK)

    def _emit(self, sink: Sink, following: Iterator[Event]) -> Iterator[Event]:
        if self._refused:
            self._refused = False
            sink.event(Notice(at=self._position, text=_FIXED))
        for event in following:
            if event.at > self._position or self._stopping:
                return chain((event,), following)
            sink.event(event)
        return following

    def _moved(self, sink: Sink) -> Iterator[Event] | None:
        """What follows the moment that was asked for; None if none was, or it cannot be."""
        with self._wake:
            wanted, self._wanted = self._wanted, None
            if wanted is None or not isinstance(sink, Restorable):
                return None
            self._position = self._within(wanted)
        session, following = self._recording.at(self._position)
        sink.restore(session)
        return following

    def _within(self, at: int) -> int:
        return max(0, min(at, self.end))
