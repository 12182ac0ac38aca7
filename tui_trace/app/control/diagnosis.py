"""Diagnose while it runs: which runs are its own, what they show, and when it is over."""

from collections.abc import Sequence

from tui_trace.core.stream import GoBack, TakeTurns
from tui_trace.session.diagnosis import Diagnosis, diagnose
from tui_trace.session.snapshot import Run, Snapshot


class DiagnosisTurns:
    """The turns of several settings, from the command that asks for them to what they tell."""

    def __init__(self, asked: TakeTurns, before: Snapshot) -> None:
        """`asked` was sent, or is about to be; `before` is the session as it was."""
        self._asked = asked
        self._earlier = {before.run.number, *before.earlier}
        self.numbers: tuple[int, ...] = ()
        """The numbers of its runs; empty before they are open."""
        self.diagnosis: Diagnosis | None = None
        self.is_over = False
        """What was in force before goes on, or is asked to."""

    def look_at(self, snapshot: Snapshot, runs: Sequence[Run]) -> GoBack | None:
        """Take newer runs; return a command if it is sure enough to stop. Others are left alone."""
        now = snapshot.run
        group = tuple(sorted((now.number, *now.turns_with)))
        if not self.numbers:
            if self._earlier.isdisjoint(group) and len(group) == len(self._asked.settings):
                self.numbers = group
            return None
        if tuple(run.number for run in runs) != self.numbers:
            return None
        was_over = self.is_over
        self.is_over |= group != self.numbers or snapshot.ended
        self.diagnosis = diagnose(runs, is_over=self.is_over)
        if self.diagnosis.is_settled and not self.is_over:
            self.is_over = True
        return GoBack() if self.is_over and not was_over and group == self.numbers else None

    def leave(self) -> GoBack | None:
        """Return the command that ends it; None if it is over."""
        return None if self.is_over else GoBack()
