"""Which runs stand side by side: of this session, and of others."""

from collections.abc import Sequence
from typing import NamedTuple

from tui_trace.session.snapshot import Run, Snapshot


class RunKey(NamedTuple):
    """One run of one session; keys are in the order of time."""

    session: int
    """0: this session; others by when they began, those before it below 0."""
    number: int


class RunChoice:
    """The runs that are compared: the one in force, and others beside it."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Begin with the run in force, and the one that was before it."""
        self._now = snapshot.run
        self._own = _own_runs(snapshot)
        self._others: tuple[RunKey, ...] = ()
        self.shown = self._beside_now()

    @property
    def own(self) -> tuple[int, ...]:
        """Numbers of the runs of this session that are shown."""
        return tuple(key.number for key in self.shown if not key.session)

    @property
    def is_own(self) -> bool:
        """Return whether all that is shown is of this session."""
        return len(self.own) == len(self.shown)

    @property
    def known(self) -> tuple[RunKey, ...]:
        """All runs that can be chosen."""
        return tuple(sorted((*self._own, *self._others)))

    def follow(self, snapshot: Snapshot) -> None:
        """Take a newer snapshot: another run may be in force."""
        before, self._now = self._now, snapshot.run
        self._own = _own_runs(snapshot)
        if self._now.number != before.number:
            gone = RunKey(0, before.number)
            if self._now.turns_with:
                self.shown = self._beside_now()
            elif not before.turns_with and self._now.number not in self.own:
                self._show(*(one for one in self.shown if one != gone), self._key_now)
        if len(self.shown) < 2 or not set(self.shown) <= set(self.known):
            # a second run, or a recording went back to where these runs were not yet
            self.shown = self._beside_now()

    def put_beside(self, runs: Sequence[tuple[RunKey, Run]]) -> None:
        """Offer runs of other sessions, instead of those before, and show the likest one."""
        self._others = tuple(key for key, _ in runs)
        alike = [key for key, run in runs if run.settings == self._now.settings]
        self._show((alike or self._others)[-1], self._key_now)

    def show_turns(self) -> None:
        """Show the runs that take turns now, if any do."""
        if self._now.turns_with:
            self.shown = self._beside_now()

    def other(self, step: int) -> None:
        """Show the next later (1) or earlier (-1) run."""
        gone = self._changing
        kept = tuple(one for one in self.shown if one != gone)
        others = [one for one in self.known if one not in kept]
        if len(self.shown) > 1 and len(others) > 1:
            self._show(*kept, others[(others.index(gone) + step) % len(others)])

    def more(self, most: int) -> str:
        """Show one more run, of at most so many; return why not, or an empty text."""
        others = [one for one in self.known if one not in self.shown]
        if not others:
            return "No other run"
        if len(self.shown) >= most:
            return "No room for another run"
        self._show(*self.shown, others[-1])
        return ""

    def less(self) -> None:
        """Show one run fewer, but two at least."""
        if len(self.shown) > 2:
            gone = self._changing
            self._show(*(one for one in self.shown if one != gone))

    @property
    def _key_now(self) -> RunKey:
        return RunKey(0, self._now.number)

    @property
    def _changing(self) -> RunKey:
        """The run that gives way to another: the first that is not the run in force."""
        return next((one for one in self.shown if one != self._key_now), self.shown[0])

    def _show(self, *keys: RunKey) -> None:
        self.shown = tuple(sorted(keys))

    def _beside_now(self) -> tuple[RunKey, ...]:
        """Return the run in force, and one that it takes turns with, or the last one before it."""
        turns = self._now.turns_with
        others = [one for one in (*self._others, *self._own) if one != self._key_now]
        beside = [RunKey(0, turns[-1])] if turns else others[-1:]
        return tuple(sorted((*beside, self._key_now)))


def _own_runs(snapshot: Snapshot) -> tuple[RunKey, ...]:
    return tuple(RunKey(0, one) for one in sorted((*snapshot.earlier, snapshot.run.number)))
