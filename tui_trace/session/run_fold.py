"""One run while it grows: the mutable counterpart of `snapshot.Run`."""

from collections.abc import Mapping

from msgspec.structs import replace

from tui_trace.core.events import EgressFound
from tui_trace.core.settings import Pace, ProbeSettings
from tui_trace.session.checkpoint import RunCheckpoint
from tui_trace.session.hop_fold import HopFold
from tui_trace.session.round_log import RunLog
from tui_trace.session.rtt_level import RttLevel
from tui_trace.session.snapshot import Run


class RunFold:
    """Holds the hops of one run, and what else its events say."""

    def __init__(self, number: int, settings: ProbeSettings, opened: int, pace: Pace) -> None:
        """Begin without any probe; `opened` is the `at` of the run's first opening, in ns."""
        self.number = number
        self.settings = settings
        self.pace = pace
        """The pace when the run was last active: it bounds the rows."""
        self.turns_with: tuple[int, ...] = ()
        self.temporary = False
        self.rounds = 0
        self.reached = False
        self.end: int | None = None
        self.egress: EgressFound | None = None
        self.log = RunLog(number, settings)
        self.level = RttLevel()
        self.opened = opened
        self.row_words: dict[int, tuple[str, ...]] = {}
        """By TTL: what was found of the hop alone, in a word each; set by who finds it."""
        self._hops: dict[int, HopFold] = {}

    def checkpoint(self) -> RunCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        return RunCheckpoint(
            number=self.number,
            settings=self.settings,
            pace=self.pace,
            opened=self.opened,
            rounds=self.rounds,
            reached=self.reached,
            end=self.end,
            hops=[hop.checkpoint() for hop in self._hops.values()],
            turns_with=self.turns_with,
            temporary=self.temporary,
            egress=self.egress,
            log=self.log.checkpoint(),
            level=self.level.checkpoint(),
            row_words=self.row_words,
        )

    @classmethod
    def from_checkpoint(cls, state: RunCheckpoint) -> "RunFold":
        """Restore a run; `CheckpointError` if no run can have been in this state."""
        run = cls(state.number, state.settings, state.opened, state.pace)
        run.rounds = state.rounds
        run.reached = state.reached
        run.end = state.end
        run.turns_with = state.turns_with
        run.temporary = state.temporary
        run.egress = state.egress
        if state.level is not None:
            run.level = RttLevel.from_checkpoint(state.level)
        run.row_words = dict(state.row_words)
        if state.log is not None:
            run.log = RunLog.from_checkpoint(state.number, state.settings, state.log)
        run._hops = {hop.ttl: HopFold.from_checkpoint(hop) for hop in state.hops}
        return run

    @property
    def hops(self) -> Mapping[int, HopFold]:
        """Return the hops by TTL, the nearest first."""
        return self._hops

    def hop(self, ttl: int) -> HopFold:
        """Return the hop with this TTL; it is made if it does not exist."""
        try:
            return self._hops[ttl]
        except KeyError:
            hop = self._hops[ttl] = HopFold(ttl)
            self._hops = dict(sorted(self._hops.items()))
            return hop

    def snapshot(self, mtus: Mapping[int, str]) -> Run:
        """Return the run as it is now, with the marks of path MTU discovery by TTL."""
        for ttl, mark in mtus.items():
            if ttl in self._hops:
                self._hops[ttl].set_fixed_mark(mark)
        last = min(self._last_row(), self.pace.max_ttl)
        hops = tuple(
            fold.snapshot()
            for ttl, fold in self._hops.items()
            if self.pace.first_ttl <= ttl <= last
        )
        if found := self.row_words:
            hops = tuple(
                replace(hop, marks=(*hop.marks, *found[hop.ttl])) if hop.ttl in found else hop
                for hop in hops
            )
        return Run(
            self.number,
            self.settings,
            self.opened,
            self.rounds,
            self.reached,
            hops,
            self.turns_with,
            self.egress,
            self.log.target.answered,
            self.log.target.lost,
        )

    def _last_row(self) -> int:
        if self.end is None:
            heard = (ttl for ttl, fold in self._hops.items() if fold.heard)
            return max(heard, default=self.pace.first_ttl + self.pace.max_unknown - 1)
        if self.reached:
            return self.end
        # a refusal on the way may be over soon: the rows behind it keep what they have seen
        return max(self.end, *(ttl for ttl, fold in self._hops.items() if fold.answered), 0)
