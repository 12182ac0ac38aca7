"""Where in time the view is, and how it gets elsewhere. Knows nothing of Textual."""

from collections.abc import Callable

from msgspec.structs import replace

from tui_trace.app.control.history import SessionHistory, next_moment
from tui_trace.app.render.cells import StyledLine, TextStyle, clock
from tui_trace.app.render.header import ViewPosition
from tui_trace.app.render.timeline_bar import timestrip
from tui_trace.core.settings import NS_PER_S
from tui_trace.session.snapshot import Snapshot

JUST_PASSED = 2 * NS_PER_S
"""Nanoseconds before the screen."""
_LIVE_KEYS = "← → a stretch · [ ] the next change · N a note · l live"
_REPLAY_KEYS = "← → a stretch · [ ] the next change · N a note · l end"


class TimeNavigator:
    """The present, a moment of the past, or the position of a recording that is played."""

    def __init__(self, history: Callable[[], SessionHistory]) -> None:
        """`history` is the past of the source in use."""
        self._history = history
        self.present: Snapshot | None = None
        """The newest snapshot."""
        self.moment: int | None = None
        """What is looked at, in ns, if it is not the present."""

    def place(self, snapshot: Snapshot) -> ViewPosition | None:
        """What the heading says of it; None in the present."""
        playback = self._history().playback
        if playback is not None:
            speed, end = f"{playback.speed:g}×", clock(playback.end)
            if playback.at_end:
                return ViewPosition(f"■ end of {end} · space: again")
            if playback.paused:
                return ViewPosition(f"‖ replay {speed} · {clock(snapshot.at)} of {end}")
            return ViewPosition(f"▶ replay {speed} of {end}", TextStyle.MARK)
        if self.moment is not None:
            return ViewPosition(f"◀ {clock(self.moment)} · l live")
        return None

    def strip(self, snapshot: Snapshot | None, width: int) -> list[StyledLine]:
        """The whole session in a line, and what happened at its cursor; empty in the present."""
        history = self._history()
        if snapshot is None or (self.moment is None and history.playback is None):
            return []
        at = snapshot.at if self.moment is None else self.moment
        timeline, playback = history.timeline(self.present), history.playback
        if playback is not None:
            return timestrip(timeline, at, width, playback.end, _REPLAY_KEYS)
        end = self.present.at if self.present is not None else at
        return timestrip(timeline, at, width, end, _LIVE_KEYS)

    def hindsight(self, snapshot: Snapshot) -> Snapshot:
        """A moment of the past with the path that it was on, which is told only later."""
        history = self._history()
        if self.moment is None and history.playback is None:
            return snapshot
        known = history.timeline(self.present).path_at(snapshot.at)
        return replace(snapshot, path=known) if known is not None else snapshot

    @property
    def here(self) -> int:
        """The moment that is looked at, in ns since the session began."""
        return self._at()

    # --- each of these gives one line that says why nothing happened, or None

    def step(self, direction: int) -> str | None:
        """A stretch of the timeline back (-1) or on (1)."""
        return self._go(self._at() + direction * self._history().timeline(self.present).width)

    def change(self, direction: int) -> str | None:
        """To where something happened before or after.

        While a recording is played, what has only just been passed is not before: else it would
        never get any farther back.
        """
        start = self._at()
        playback = self._history().playback
        if direction < 0 and playback is not None and not (playback.paused or playback.at_end):
            start -= round(JUST_PASSED * playback.speed)
        at = next_moment(self._history().timeline(self.present), start, direction)
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

    def hasten(self, direction: int) -> bool:
        """Play it faster (1) or more slowly (-1)."""
        playback = self._history().playback
        if playback is not None:
            playback.step_speed(direction)
        return playback is not None

    def hold(self) -> bool:
        """Stand still, or go on; from its end, play it again."""
        playback = self._history().playback
        if playback is not None and playback.at_end:
            playback.seek(0)
            playback.pause(False)
        elif playback is not None:
            playback.pause(not playback.paused)
        return playback is not None
