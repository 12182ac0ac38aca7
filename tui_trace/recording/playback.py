"""A source that plays a recording: the same stream again, in time or as fast as possible."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from tui_trace.core.events import Note
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import Command, Inject, Sink
from tui_trace.recording.codec import BLOCK_BYTES
from tui_trace.recording.errors import RecordingError
from tui_trace.recording.event_reader import EventReader
from tui_trace.recording.growth import Growth
from tui_trace.recording.reader import Recording
from tui_trace.session.fold import Session

TICK = 0.05
"""Seconds from one pulse to the next while a recording plays or is paused."""
SPEEDS = (0.1, 0.25, 0.5, *(float(1 << power) for power in range(10)), 1000.0)
"""The steps from the slowest to the fastest, as multiples of the original speed."""
_BATCH = 1000


@runtime_checkable
class Restorable(Protocol):
    """A sink that can jump to another moment."""

    def restore(self, session: Session) -> None:
        """Go on from this session; it belongs to the sink from now on."""
        ...


class Playback:
    """Plays one recording, as a `stream.Source`. All methods except `run` are thread-safe."""

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float | None = 1.0,
        start: int | None = None,
        follow: bool = False,
    ) -> None:
        """`speed` None: play as fast as the sink takes events, and end with the recording.

        `start`, in ns since the session began, skips what was before; it needs a `Restorable` sink.
        With a speed, the playback waits at the end of the recording for `seek` or `stop`, and goes
        on with a session that runs. `follow` begins there, or without a speed goes on until that
        session has ended.
        """
        self._recording = recording
        self._fast = speed is None
        self._speed = speed or 1.0
        self._wake = threading.Condition()
        self._paused = False
        self._stopping = False
        self._position = 0
        self._sought = recording.end if follow and speed is not None else start
        self._follows = follow
        self._extent = recording.extent()
        self._has_grown = False
        self._heard = time.monotonic()
        self._attached = follow
        self._growth: Growth | None = None
        """The check of the sink's session; None if the sink is not `Restorable`."""
        self._text_seen = 0
        self._pulsed = 0
        self._notes: deque[Note] = deque()
        self.on_note: Callable[[Note, str | None], object] = lambda _note, _why_not: None
        """Called in the source's thread with a note, and None or the reason it was not saved."""

    # --- called from other threads

    @property
    def recording(self) -> Recording:
        """Return the recording that is played."""
        return self._recording

    @property
    def position(self) -> int:
        """Return the moment that is shown or sought, in ns since the session began."""
        with self._wake:
            return self._position if self._sought is None else self._within(self._sought)

    @property
    def end(self) -> int:
        """Return the last moment, in ns since the session began."""
        return self._extent.end

    @property
    def is_running(self) -> bool:
        """Return whether the session is still being recorded, as far as is known."""
        return self._extent.running

    @property
    def is_attached(self) -> bool:
        """Return whether the end of a session that runs is shown as it grows."""
        return self._attached and self.is_running

    @property
    def quiet(self) -> float:
        """Return the seconds since something new was recorded."""
        return time.monotonic() - self._heard

    @property
    def at_end(self) -> bool:
        """Return whether the position is the last moment."""
        return self.position >= self.end

    @property
    def paused(self) -> bool:
        """Return whether the playback is paused."""
        return self._paused

    @property
    def speed(self) -> float:
        """Return the speed as a multiple of the original speed."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Set the speed; a value outside `SPEEDS` is set to the nearer bound."""
        with self._wake:
            self._speed = min(max(speed, SPEEDS[0]), SPEEDS[-1])
            self._wake.notify()

    def step_speed(self, direction: int) -> None:
        """Change to the next faster (1) or slower (-1) step of `SPEEDS`, if there is one."""
        steps = [step for step in SPEEDS if (step - self._speed) * direction > 0]
        if steps:
            self.set_speed(min(steps) if direction > 0 else max(steps))

    def pause(self, paused: bool = True) -> None:
        """Pause the playback, or continue it."""
        with self._wake:
            self._paused = paused
            self._attached = self._attached and not paused
            self._wake.notify()

    def seek(self, at: int) -> None:
        """Go to this moment, in ns since the session began; outside, to the nearer end.

        From the end of a session that runs, it goes on with it. The sink must be `Restorable`;
        otherwise nothing happens.
        """
        with self._wake:
            self._sought = at
            self._attached = at >= self.end
            self._paused = self._paused and not self.is_attached
            self._wake.notify()

    def command(self, command: Command) -> None:
        """Save a note in the file, and ignore other commands: probes cannot be changed."""
        if isinstance(command, Inject) and isinstance(command.event, Note):
            with self._wake:
                self._notes.append(command.event)
                self._wake.notify()

    def stop(self) -> None:
        """End the playback soon; safe in a signal handler."""
        self._stopping = True

    # --- the source's thread

    def run(self, sink: Sink) -> None:
        """Play until `stop`; `RecordingError`, at any moment, if the file is damaged."""
        if self._fast:
            self._run_fast(sink, self._follow_seek(sink) or self._recording.events())
        else:
            self._run_in_time(sink, self._from_the_start(sink))

    def _run_fast(self, sink: Sink, following: EventReader) -> None:
        at = self._position
        while True:
            for number, event in enumerate(following, 1):
                if self._stopping:
                    return
                sink.event(event)
                at = max(at, event.at)
                if number % _BATCH == 0:
                    sink.pulse(at)
            sink.pulse(at)
            if not (self._follows and self._wait_for_more()):
                return
            following.go_on()

    def _wait_for_more(self) -> bool:
        """Wait until the recording grows; return False if it never will, or after `stop`."""
        while not self._stopping:
            was_running = self._extent.running
            self._look_for_more()
            if self._has_grown:
                self._has_grown = False
                return True
            if not was_running:
                break
            time.sleep(TICK)
        return False

    def _look_for_more(self) -> None:
        before, self._extent = self._extent, self._recording.extent()
        if before.running and self._extent.events > before.events:
            self._has_grown = True
            self._heard = time.monotonic()

    def _run_in_time(self, sink: Sink, following: EventReader) -> None:
        before = time.monotonic()
        position = 0.0
        while not self._stopping:
            self._look_for_more()
            moved = self._follow_seek(sink)
            now = time.monotonic()
            if moved is not None:
                following, position = moved, self._position
            elif self._attached:
                position = self.end
            elif not self._paused:
                position = min(position + (now - before) * self._speed * NS_PER_S, self.end)
                self._attach_at_end(position)
            before = now
            self._position = int(position)
            self._emit(sink, following)
            sink.pulse(self._pulse_at())
            with self._wake:
                if self._sought is None and not self._notes:
                    self._wake.wait(TICK)
            self._keep_notes()
        self._keep_notes()

    def _attach_at_end(self, position: float) -> None:
        with self._wake:
            if self._sought is None and self._extent.running and position >= self._extent.end:
                self._attached = True

    def _pulse_at(self) -> int:
        """Return the moment of the sink: where a session runs, time goes on without events."""
        if not self.is_attached:
            return self._position
        self._pulsed = max(self._pulsed, self._position + round(self.quiet * NS_PER_S))
        return self._pulsed

    def _emit(self, sink: Sink, following: EventReader) -> None:
        while True:
            if not self._emit_known(sink, following) or not self._has_grown:
                return
            self._has_grown = False
            following.go_on()

    def _emit_known(self, sink: Sink, following: EventReader) -> bool:
        """Emit events up to the position; return whether there are no more."""
        emitted = 0
        for event in following:
            if event.at > self._position or self._stopping:
                self._check_growth(emitted, following)
                following.push_back(event)
                return False
            sink.event(event)
            emitted += 1
            if emitted == _BATCH or following.template_bytes_read - self._text_seen > BLOCK_BYTES:
                self._check_growth(emitted, following)
                emitted = 0
        self._check_growth(emitted, following)
        return True

    def _check_growth(self, emitted: int, following: EventReader) -> None:
        """Check the size of the sink's session; `RecordingError` if it is out of bounds."""
        text = following.template_bytes_read - self._text_seen
        self._text_seen += text
        if self._growth is not None:
            with self._recording.blaming_the_file():
                self._growth.check(emitted, text)

    def _restore(self, sink: Restorable, session: Session) -> None:
        self._growth = Growth(session)
        sink.restore(session)

    def _from_the_start(self, sink: Sink) -> EventReader:
        if isinstance(sink, Restorable) and self._sought is None:
            self._restore(sink, Session())
        return self._recording.events()

    def _keep_notes(self) -> None:
        while self._notes:
            note = self._notes.popleft()
            why_not = None
            try:
                self._recording.note(note.text, note.moment)
            except RecordingError as error:
                why_not = str(error)
            else:
                # the following events were read before the note was saved
                self.seek(self.position)
            self.on_note(note, why_not)

    def _follow_seek(self, sink: Sink) -> EventReader | None:
        """Return the events after the sought moment; None: no jump is wanted, or possible."""
        with self._wake:
            wanted, self._sought = self._sought, None
            if wanted is None or not isinstance(sink, Restorable):
                return None
            self._position = self._within(wanted)
        session, following = self._recording.at(self._position)
        self._restore(sink, session)
        self._text_seen = following.template_bytes_read
        self._pulsed = 0
        return following

    def _within(self, at: int) -> int:
        return max(0, min(at, self.end))
