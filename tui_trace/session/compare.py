"""Runs side by side, the target first, then hop by hop: what differs, and what could be chance.

Figures, counts and tests are over the same probes: those that a run remembers one by one, its last
`round_log.WINDOW` at least. The target is compared with the target at whatever TTL; the other hops
are aligned by their addresses, as two paths are. Runs may be of different sessions: then an RTT
that differs by no more than it drifts within one of them is no difference.
"""

import enum
from collections.abc import Sequence
from itertools import zip_longest
from statistics import fmean, stdev

import msgspec
from msgspec.structs import replace

from tui_trace.core.ip_literals import parse_literal
from tui_trace.session.loss_difference import (
    E_VALUE,
    LOSS_FLOOR,
    at_one_pace,
    bursts_in_turns,
    bursts_of,
    loss_evidence,
    mean_gap,
    visible_loss,
)
from tui_trace.session.outcomes import HopOutcomes
from tui_trace.session.paths import diff_paths
from tui_trace.session.round_log import bits_of
from tui_trace.session.rtt_difference import P_VALUE, RttDifference, compare_pairs, compare_rtts
from tui_trace.session.run_names import in_turns, name_runs, name_settings
from tui_trace.session.run_origin import Origin
from tui_trace.session.snapshot import Hop, Path, PathHop, Run


class Verdict(enum.StrEnum):
    """What may be said of a hop in two runs."""

    SAME = "no difference"
    """Tested, and none was found."""
    DIFFERENT = "different"
    DRIFT = "no more than it drifts"
    """Different, but by no more than within one of the sessions."""
    FEW = "not enough data"
    SUMS = "sums only, not tested"
    """Another program told sums: neither single RTTs nor the order of losses."""


class Side(msgspec.Struct, frozen=True):
    """One hop of one run; times in ns, None where there are too few answers."""

    hop: Hop | None
    """The row of the table; None where the run has none."""
    ttl: int | None
    outcomes: HopOutcomes
    lost: int
    decided: int
    """Probes that figures and tests are over."""
    min: int | None
    mean: float | None
    sd: float | None
    max: int | None
    is_sums: bool = False
    """The figures are sums of another program, over no probes that are known."""

    @property
    def loss(self) -> float | None:
        """Return the share (0 to 1) that was lost; None: no outcome is known."""
        return self.lost / self.decided if self.decided else None


class Difference(msgspec.Struct, frozen=True):
    """A hop in a run, compared with the same hop in the first run."""

    loss: Verdict
    rtt: Verdict
    step: float = 0.0
    """How much longer the RTTs are than in the first run, in ns."""
    visible_loss: float | None = None
    """Share that would have been seen as a difference; None: not tested."""
    visible_rtt: float | None = None
    """RTT in ns that would have been seen."""
    drift: float = 0.0
    """How far the RTTs move within one of the two sessions at most, in ns."""
    moved: bool = False
    """Other addresses answer."""

    @property
    def real(self) -> bool:
        """It is to be marked."""
        return Verdict.DIFFERENT in (self.loss, self.rtt)

    @property
    def tested(self) -> bool:
        """Return whether anything could be compared."""
        return self.visible_loss is not None or self.visible_rtt is not None or self.real


class Row(msgspec.Struct, frozen=True):
    """One hop, in each of the runs that are compared."""

    is_target: bool
    sides: tuple[Side, ...]
    """One a run."""
    differences: tuple[Difference, ...]
    """One a run after the first."""

    @property
    def ttl(self) -> int | None:
        """Return its TTL in the first run that has it."""
        return next((side.ttl for side in self.sides if side.ttl is not None), None)


class RunComparison(msgspec.Struct, frozen=True):
    """Two runs or more."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    """Of the runs: what tells their settings apart."""
    rows: tuple[Row, ...]
    """The hops in the order of the path, the target last."""
    alternated: bool
    """The runs took turns: what the network did to both is in none of the differences."""
    origins: tuple[Origin, ...] = ()
    """The session of each run; empty: all are of one, which needs no name."""

    @property
    def target(self) -> Row:
        """Return the row of the target."""
        return self.rows[-1]


def compare_runs(runs: Sequence[Run], origins: Sequence[Origin] = ()) -> RunComparison:
    """Compare each run with the first of them; at least two, with their `outcomes`.

    `origins` has the session of each, if they are of several. It takes up to some hundred
    milliseconds: not for a thread that draws.
    """
    is_one = len(set(origins)) < 2
    alternated = is_one and all(in_turns(runs[0], run) for run in runs[1:])
    drifts = [max(origins[0].drift, one.drift) for one in origins] if not is_one else []
    aligned = _align(runs)
    share = 1 / max(len(aligned), 1)
    comparer = _HopComparer(runs, alternated, drifts)
    rows = [comparer.row(sides, share) for sides in aligned]
    rows.append(comparer.row(tuple(map(_target_side, runs)), 1.0, is_target=True))
    return RunComparison(
        tuple(runs), _names(runs, origins), tuple(rows), alternated, tuple(origins)
    )


def _names(runs: Sequence[Run], origins: Sequence[Origin]) -> tuple[str, ...]:
    if not origins:
        return name_runs(runs)
    return tuple(
        origin.name_run(run, settings)
        for origin, run, settings in zip(origins, runs, name_settings(runs), strict=True)
    )


# --- which hops belong together


def _align(runs: Sequence[Run]) -> list[tuple[Side, ...]]:
    """Return the hops before the target, aligned by their addresses from both ends."""
    ways = [_way(run) for run in runs]
    rows: list[list[int | None]] = [[hop.ttl] for hop in ways[0].hops]
    for place, way in enumerate(ways[1:], 1):
        at = 0
        for line in diff_paths(ways[0], way):
            if line.before is not None:
                at = next(n for n, row in enumerate(rows) if row[0] == line.before.ttl)
            else:
                rows.insert(at, [None] * place)
            rows[at].append(line.after.ttl if line.after is not None else None)
            at += 1
        for row in rows:
            row.extend([None] * (place + 1 - len(row)))
    return [tuple(_side_at(run, ttl) for run, ttl in zip_longest(runs, row)) for row in rows]


def _way(run: Run) -> Path:
    outcomes = run.outcomes
    hops = []
    for hop in run.hops:
        if hop.is_target or outcomes is None or _is_past(run, hop.ttl):
            continue
        known = outcomes.hops.get(hop.ttl) or _summarised(hop)
        hops.append(PathHop(hop.ttl, known.addresses, None))
    while hops and not hops[-1].addresses and not run.reached:
        # silence behind the last answer is the target's
        hops.pop()
    return Path("", tuple(hops), ())


def _is_past(run: Run, ttl: int) -> bool:
    target = run.outcomes.target_ttl if run.outcomes is not None else None
    return target is not None and ttl >= target


def _side_at(run: Run, ttl: int | None) -> Side:
    known = run.outcomes.hops.get(ttl) if run.outcomes is not None and ttl is not None else None
    hop = next((hop for hop in run.hops if hop.ttl == ttl), None)
    return _side(hop, ttl, known)


def _target_side(run: Run) -> Side:
    known = run.outcomes.target if run.outcomes is not None else None
    hop = next((hop for hop in run.hops if hop.is_target), None)
    ttl = run.outcomes.target_ttl if run.outcomes is not None else None
    return _side(hop, hop.ttl if hop is not None and hop.is_summary else ttl, known)


def _side(hop: Hop | None, ttl: int | None, known: HopOutcomes | None) -> Side:
    if hop is not None and hop.is_summary:
        figures = hop.figures
        return Side(
            hop,
            ttl,
            _summarised(hop),
            lost=hop.lost,
            decided=hop.lost + figures.count,
            min=figures.min,
            mean=figures.mean,
            sd=figures.sd,
            max=figures.max,
            is_sums=True,
        )
    known = known or HopOutcomes()
    rtts = [known.rtts[place] for place in bits_of(known.answered)]
    return Side(
        hop,
        ttl,
        known,
        lost=known.lost.bit_count(),
        decided=known.decided.bit_count(),
        min=min(rtts, default=None),
        mean=fmean(rtts) if rtts else None,
        sd=stdev(map(float, rtts)) if len(rtts) > 1 else None,
        max=max(rtts, default=None),
    )


def _summarised(hop: Hop) -> HopOutcomes:
    """Return no outcomes, and the addresses of a summary; a name is none, and matches nothing."""
    told = (one.address for one in hop.responders if hop.is_summary)
    return HopOutcomes(addresses=tuple(one for one in told if parse_literal(one) is not None))


# --- one hop


class _HopComparer:
    """Compares the hops of some runs."""

    def __init__(self, runs: Sequence[Run], alternated: bool, drifts: Sequence[float]) -> None:
        self._pairs = [_pairs_of(runs[0], run) if alternated else None for run in runs]
        times = [run.outcomes.times if run.outcomes is not None else () for run in runs]
        self._gaps = [mean_gap(one) for one in times]
        self._drifts = drifts
        """Of the target's RTT in the first run's session and in that of each; empty: of one."""

    def row(self, sides: tuple[Side, ...], share: float, *, is_target: bool = False) -> Row:
        """Compare the sides of one hop; `share` is the part of the error that it may make."""
        differences = []
        for number, side in enumerate(sides[1:], 1):
            found = _difference(
                (sides[0], side), self._pairs[number], (self._gaps[0], self._gaps[number]), share
            )
            drift = self._drifts[number] if is_target and self._drifts else 0.0
            if found.rtt is Verdict.DIFFERENT and abs(found.step) <= drift:
                found = replace(found, rtt=Verdict.DRIFT, drift=drift)
            differences.append(found)
        return Row(is_target, sides, tuple(differences))


def _pairs_of(one: Run, other: Run) -> list[tuple[int, int]]:
    """Return the slots that belong together: each of the first run, and the next of the other."""
    if one.outcomes is None or other.outcomes is None:
        return []
    first, second = one.outcomes.times, other.outcomes.times
    pairs = []
    at = 0
    for slot, time in enumerate(first):
        while at < len(second) and second[at] < time:
            at += 1
        if at == len(second):
            break
        if slot + 1 == len(first) or second[at] < first[slot + 1]:
            pairs.append((slot, at))
    return pairs


def _difference(
    sides: tuple[Side, Side],
    pairs: list[tuple[int, int]] | None,
    gaps: tuple[float, float],
    share: float,
) -> Difference:
    one, other = sides
    addresses = set(one.outcomes.addresses), set(other.outcomes.addresses)
    moved = all(addresses) and addresses[0].isdisjoint(addresses[1])
    if one.is_sums or other.is_sums:
        return Difference(Verdict.SUMS, Verdict.SUMS, moved=moved)
    loss, visible_share = _loss_verdict(one, other, pairs, gaps, share)
    found = _rtt_difference(one.outcomes, other.outcomes, pairs, share)
    rtt = Verdict.FEW
    if found is not None:
        rtt = Verdict.DIFFERENT if found.p <= P_VALUE * share else Verdict.SAME
    return Difference(
        loss,
        rtt,
        found.step if found is not None else 0.0,
        visible_share,
        found.visible if found is not None else None,
        moved=moved,
    )


def _loss_verdict(
    one: Side,
    other: Side,
    pairs: list[tuple[int, int]] | None,
    gaps: tuple[float, float],
    share: float,
) -> tuple[Verdict, float | None]:
    if pairs is not None:
        first, second = one.outcomes, other.outcomes
        both = [
            (bool(first.lost >> a & 1), bool(second.lost >> b & 1))
            for a, b in pairs
            if first.decided >> a & 1 and second.decided >> b & 1
        ]
        bursts = bursts_in_turns([a for a, _ in both], [b for _, b in both])
    else:
        bursts = bursts_of(*at_one_pace((_losses(one.outcomes), _losses(other.outcomes)), gaps))
    more = (other.loss or 0.0) - (one.loss or 0.0)
    excess = [len(bursts.lengths[run]) / max(bursts.probes[run], 1) for run in (0, 1)]
    if (
        abs(more) >= LOSS_FLOOR
        and (excess[1] - excess[0]) * more * (-1 if bursts.of_answers else 1) > 0
        and loss_evidence(bursts) >= E_VALUE / share
    ):
        return Verdict.DIFFERENT, None
    visible = visible_loss(bursts, E_VALUE / share)
    return (Verdict.SAME if visible is not None else Verdict.FEW), visible


def _losses(known: HopOutcomes) -> list[bool]:
    return [bool(known.lost >> place & 1) for place in bits_of(known.decided)]


def _rtt_difference(
    one: HopOutcomes, other: HopOutcomes, pairs: list[tuple[int, int]] | None, share: float
) -> RttDifference | None:
    if pairs is not None:
        both = [
            (one.rtts[a], other.rtts[b])
            for a, b in pairs
            if one.answered >> a & 1 and other.answered >> b & 1
        ]
        return compare_pairs(both, P_VALUE * share)
    rtts = [[known.rtts[place] for place in bits_of(known.answered)] for known in (one, other)]
    return compare_rtts(rtts[0], rtts[1], P_VALUE * share)
