"""The news of a session: its episodes, each told as it begins and as it ends."""

from collections.abc import Sequence

from tui_trace.core.events import Event
from tui_trace.session.finding import Episode
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot


class EpisodeFeed:
    """Folds a stream, and hands out what was told by each event. All alerts come from here."""

    def __init__(self, session: Session | None = None) -> None:
        """Go on with this session; None: begin an empty one."""
        self.session = Session() if session is None else session

    def apply(self, event: Event) -> Sequence[Episode]:
        """Apply the next event; return the episodes that it began or ended."""
        looks = self.session.looks
        self.session.apply(event)
        return self.session.news() if self.session.looks != looks else ()

    def snapshot(self, at: int | None = None) -> Snapshot:
        """Return the session as it is at its last event, or at `at` (ns) if that is later."""
        return self.session.snapshot(at)
