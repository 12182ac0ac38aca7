"""`--on-event`: has the user's command run as an episode begins and as it ends."""

import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Sequence

import msgspec

from tui_trace.alerts.command_process import (
    LONGEST_MESSAGE,
    READY,
    Failure,
    Order,
    run_command_process,
)
from tui_trace.alerts.episode_lines import has_end
from tui_trace.alerts.event_environment import event_environment
from tui_trace.core.events import Event, Notice, SessionBegan
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import Inject, Source, SourceError
from tui_trace.recording.playback import Restorable
from tui_trace.session.episode_feed import EpisodeFeed
from tui_trace.session.finding import Episode
from tui_trace.session.fold import Session


class EventCommand:
    """The user's command, and the process that runs it."""

    def __init__(self, words: Sequence[str]) -> None:
        """Fork that process, which becomes the user; `SourceError` if the command cannot be run.

        Call this before anything is opened, before rights are given up and before other threads
        start.
        """
        try:
            self._process, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:  # macOS has no such sockets
            raise SourceError(f"--on-event: SOCK_SEQPACKET: {error.strerror}") from None
        if os.fork() == 0:
            self._process.close()
            run_command_process(theirs, words)
        theirs.close()
        answer = self._process.recv(LONGEST_MESSAGE)
        if answer != READY:
            raise SourceError(f"--on-event: {answer.decode() or 'its process ended'}")
        self._process.setblocking(False)
        self._lock = threading.Lock()
        self._failed: dict[int, list[str]] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """Return a new number, for a session or for an episode."""
        return next(self._numbers)

    def run(self, order: Order) -> None:
        """Have the command run; never waits. What cannot be is a failure."""
        try:
            self._process.send(msgspec.msgpack.encode(order))
        except OSError as error:
            with self._lock:
                line = f"--on-event ({order.about}): not run: {error.strerror}"
                self._failed.setdefault(order.session, []).append(line)

    def failures(self, session: int) -> list[str]:
        """Return a line on each command of this session that failed since the last call."""
        with self._lock:
            with contextlib.suppress(OSError):
                while message := self._process.recv(LONGEST_MESSAGE):
                    failed = msgspec.msgpack.decode(message, type=Failure)
                    self._failed.setdefault(failed.session, []).append(failed.line)
            return self._failed.pop(session, [])


class EventCommandSource(SourceFilter):
    """Has the command run for the episodes of a stream that passes through unchanged."""

    def __init__(self, source: Source, command: EventCommand) -> None:
        """What failed is a `Notice` in the stream."""
        super().__init__(source)
        self._command = command
        self._session = command.number()
        self._feed = EpisodeFeed()
        self._lasting: dict[tuple[str, int, int | None], int] = {}
        """The numbers of episodes that last, by the key of their finding."""

    def restore(self, session: Session) -> None:
        """Go on from this session, without telling again what it told."""
        self._feed = EpisodeFeed(session)
        if isinstance(self._sink, Restorable):
            self._sink.restore(session)

    def event(self, event: Event) -> None:
        """Have the command run if the event told something; pass it on."""
        if isinstance(event, SessionBegan):
            self._feed = EpisodeFeed()
            self._lasting = {}
        for episode in self._feed.apply(event):
            self._run(episode)
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Tell of commands that failed; pass the pulse on."""
        for line in self._command.failures(self._session):
            self._source.command(Inject(Notice(at=0, text=line)))
        self._sink.pulse(at)

    def _run(self, episode: Episode) -> None:
        key = episode.finding.key
        if episode.until is None:
            number = self._lasting[key] = self._command.number()
        else:
            number = self._lasting.pop(key, 0)
            if not has_end(episode):
                return
        facts = event_environment(self._feed.snapshot(), episode)
        about = f"{facts['TUI_TRACE_KIND']} {facts['TUI_TRACE_EVENT']}"
        self._command.run(Order(self._session, number, about, facts))
