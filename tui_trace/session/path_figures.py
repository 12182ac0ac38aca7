"""Figures of one path: of the rounds that took it, so that no row averages two paths."""

from itertools import pairwise
from statistics import fmean

import msgspec

from tui_trace.core.percentages import loss_percent
from tui_trace.session.outcomes import HopOutcomes, RunOutcomes
from tui_trace.session.snapshot import Path, PathHop, Run, Snapshot

_LEAST_ROUNDS = 3
"""Rounds of a path from which on it has figures."""


class PathRow(msgspec.Struct, frozen=True):
    """One hop of a path. RTTs are in ns; None without an answer whose RTT is remembered."""

    hop: PathHop
    lost: int
    decided: int
    min: int | None
    mean: float | None
    max: int | None

    @property
    def loss_percent(self) -> float | None:
        """Return the loss; None if no outcome is known."""
        return loss_percent(self.lost, self.decided - self.lost)


class PathFigures(msgspec.Struct, frozen=True):
    """What was measured on one path in one run, as far as it is remembered."""

    path: Path
    rounds: int
    rows: tuple[PathRow, ...]


def figures_by_path(snapshot: Snapshot, run: Run) -> list[PathFigures]:
    """Return the figures of each path of a run, if it took several; `run` has its outcomes."""
    taken = [path for path in snapshot.paths if any(v.run == run.number for v in path.visits)]
    if len(taken) < 2 or run.outcomes is None:
        return []
    found = [_figures(path, run.number, run.outcomes) for path in taken]
    return [figures for figures in found if figures.rounds >= _LEAST_ROUNDS]


def _figures(path: Path, number: int, outcomes: RunOutcomes) -> PathFigures:
    stretches = [(v.since, v.until) for v in path.visits if v.run == number]
    slots = 0
    # a round in which the path moved is neither's: the next one has to begin before that
    for place, (time, following) in enumerate(pairwise(outcomes.times)):
        if any(since <= time and following <= until for since, until in stretches):
            slots |= 1 << place
    rows = [_row(hop, outcomes.hops.get(hop.ttl, HopOutcomes()), slots) for hop in path.hops]
    return PathFigures(path, slots.bit_count(), tuple(rows))


def _row(hop: PathHop, known: HopOutcomes, slots: int) -> PathRow:
    answered = known.answered & slots
    rtts = [rtt for place, rtt in enumerate(known.rtts) if answered >> place & 1 and rtt >= 0]
    return PathRow(
        hop,
        (known.lost & slots).bit_count(),
        (known.decided & slots).bit_count(),
        min(rtts, default=None),
        fmean(rtts) if rtts else None,
        max(rtts, default=None),
    )
