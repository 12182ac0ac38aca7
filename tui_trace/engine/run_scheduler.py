"""The runs of a session, and which of them has the next round."""

from collections.abc import Callable, Iterator
from itertools import chain, cycle, repeat

from tui_trace.core.settings import ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.run_state import EngineRun


class RunScheduler:
    """Every run that was opened; one is in force, and rounds go by turns.

    Usually all turns are those of one run. Two that alternate are runs of their own, of which the
    one that was in force before knows nothing: nothing but rounds taken in turns is in them.
    """

    def __init__(
        self,
        make_flows: Callable[[ProbeSettings], Flows],
        announce: Callable[[EngineRun, bool], object],
    ) -> None:
        """`make_flows` may raise `SendError`; `tell` hears which run is in force, and if again."""
        self._make_flows = make_flows
        self._announce = announce
        self.all: list[EngineRun] = []
        """In the order of their numbers, from 1."""
        self._by_settings: dict[ProbeSettings, EngineRun] = {}
        self._rounds: Iterator[EngineRun] = iter(())
        self.current: EngineRun
        """The run in force; there is one from the first `switch` on."""
        self._chosen: EngineRun
        """The last that the user switched to."""

    @property
    def is_alternating(self) -> bool:
        """The run in force is not the one that was switched to, or shares its rounds."""
        return self.current is not self._chosen

    def switch(self, settings: ProbeSettings) -> None:
        """The run of these settings is in force, with all rounds to come; `SendError`."""
        run = self._by_settings.get(settings)
        again = run is not None
        if run is None:
            run = self._by_settings[settings] = self._new(settings)
        self._chosen = run
        self._make_current(run, again, repeat(run))

    def reset(self) -> None:
        """Start the same anew, in runs of their own; `SendError`."""
        if self.current.turns_with:
            first, second = sorted((self.current.number, self.current.turns_with))
            self.alternate(self.all[first - 1].settings, self.all[second - 1].settings)
            return
        settings = self._chosen.settings
        del self._by_settings[settings]
        self.switch(settings)

    def alternate(self, first: ProbeSettings, second: ProbeSettings) -> None:
        """Two new runs that take turns round by round; the second is told last. `SendError`."""
        pair = self._new(first), self._new(second)
        pair[0].turns_with, pair[1].turns_with = pair[1].number, pair[0].number
        self._make_current(pair[0], False, cycle(pair))
        self._announce(pair[1], False)

    def probe_temporarily(self, settings: ProbeSettings, rounds: int) -> None:
        """So many rounds of a new run with these settings, then on with the last switched to."""
        run = self._new(settings)
        self._make_current(run, False, chain(repeat(run, rounds), repeat(self._chosen)))

    def next_round(self) -> EngineRun:
        """The run that the next round belongs to is in force from here on."""
        before, run = self.current, next(self._rounds)
        if run is not before:
            run.schedule.continue_from(before.schedule)
            self.current = run
            if run.turns_with != before.number:
                self._announce(run, True)
        return run

    def _new(self, settings: ProbeSettings) -> EngineRun:
        run = EngineRun(len(self.all) + 1, settings, self._make_flows(settings))
        self.all.append(run)
        return run

    def _make_current(self, run: EngineRun, again: bool, turns: Iterator[EngineRun]) -> None:
        self.current = run
        self._rounds = turns
        self._announce(run, again)
