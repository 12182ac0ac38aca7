"""Where in time the view is, and how it gets elsewhere. Knows nothing of Textual."""

from collections.abc import Callable

from tui_trace.app.columns import Tone
from tui_trace.app.heading import Place, clock
from tui_trace.app.history import History, next_moment
from tui_trace.app.rows import Line
from tui_trace.app.timestrip import timestrip
from tui_trace.session.model import Snapshot


class TimeTravel:
    """The present, a moment of the past, or the position of a recording that is played."""

    def __init__(self, history: Callable[[], History]) -> None:
        """`history` is the past of the source in use."""
        self._history = history
        self.present: Snapshot | None = None
        """The newest snapshot."""
        self.moment: int | None = None
        """What is looked at, in ns, if it is not the present."""

    def place(self, snapshot: Snapshot) -> Place | None:
        """What the heading says of it; None in the present."""
        playback = self._history().playback
        if playback is not None:
            if playback.paused:
                return Place(f"‖ replay {clock(snapshot.at)} of {clock(playback.end)}")
            return Place(f"▶ replay {playback.speed:g}× of {clock(playback.end)}", Tone.MARK)
        if self.moment is not None:
            return Place(f"◀ {clock(self.moment)} · l live")
        return None

    def strip(self, snapshot: Snapshot | None, width: int) -> list[Line]:
        """The whole session in a line, and what happened at its cursor; empty in the present."""
        history = self._history()
        if snapshot is None or (self.moment is None and history.playback is None):
            return []
        at = snapshot.at if self.moment is None else self.moment
        return timestrip(history.timeline(self.present), at, width)

    @property
    def here(self) -> int:
        """The moment that is looked at, in ns since the session began."""
        return self._at()

    # --- each of these gives one line that says why nothing happened, or None

    def step(self, direction: int) -> str | None:
        """A stretch of the timeline back (-1) or on (1)."""
        return self._go(self._at() + direction * self._history().timeline(self.present).width)

    def change(self, direction: int) -> str | None:
        """To where something happened before or after."""
        at = next_moment(self._history().timeline(self.present), self._at(), direction)
        if at is None:
            return "nothing changed after that" if direction > 0 else "nothing before that"
        return self._go(at)

    def to_present(self) -> str | None:
        """To the present, or a recording's end."""
        history = self._history()
        if history.playback is not None:
            history.playback.seek(history.playback.end)
        elif self.moment is not None:
            self.moment = None
            history.close()
        return None

    def _at(self) -> int:
        playback = self._history().playback
        if playback is not None:
            return playback.position
        if self.moment is not None:
            return self.moment
        return self.present.at if self.present is not None else 0

    def _go(self, at: int) -> str | None:
        history = self._history()
        if self.present is None:
            return "nothing happened yet"
        if history.why_not is not None:
            return history.why_not
        if history.playback is None:
            if at >= self.present.at:
                return self.to_present()
            self.moment = max(at, 0)
        history.fetch(max(at, 0))
        return None

    # --- a recording that is played; False if it is none

    def hasten(self, factor: float) -> bool:
        """Play it so many times as fast."""
        playback = self._history().playback
        if playback is not None:
            playback.set_speed(playback.speed * factor)
        return playback is not None

    def hold(self) -> bool:
        """Stand still, or go on."""
        playback = self._history().playback
        if playback is not None:
            playback.pause(not playback.paused)
        return playback is not None
