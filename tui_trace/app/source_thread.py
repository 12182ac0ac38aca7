"""A source in a thread of its own, whose events become snapshots for the view."""

import threading
import time
from collections.abc import Callable

from tui_trace.core import error_messages
from tui_trace.core.events import (
    Event,
    Notice,
    PaceSet,
    PathEnd,
    PathMtuFound,
    Reply,
    RoundBegan,
    RunOpened,
    WaysEnded,
)
from tui_trace.core.settings import NS_PER_S
from tui_trace.core.stream import Command, Source, SourceError
from tui_trace.session.episode_feed import EpisodeFeed
from tui_trace.session.finding import Episode
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Run, Snapshot

_OF_A_ROUND = 0.45
"""Share of a round that what replies change waits for more of it, of the last second at most: each
row changes once a round, and a picture for each reply would cost a slow line many bytes."""
_LISTED = 0.9
"""Seconds between the snapshots of a source that has a row in the overview."""


class SnapshotSink:
    """A sink that folds the stream and delivers snapshots, at most `rate` times a second.

    What is new to the eye (a hop's first answer, another run, a notice) is handed on with the
    batch that brought it. There are only as many of these as hops and runs, so that the limit
    holds in the long run. What only goes on is handed on about twice a round.
    """

    def __init__(
        self,
        deliver: Callable[[Snapshot], object],
        rate: float,
        tell: Callable[[Episode], object] = lambda _: None,
    ) -> None:
        """Both are called in the source's thread, `tell` with what begins or ends."""
        self._deliver = deliver
        self._tell = tell
        # a pulse that comes a little early must not wait for the next one
        self._gap = 0.9 / rate
        self.is_shown = True
        """Snapshots are delivered."""
        self.is_listed = False
        """Snapshots are made once a second, and as soon as the target answers. Of a source that is
        neither shown nor listed none is made."""
        self._feed = EpisodeFeed()
        self._answered: set[int] = set()
        self._changed = False
        self._news = False
        self._meets_target = False
        self._handed = float("-inf")
        self._round_began = float("-inf")
        self._round = 0.0
        """Seconds that the last round took, by the clock of the one who looks on, 1 at most."""
        self._wanted: tuple[int, ...] = ()
        self.last: Snapshot | None = None
        self.runs: tuple[Run, ...] = ()
        """The runs that are watched, as they were at `last`."""

    def watch(self, numbers: tuple[int, ...]) -> None:
        """Keep `runs` of these numbers up to date, from the next pulse on; thread-safe."""
        self._wanted = numbers
        self._changed = self._news = True

    def restore(self, session: Session) -> None:
        """Go on from this session: the source went to another moment."""
        self._feed = EpisodeFeed(session)
        self._answered.clear()
        self._changed = self._news = True

    def event(self, event: Event) -> None:
        """Fold the event into the session."""
        for episode in self._feed.apply(event):
            self._tell(episode)
        self._changed = True
        if isinstance(event, Reply):
            if event.ttl not in self._answered:
                self._answered.add(event.ttl)
                self._news = True
                self._meets_target |= event.reached
        elif isinstance(event, RoundBegan):
            now = time.monotonic()
            self._round, self._round_began = min(now - self._round_began, 1.0), now
        elif isinstance(event, RunOpened):
            if not event.beside:
                self._answered.clear()
            self._news = True
        elif isinstance(event, (Notice, PaceSet, PathEnd, PathMtuFound, WaysEnded)):
            self._news = True

    def pulse(self, at: int) -> None:
        """Deliver a snapshot if there is something new and it is time."""
        if not self._changed and self.last and at // NS_PER_S == self.last.at // NS_PER_S:
            return
        if self.is_shown:
            is_due = self._news or self._is_older_than(max(self._gap, self._round * _OF_A_ROUND))
        elif self.is_listed:
            is_due = self._meets_target or self._is_older_than(_LISTED)
        else:
            is_due = self.last is None
        if is_due:
            self.flush(at)

    def _is_older_than(self, seconds: float) -> bool:
        return time.monotonic() - self._handed >= seconds

    def flush(self, at: int | None = None) -> None:
        """Make a snapshot now, and deliver it."""
        self._changed = self._news = self._meets_target = False
        self._handed = time.monotonic()
        self.last = last = self._feed.session.snapshot(at)
        known = {last.run.number, *last.earlier}
        self.runs = tuple(self._feed.session.run(one) for one in self._wanted if one in known)
        if self.is_shown:
            self._deliver(last)


class SourceThread:
    """A source, its thread and its sink. The thread never keeps the program from ending."""

    def __init__(
        self,
        source: Source,
        rate: float,
        deliver: Callable[["SourceThread", Snapshot], object],
        ended: Callable[["SourceThread"], object],
        tell: Callable[["SourceThread", Episode], object] = lambda *_: None,
    ) -> None:
        """`deliver`, `ended` and `tell` are called in the source's thread."""
        self.source = source
        self._ended = ended
        self._sink = SnapshotSink(
            lambda snapshot: deliver(self, snapshot), rate, lambda episode: tell(self, episode)
        )
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self.failure: str | None = None
        """One line, if the source broke."""
        self.details = ""
        """The traceback that belongs to it."""
        self._stopping = False

    @property
    def last(self) -> Snapshot | None:
        """The newest snapshot."""
        return self._sink.last

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that are watched."""
        return self._sink.runs

    def show(self, shown: bool) -> None:
        """Deliver snapshots from now on, or no more."""
        self._sink.is_shown = shown

    def keep_listed(self, listed: bool) -> None:
        """Keep the last snapshot up to date from now on, though it is not delivered, or no more."""
        self._sink.is_listed = listed

    def watch(self, numbers: tuple[int, ...]) -> None:
        """Keep `runs` of these numbers up to date."""
        self._sink.watch(numbers)

    def start(self) -> None:
        self._thread.start()

    def command(self, command: Command) -> None:
        """Ask the source for a change."""
        self.source.command(command)

    def stop(self) -> None:
        """Ask the source to end soon."""
        self._stopping = True
        self.source.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.source.run(self._sink)
        except SourceError as error:
            if not self._stopping:  # else it is an end that was asked for before the first event
                self.failure = str(error)
        except Exception as error:
            self.failure = f"tracing stopped: {error_messages.one_line(error)}"
            self.details = error_messages.format_traceback(error)
        self._sink.flush()
        self._ended(self)
