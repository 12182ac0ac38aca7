"""Navigation through the time of a session, and the controls of a replay."""

from collections.abc import Callable

from msgspec.structs import replace

from tui_trace.app.control.history import SessionHistory, next_moment
from tui_trace.app.render.header import ViewPosition
from tui_trace.app.render.styled_text import StyledLine
from tui_trace.app.render.timeline_bar import timeline_bar
from tui_trace.core.durations import format_duration
from tui_trace.core.settings import NS_PER_S
from tui_trace.report.cell_text import TextStyle
from tui_trace.report.finding_lines import day_clock
from tui_trace.session.snapshot import Snapshot

JUST_PASSED = 2 * NS_PER_S
"""Nanoseconds before the screen."""
_LIVE_KEYS = "← → step · [ ] previous, next change · N note · l live"
_REPLAY_KEYS = "← → step · [ ] previous, next change · N note · l end"


QUIET = 5.0
"""Seconds without anything new after which an attached view says so."""


def _attached(quiet: float) -> ViewPosition:
    """Return the words for the end of a session that runs elsewhere."""
    if quiet < QUIET:
        return ViewPosition("● attached · q detaches", TextStyle.MARK)
    return ViewPosition(f"● attached · nothing new for {format_duration(round(quiet) * NS_PER_S)}")


class TimeNavigator:
    """The moment that is shown: the present, the past, or a position in a recording."""

    def __init__(self, history: Callable[[], SessionHistory]) -> None:
        """`history` is the past of the source in use."""
        self._history = history
        self.present: Snapshot | None = None
        """The newest snapshot."""
        self.moment: int | None = None
        """What is looked at, in ns, if it is not the present."""

    def view_position(self, snapshot: Snapshot) -> ViewPosition | None:
        """Return what the header says of the moment that is shown; None in the present."""
        playback = self._history().playback
        if playback is not None:
            if playback.is_attached:
                return _attached(playback.quiet)
            speed, end = f"{playback.speed:g}×", format_duration(playback.end)
            if playback.at_end and not playback.is_running:
                return ViewPosition(f"■ end of {end} · space replays")
            if playback.paused:
                return ViewPosition(f"‖ replay {speed} · {format_duration(snapshot.at)} of {end}")
            return ViewPosition(f"▶ replay {speed} of {end}", TextStyle.MARK)
        if self.moment is not None:
            return ViewPosition(f"◀ {format_duration(self.moment)} · l live")
        return None

    def timeline_lines(self, snapshot: Snapshot | None, width: int) -> list[StyledLine]:
        """Return the timeline and what happened at its cursor; nothing in the present."""
        history = self._history()
        if snapshot is None or (self.moment is None and history.playback is None):
            return []
        at = snapshot.at if self.moment is None else self.moment
        timeline, playback = history.timeline(self.present), history.playback
        if playback is not None:
            end, keys = playback.end, _REPLAY_KEYS
        else:
            end, keys = self.present.at if self.present is not None else at, _LIVE_KEYS
        return timeline_bar(timeline, at, width, end, keys=keys, clock=day_clock(snapshot))

    def with_known_path(self, snapshot: Snapshot) -> Snapshot:
        """Return a past snapshot with its path, which was only recognised later."""
        history = self._history()
        if self.moment is None and history.playback is None:
            return snapshot
        known = history.timeline(self.present).path_at(snapshot.at)
        return replace(snapshot, path=known) if known is not None else snapshot

    @property
    def position(self) -> int:
        """The moment that the user looks at, in ns since the session began."""
        return self._at()

    # --- each of these gives one line that says why nothing happened, or None

    def step(self, direction: int) -> str | None:
        """Go a stretch of the timeline back (-1) or forward (1)."""
        return self._go(self._at() + direction * self._history().timeline(self.present).width)

    def change(self, direction: int) -> str | None:
        """Go to the previous (-1) or next (1) change.

        While a recording is played, a change that was passed a moment ago is not the previous
        one: else the user could never go back farther.
        """
        start = self._at()
        playback = self._history().playback
        if direction < 0 and playback is not None and not (playback.paused or playback.at_end):
            start -= round(JUST_PASSED * playback.speed)
        at = next_moment(self._history().timeline(self.present), start, direction)
        if at is None:
            return "no later change" if direction > 0 else "no earlier change"
        return self._go(at)

    def to_present(self) -> str | None:
        """Go to the present, or to a recording's end."""
        history = self._history()
        if history.playback is not None:
            history.playback.seek(history.playback.end)
        elif self.moment is not None:
            self.moment = None
            history.close()
        else:
            return "this is the present"
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
            return "no data yet"
        if history.why_not is not None:
            return history.why_not
        if history.playback is None:
            if at >= self.present.at:
                return self.to_present()
            self.moment = max(at, 0)
        history.fetch(max(at, 0))
        return None

    # --- a recording that is played; False if it is none

    def change_speed(self, direction: int) -> bool:
        """Play faster (1) or slower (-1)."""
        playback = self._history().playback
        if playback is not None:
            playback.step_speed(direction)
        return playback is not None

    def toggle_pause(self) -> bool:
        """Pause or resume; at the end of a session that is over, play it again."""
        playback = self._history().playback
        if playback is not None and playback.at_end and not playback.is_running:
            playback.seek(0)
            playback.pause(False)
        elif playback is not None:
            playback.pause(not playback.paused)
        return playback is not None
