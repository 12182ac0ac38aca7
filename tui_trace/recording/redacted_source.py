"""A source whose stream hides near hops; what it wraps, a recorder too, has the whole stream."""

from collections import deque

from msgspec.structs import replace

from tui_trace.core.events import Event, RegistryRecord, at_time
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import (
    Command,
    FindPathMtu,
    FindWays,
    QueryRegistry,
    Sink,
    Source,
    SourceError,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.recording.playback import Restorable
from tui_trace.redaction.redacted_session import redact_session
from tui_trace.redaction.redactor import Redactor
from tui_trace.session.fold import Session


class RedactedSource(SourceFilter):
    """A source that passes another one's stream on without what a redactor hides.

    That a hop is near, or what its name is, may show after its address was passed on. Then a sink
    that is `Restorable` gets the session anew; a stream that is written as it comes cannot be
    taken back.
    """

    def __init__(self, source: Source, redactor: Redactor) -> None:
        """`redactor` may serve several sources."""
        super().__init__(source)
        self.redactor = redactor
        self._session: Session | None = None
        """All that came, for a sink that is `Restorable`."""
        self._version = 0
        self._answers: deque[Event] = deque()

    def run(self, sink: Sink) -> None:
        """Run the inner source; blocks."""
        self._sink = sink
        end: Sink = self
        if isinstance(sink, Restorable):
            self._session = Session()
            end = _RestorableEnd(self)
        try:
            self._source.run(end)
        except SourceError as error:
            error.args = tuple(self.redactor.text(str(part)) for part in error.args)
            raise
        finally:
            self._catch_up()

    def event(self, event: Event) -> None:
        """Learn from the event, and pass on what may be shown of it."""
        self.redactor.learn(event)
        if self._session is not None:
            self._session.apply(event)
        shown = self.redactor.event(event)
        if shown is not None:
            self._sink.event(shown)

    def pulse(self, at: int) -> None:
        """Pass the pulse on, once the sink's session hides all that is known to be near."""
        self._catch_up()
        while self._answers:
            self._sink.event(at_time(self._answers.popleft(), at))
        self._sink.pulse(at)

    def restore(self, session: Session) -> None:
        """Go on from this session, of whose events the redactor knows, with a sink that can."""
        self._session = session
        self._version = -1
        self._catch_up()

    def _catch_up(self) -> None:
        version = self.redactor.version
        if version == self._version or self._session is None:
            return
        self._version = version
        if isinstance(self._sink, Restorable):
            self._sink.restore(redact_session(self.redactor, self._session))

    def command(self, command: Command) -> None:
        """Pass a command on with what its pseudonyms stand for."""
        reveal = self.redactor.revealed_settings
        match command:
            case QueryRegistry(address=address) if self.redactor.reveal(address) != address:
                answer = RegistryRecord(at=0, address=address, error="hidden (--hide)")
                self._answers.append(answer)
            case Switch() | FindWays() | WatchWays() | FindPathMtu():
                super().command(replace(command, settings=reveal(command.settings)))
            case TakeTurns():
                settings = tuple(map(reveal, command.settings))
                super().command(replace(command, settings=settings))
            case _:
                super().command(command)


class _RestorableEnd:
    """The end of the inner stream where the sink behind is `Restorable`."""

    def __init__(self, source: RedactedSource) -> None:
        self.event = source.event
        self.pulse = source.pulse
        self.restore = source.restore
