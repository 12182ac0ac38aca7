"""Recordings that follow one another while a session goes on for days: a new one each noon.

At noon, so that a night is in one recording. A new one begins as a stream does, with what is known
by then; probes that were in flight belong to neither. The oldest recordings are deleted as each
begins, so that the folder stays within its limits.
"""

import datetime
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.durations import local_time
from tui_trace.core.local_time import local
from tui_trace.core.settings import NS_PER_S
from tui_trace.recording.writer import Recorder

MOST_EVENTS = 16_000_000
"""Events of one recording, some 250 MB: less than a file may have."""
_SOON = datetime.timedelta(hours=1)
_MOST_NAMED = 4096
"""Addresses of which it is remembered who they are."""


def next_noon(wall: int) -> int:
    """Return the next noon that is more than an hour away; both in ns since 1970."""
    now = local_time(wall)
    day = now.date()
    noon = _noon_of(day)
    if noon - now <= _SOON:
        noon = _noon_of(day + datetime.timedelta(days=1))
    return int(noon.timestamp()) * NS_PER_S


def _noon_of(day: datetime.date) -> datetime.datetime:
    return local(datetime.datetime.combine(day, datetime.time(12)))


class StreamHead:
    """What a new recording begins with, in the middle of a stream."""

    def __init__(self, began: ev.SessionBegan) -> None:
        """The stream begins."""
        self._began = began
        self._pace: ev.PaceSet | None = None
        self._run: ev.RunOpened | None = None
        self._of_run: dict[type, ev.Event] = {}
        self._flows: list[ev.FlowOpened] = []
        self._known: dict[tuple[type, str], ev.Event] = {}
        self.probe = 0
        """Number of the last probe."""
        self.round = 0
        """Of the run in force."""
        self.run = 0

    def on_event(self, event: ev.Event) -> None:
        """Remember what a later recording has to begin with."""
        match event:
            case ev.ProbeSent():
                self.probe = max(self.probe, event.probe)
            case ev.RoundBegan():
                self.round = event.round
            case ev.PaceSet():
                self._pace = event
            case ev.RunOpened() if not event.beside:
                self._run, self.run, self.round = event, event.run, 0
                self._of_run, self._flows = {}, []
            case ev.FlowOpened() if event.run == self.run:
                self._flows.append(event)
            case ev.PathEnd() | ev.EgressFound() if event.run == self.run:
                self._of_run[type(event)] = event
            case ev.SourceChanged():
                self._began = replace(self._began, source=event.source)
            case ev.ClockStepped():
                self._began = replace(self._began, at=event.at, wall=event.wall)
            case ev.HostNamed() | ev.AsnFound() | ev.OwnerFound() | ev.Located():
                self._known[type(event), event.address] = event
                if len(self._known) > _MOST_NAMED:
                    del self._known[next(iter(self._known))]

    def wall_at(self, at: int) -> int:
        """Return the nanoseconds since 1970 at `at`, by the clock as it is now."""
        return self._began.wall + at - self._began.at

    def beginning(self, at: int) -> list[ev.Event]:
        """Return the first events of a recording that begins at `at`, which is its 0."""
        began = replace(self._began, at=0, wall=self.wall_at(at))
        known = (self._pace, self._run, *self._flows, *self._of_run.values(), *self._known.values())
        return [began, *(ev.at_time(event, 0) for event in known if event is not None)]


class RollingRecorder:
    """A recorder, and the next one each noon; see `Recorder`."""

    def __init__(self, make: Callable[[], Recorder]) -> None:
        """`make` starts a recorder of a new file."""
        self._make = make
        self._recorder = make()
        self._before: Recorder | None = None
        """The one before, which may still write."""
        self._head: StreamHead | None = None
        self._base = 0
        """The `at` that is 0 in the file of now."""
        self._first_probe = 0
        self._round_before = 0
        self._due = 0
        self._events = 0

    @property
    def path(self) -> Path | None:
        """Return the file of now, as soon as it exists."""
        return self._recorder.path

    @property
    def is_lost(self) -> bool:
        """Return whether it was moved, replaced or deleted."""
        return self._recorder.is_lost

    def event(self, event: ev.Event) -> None:
        """Record the event, in a new file if that is due."""
        if isinstance(event, ev.SessionBegan):
            self._head = StreamHead(event)
            self._due = next_noon(event.wall)
        head = self._head
        if head is None:
            return
        head.on_event(event)
        if isinstance(event, ev.ClockStepped):
            self._due = next_noon(head.wall_at(event.at))
        if isinstance(event, ev.RoundBegan) and (
            head.wall_at(event.at) >= self._due or self._events > MOST_EVENTS
        ):
            self._roll(head, event.at)
        self._record(event)

    def _roll(self, head: StreamHead, at: int) -> None:
        self._record(ev.SessionEnded(at=at))
        self._recorder.end_soon()
        if self._before is not None:
            self._before.close()
        self._before, self._recorder = self._recorder, self._make()
        self._base, self._first_probe, self._events = at, head.probe + 1, 0
        self._round_before = head.round - 1
        self._due = next_noon(head.wall_at(at))
        for event in head.beginning(at):
            self._recorder.event(event)

    def _record(self, event: ev.Event) -> None:
        self._events += 1
        if self._base:
            if isinstance(event, (ev.Reply, ev.ProbeLost, ev.ProbeVoid)):
                if event.probe < self._first_probe:
                    return
            elif isinstance(event, ev.RoundBegan):
                event = replace(event, round=max(event.round - self._round_before, 1))
            elif isinstance(event, ev.RunOpened):
                self._round_before = 0
            event = ev.at_time(event, event.at - self._base)
        self._recorder.event(event)

    def check_queue(self) -> None:
        """Stop recording if the disk is far too slow."""
        self._recorder.check_queue()

    def close(self) -> None:
        """Write what waits, and wait for the writers."""
        self._recorder.close()
        if self._before is not None:
            self._before.close()
