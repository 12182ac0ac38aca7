"""The runs of a session, and which of them gets the next round."""

from collections.abc import Callable, Iterator
from itertools import chain, cycle, repeat

from tui_trace.core.settings import ProbeSettings
from tui_trace.engine.flows import Flows
from tui_trace.engine.run_state import EngineRun


class RunScheduler:
    """Every run that was opened. One run is active, and gets the round under way.

    Normally every round belongs to the run that the user chose. `alternate` opens two new runs, so
    that neither of them contains rounds measured before they began to alternate.
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
        self._chosen: EngineRun
        """The run that the user switched to last."""

    @property
    def chosen_is_suspended(self) -> bool:
        """Return whether other runs are probed in place of the run that the user switched to."""
        return self.current is not self._chosen

    def switch(self, settings: ProbeSettings) -> None:
        """Make the run with these settings active for all rounds to come; `SendError`."""
        run = self._by_settings.get(settings)
        reopened = run is not None
        if run is None:
            run = self._by_settings[settings] = self._new(settings)
        self._chosen = run
        self._make_current(run, reopened, repeat(run))

    def reset(self) -> None:
        """Start again with the same settings, in new runs; `SendError`."""
        if self.current.turns_with:
            first, second = sorted((self.current.number, self.current.turns_with))
            self.alternate(self.all[first - 1].settings, self.all[second - 1].settings)
            return
        settings = self._chosen.settings
        del self._by_settings[settings]
        self.switch(settings)

    def alternate(self, first: ProbeSettings, second: ProbeSettings) -> None:
        """Open two new runs that alternate round by round; the first is active. `SendError`."""
        pair = self._new(first), self._new(second)
        pair[0].turns_with, pair[1].turns_with = pair[1].number, pair[0].number
        self._make_current(pair[0], False, cycle(pair))
        self._announce(pair[1], False)

    def probe_temporarily(self, settings: ProbeSettings, rounds: int) -> None:
        """Probe so many rounds in a new run, then go on with the chosen run; `SendError`.

        Each flow has an interval of its own, so that no router that limits its replies is asked
        more often than otherwise.
        """
        run = self._new(settings, stretch=settings.flows)
        self._make_current(run, False, chain(repeat(run, rounds), repeat(self._chosen)))

    def next_round(self) -> EngineRun:
        """Make the run of the next round active, and return it."""
        before, run = self.current, next(self._rounds)
        if run is not before:
            run.schedule.continue_from(before.schedule)
            self.current = run
            if run.turns_with != before.number:
                self._announce(run, True)
        return run

    def _new(self, settings: ProbeSettings, stretch: int = 1) -> EngineRun:
        flows = self._make_flows(settings)
        run = EngineRun(
            len(self.all) + 1,
            settings,
            flows,
            expected_ttl=self._known_distance(),
            stretch=stretch,
        )
        self.all.append(run)
        return run

    def _known_distance(self) -> int:
        """Return the target's TTL in the run that is probed now; 0: it is not known."""
        if not self.all or not self.current.path_end.reached:
            return 0
        return self.current.path_end.end_ttl or 0

    def _make_current(self, run: EngineRun, reopened: bool, rounds: Iterator[EngineRun]) -> None:
        self.current = run
        self._rounds = rounds
        self._announce(run, reopened)
