"""A sink that keeps the whole session at hand, for a report at any moment."""

from tui_trace.core.events import Event
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Run, Snapshot


class Collector:
    """Folds the stream. `snapshot` and `runs` are for the source's thread, or after its end."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self._session = Session()
        self._at = 0

    def event(self, event: Event) -> None:
        """Take one event."""
        self._session.apply(event)

    def restore(self, session: Session) -> None:
        """Go on from there."""
        self._session = session

    def pulse(self, at: int) -> None:
        """All up to `at` is known."""
        self._at = at

    def snapshot(self) -> Snapshot:
        """The figures so far."""
        return self._session.snapshot(self._at)

    def runs(self) -> tuple[Run, ...]:
        """All runs of the session, in the order of their numbers."""
        return runs_of(self._session)


def runs_of(session: Session) -> tuple[Run, ...]:
    """All runs of a session as it is now, in the order of their numbers."""
    now = session.snapshot()
    numbers = {now.run.number, *now.earlier} if now.run.number else set(now.earlier)
    return tuple(session.run(number) for number in sorted(numbers))
