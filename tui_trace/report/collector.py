"""A sink that folds the whole session, for a report at any moment."""

from tui_trace.core.events import Event
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Run, Snapshot


class Collector:
    """Folds the stream; call `snapshot` and `runs` in the source's thread, or after its end."""

    def __init__(self) -> None:
        self._session = Session()
        self._at = 0

    def event(self, event: Event) -> None:
        self._session.apply(event)

    def restore(self, session: Session) -> None:
        self._session = session

    def pulse(self, at: int) -> None:
        self._at = at

    def snapshot(self) -> Snapshot:
        """Return the session as it is now."""
        return self._session.snapshot(self._at)

    def runs(self) -> tuple[Run, ...]:
        """Return all runs of the session, in the order of their numbers."""
        return runs_of(self._session)


def runs_of(session: Session) -> tuple[Run, ...]:
    """Return all runs of a session as it is now, in the order of their numbers."""
    now = session.snapshot()
    numbers = {now.run.number, *now.earlier} if now.run.number else set(now.earlier)
    return tuple(session.run(number) for number in sorted(numbers))
