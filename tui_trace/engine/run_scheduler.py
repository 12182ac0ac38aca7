"""The runs of a session, and which of them gets the next round."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, cycle, repeat

from tui_trace.core.settings import ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.mtu_search import MtuSearch
from tui_trace.engine.run_state import EngineRun
from tui_trace.engine.way_plan import WayPlan


class RunScheduler:
    """Every run that was opened. One run is active, and gets the round under way.

    Normally every round belongs to the run that the user chose. `take_turns` opens new runs, so
    that none of them contains rounds measured before the turns began. What lasts some rounds only
    leads back to the runs of before.
    """

    def __init__(
        self,
        make_flows: Callable[[ProbeSettings], Flows],
        announce: Callable[[EngineRun, bool], object],
    ) -> None:
        """Begin without a run.

        `make_flows` may raise `SendError`. `announce` is called with the run that becomes active,
        and whether it was open before.
        """
        self._make_flows = make_flows
        self._announce = announce
        self.all: list[EngineRun] = []
        """All runs in the order of their numbers, from 1 on."""
        self._by_settings: dict[ProbeSettings, EngineRun] = {}
        self._rounds: Iterator[EngineRun] = iter(())
        self.current: EngineRun
        """The active run; there is one from the first `switch` on."""
        self._chosen: tuple[EngineRun, ...]
        """The run, or the runs in turns, that go on until another command."""
        self._chosen_rounds: Iterator[EngineRun]
        self._left: EngineRun
        """That of `_chosen` which was active when others began that have some rounds only."""

    def is_alone(self, settings: ProbeSettings) -> bool:
        """Return whether all rounds to come go to one run that has these settings."""
        return self._chosen == (self.current,) and self.current.settings == settings

    @property
    def is_away(self) -> bool:
        """Return whether the rounds go to runs that have some rounds only."""
        return self.current.is_temporary

    def switch(self, settings: ProbeSettings) -> None:
        """Make the run with these settings active for all rounds to come; `SendError`."""
        run = self._by_settings.get(settings)
        reopened = run is not None
        if run is None:
            run = self._by_settings[settings] = self._new(settings)
        self._choose((run,), reopened)

    def reset(self) -> None:
        """Start again with the settings that the user chose, in new runs; `SendError`."""
        settings = tuple(run.settings for run in self._chosen)
        if len(settings) > 1:
            self.take_turns(settings)
            return
        del self._by_settings[settings[0]]
        self.switch(settings[0])

    def take_turns(self, settings: Sequence[ProbeSettings], rounds: int | None = None) -> None:
        """Open new runs that take turns round by round; the first is active. `SendError`.

        After so many `rounds` of each the runs of before go on; None: until another command.
        """
        is_temporary = rounds is not None
        runs = tuple([self._new(one, is_temporary=is_temporary) for one in settings])
        for run in runs:
            run.turns_with = tuple(other.number for other in runs if other is not run)
        if rounds is None:
            self._choose(runs, False)
        else:
            self._leave_for(runs, rounds)

    def open_beside(
        self,
        settings: ProbeSettings,
        plan: WayPlan | None = None,
        mtu_search: MtuSearch | None = None,
    ) -> EngineRun:
        """Open and return a run that one of these probes, beside those of the rounds; `SendError`.

        The present one stays active.
        """
        # the same object, if it can be: the network prepares its packets once
        same = self.current.settings
        wanted = same if settings == same else settings
        run = self._new(wanted, plan=plan, mtu_search=mtu_search)
        self._announce(run, False)
        return run

    def go_back(self) -> None:
        """Go on as before the runs that have some rounds only."""
        self._rounds = self._chosen_rounds
        self._activate(self._left, self._chosen, True)

    def next_round(self) -> EngineRun:
        """Make the run of the next round active, and return it."""
        before, run = self.current, next(self._rounds)
        if run is not before:
            run.schedule.continue_from(before.schedule)
            if before.number in run.turns_with:
                self.current = run
            else:
                self._activate(run, self._chosen, True)
        return run

    def _new(
        self,
        settings: ProbeSettings,
        *,
        is_temporary: bool = False,
        plan: WayPlan | None = None,
        mtu_search: MtuSearch | None = None,
    ) -> EngineRun:
        flows = self._make_flows(settings)
        run = EngineRun(
            len(self.all) + 1,
            settings,
            flows,
            expected_ttl=self.known_distance(),
            is_temporary=is_temporary,
            plan=plan,
            mtu_search=mtu_search,
        )
        self.all.append(run)
        return run

    def known_distance(self) -> int:
        """Return the target's TTL in the run that is probed now; 0: it is not known."""
        if not self.all or not self.current.path_end.reached:
            return 0
        return self.current.path_end.end_ttl or 0

    def _choose(self, runs: tuple[EngineRun, ...], reopened: bool) -> None:
        self._chosen = runs
        self._rounds = self._chosen_rounds = cycle(runs)
        self._activate(runs[0], runs, reopened)

    def _leave_for(self, runs: tuple[EngineRun, ...], rounds: int) -> None:
        if not self.is_away:
            self._left = self.current
        turns = chain.from_iterable(repeat(runs, rounds))
        self._rounds = chain(turns, self._chosen_rounds)
        self._activate(runs[0], runs, False)

    def _activate(self, run: EngineRun, told: Sequence[EngineRun], reopened: bool) -> None:
        self.current = run
        for one in told:
            self._announce(one, reopened)
