"""When a session is looked at for findings.

What costs little is looked at once a round, and at once when the target falls silent or answers
again; what rests on many probes, when there are enough new ones. Both at most once a second, by the
`at` of events: a recording gives the same findings as the session did.
"""

from tui_trace.core.settings import NS_PER_S
from tui_trace.session import finders
from tui_trace.session.checkpoint import WatchCheckpoint
from tui_trace.session.episodes import EpisodeLog
from tui_trace.session.evidence import Findable
from tui_trace.session.finders.burst_statistics import SILENT
from tui_trace.session.finders.silence import trailing_losses
from tui_trace.session.finding import Finding, FindingKind
from tui_trace.session.run_fold import RunFold

_SILENCES = (FindingKind.DOWN, FindingKind.REFUSED, FindingKind.MTU, FindingKind.LOCAL)
_LOOK_INTERVAL = NS_PER_S
_FIRST_SLOTS = 64
"""Up to so many slots of a run, a thorough look comes every `_FEW` of them; then every `_MANY`."""
_FEW = 8
_MANY = 16


class FindingWatch:
    """Looks at a session again and again, and folds what it finds into episodes."""

    def __init__(self) -> None:
        """Begin without a look."""
        self.episodes = EpisodeLog()
        self.looks = 0
        """Looks since the watch was made or restored."""
        self._looked = -_LOOK_INTERVAL
        self._thorough: list[Finding] = []
        """What the last thorough look found."""
        self._next_slot: dict[int, int] = {}
        """By run: the slot from which on it is looked at thoroughly again."""

    def checkpoint(self) -> WatchCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return WatchCheckpoint(
            self.episodes.checkpoint(), self._looked, self._thorough, self._next_slot
        )

    @classmethod
    def from_checkpoint(cls, state: WatchCheckpoint) -> "FindingWatch":
        """Restore a watch; `CheckpointError` if none can have been in this state."""
        watch = cls()
        watch.episodes = EpisodeLog.from_checkpoint(state.episodes)
        watch._looked = state.looked
        watch._thorough = list(state.thorough)
        watch._next_slot = dict(state.next_slot)
        return watch

    def is_due(self, at: int) -> bool:
        """Return whether a look is due at `at` (ns): there was none for a second."""
        return at - self._looked >= _LOOK_INTERVAL

    def is_turn(self, run: RunFold) -> bool:
        """Return whether the target's last outcome says that it fell silent, or answers again."""
        is_silent = trailing_losses(run.log.target)[0] >= SILENT - 1
        lasting = self.episodes.lasting
        return is_silent != any((kind, run.number, None) in lasting for kind in _SILENCES)

    def look(self, session: Findable, *, thorough: bool = False) -> None:
        """Look at the session as it is now; thoroughly, if that is due or asked for."""
        self._looked = session.at
        self.looks += 1
        found = [one for find in finders.QUICK_FINDERS for one in find(session)]
        if self._is_thorough_due(session) or thorough:
            self._thorough = [
                finding for find in finders.THOROUGH_FINDERS for finding in find(session)
            ]
        else:
            active = {0, *(run.number for run in session.active)}
            self._thorough = [
                one for one in self._thorough if one.run in active and one.until is None
            ]
        found += self._thorough
        if any(finding.harm for finding in found):
            found = [finding for finding in found if finding.kind is not FindingKind.OK]
        self.episodes.look(found, session.at)

    def _is_thorough_due(self, session: Findable) -> bool:
        due = False
        for run in session.active:
            slot = run.log.first_slot + run.log.slots
            if slot >= self._next_slot.get(run.number, _FEW):
                self._next_slot[run.number] = slot + (_FEW if slot < _FIRST_SLOTS else _MANY)
                due = True
        return due
