"""A stretch of a session: what its end knows and its beginning did not.

Sums and counters are differences of two checkpoints, exact to the nanosecond. What no difference
gives (extremes, jitter, the timeline) is folded from the few numbers of each event in between. A
probe belongs to the stretch in which its outcome became known: the figures of two stretches, one
after the other, are those of both.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.session.annotations import refuses
from tui_trace.session.checkpoint import (
    HopCheckpoint,
    RunCheckpoint,
    SessionCheckpoint,
    StatsCheckpoint,
)
from tui_trace.session.finding import Episode
from tui_trace.session.fold import Session
from tui_trace.session.hop_fold import HopFold
from tui_trace.session.latest_probes import LatestProbes
from tui_trace.session.snapshot import (
    LOST,
    MomentKind,
    Path,
    Run,
    Snapshot,
    Stretch,
    Timeline,
)
from tui_trace.session.stats import RttStats
from tui_trace.session.timeline import TimelineFold

EventNumbers: TypeAlias = tuple[ev.Event, int, int, int]
"""An event as a template, and what it does not have: `at`, probe, and RTT in ns."""


class StretchReport(NamedTuple):
    """All that a report shows of a stretch."""

    snapshot: Snapshot
    """As at its end; statistics, paths, timeline and episodes are of the stretch."""
    runs: tuple[Run, ...]
    """Those that were probed in it."""


class _Jumps:
    """Extremes of the RTTs of one hop, and the differences of successive ones."""

    __slots__ = ("last", "last_jump", "max", "max_jump", "min", "smoothed", "total")

    def __init__(self) -> None:
        self.last = -1
        self.min, self.max = 1 << 63, 0
        self.total = self.last_jump = self.max_jump = 0
        self.smoothed = 0.0

    def add(self, rtt: int) -> None:
        self.min = min(self.min, rtt)
        self.max = max(self.max, rtt)
        if self.last >= 0:
            self.last_jump = jump = abs(rtt - self.last)
            self.total += jump
            self.smoothed += (jump - self.smoothed) / 16
            self.max_jump = max(self.max_jump, jump)
        self.last = rtt


class _Between:
    """Folds the events between the two ends."""

    def __init__(self, before: SessionCheckpoint, since: int) -> None:
        self.jumps: dict[tuple[int, int], _Jumps] = {}
        self.timeline = TimelineFold()
        self._since = since
        self._ends = {run.number: run.end for run in before.runs}
        self._refused = {
            probe
            for run in before.runs
            for hop in run.hops
            for probe, outcome in LatestProbes.from_checkpoint(hop.latest).outcomes.items()
            if outcome == LOST
        }
        """Probes whose loss an answer takes back, although they had a reply."""

    def fold(self, rows: Iterable[EventNumbers]) -> None:
        for template, at, probe, value in rows:
            kind = type(template)
            if kind is ev.Reply:
                self._reply(template, at, probe, value)  # type: ignore[arg-type]
            elif kind is ev.ProbeLost:
                if template.ttl == self._ends.get(template.run):  # type: ignore[union-attr]
                    self.timeline.on_lost(at - self._since, probe)
            elif kind is ev.PathEnd:
                self._ends[template.run] = template.ttl  # type: ignore[union-attr]

    def _reply(self, reply: ev.Reply, at: int, probe: int, rtt: int) -> None:
        if reply.repeat or reply.past_target:
            return
        if refuses(reply):
            if not reply.duplicate:
                self._refused.add(probe)
                if reply.ttl == self._ends.get(reply.run):
                    self.timeline.on_lost(at - self._since, probe)
            return
        if reply.duplicate and probe not in self._refused:
            return
        self._refused.discard(probe)
        rtt = max(rtt, 0)
        key = reply.run, reply.ttl
        if key not in self.jumps:
            self.jumps[key] = _Jumps()
        self.jumps[key].add(rtt)
        if reply.reached:
            self.timeline.on_reply(at - self._since, rtt, probe)


def stretch_report(
    before: Session,
    after: Session,
    known: Iterable[Episode],
    stretch: Stretch,
    rows: Iterable[EventNumbers],
) -> StretchReport:
    """Return what was measured between these sessions, which are at both ends of the stretch.

    `known` are all episodes as the end of the session tells them: what began shortly before the
    stretch ended may have been told later. `rows` are the events in between, in their order.
    """
    since, until = stretch.since, stretch.until
    begin, end = before.checkpoint(), after.checkpoint()
    whole = after.snapshot(until)
    between = _Between(begin, since)
    between.fold(rows)
    old = {run.number: run for run in begin.runs}
    runs = [_run(old.get(run.number), run, between.jumps) for run in end.runs]
    runs = [run for run in runs if run.hops or run.number == end.run]
    session = Session.from_checkpoint(
        replace(end, runs=runs, foreign=end.foreign - begin.foreign, watch=None, ways=None)
    )
    paths = _paths(whole.paths, since, until)
    snapshot = session.snapshot(until)
    episodes = _episodes(whole.episodes, known, stretch)
    lasting = [one for one in episodes if one.until is None or one.until > until]
    return StretchReport(
        replace(
            snapshot,
            stretch=stretch,
            notice=snapshot.notice if _was_told(whole.timeline, since) else None,
            paths=paths,
            timeline=_timeline(between.timeline, whole, paths, since),
            findings=tuple(one.finding for one in lasting if one.finding.harm),
            episodes=episodes,
            ways=replace(
                whole.ways,
                watched=None,
                searches=tuple(search for search in whole.ways.searches if search.at > since),
            ),
        ),
        tuple(session.run(run.number) for run in sorted(runs, key=lambda run: run.number)),
    )


def _episodes(
    over: Iterable[Episode], known: Iterable[Episode], stretch: Stretch
) -> tuple[Episode, ...]:
    """Return the episodes that touch the stretch, in the order of their beginnings.

    `over`: those of its end. Of very many, the end of the session has forgotten the oldest.
    """
    found = {
        (one.finding.kind, one.finding.run, one.finding.since): one
        for episodes in ((one for one in over if one.until is not None), known)
        for one in episodes
        if one.finding.since <= stretch.until and (one.until is None or one.until > stretch.since)
    }
    return tuple(sorted(found.values(), key=lambda one: one.finding.since))


def _was_told(timeline: Timeline, since: int) -> bool:
    return any(one.what is MomentKind.NOTICE and one.at > since for one in timeline.moments)


def _paths(paths: tuple[Path, ...], since: int, until: int) -> tuple[Path, ...]:
    """Return the paths that were taken, each with its visits cut to the stretch."""
    found = []
    for path in paths:
        visits = tuple(
            replace(visit, since=max(visit.since, since), until=min(visit.until, until))
            for visit in path.visits
            if visit.since <= until and visit.until > since
        )
        if visits:
            found.append(replace(path, visits=visits))
    return tuple(found)


def _timeline(fold: TimelineFold, whole: Snapshot, paths: tuple[Path, ...], since: int) -> Timeline:
    visits = [(visit.since, path.letter) for path in paths for visit in path.visits]
    for at, letter in sorted(visits):
        fold.set_path(at - since, letter)
    fold.extend_to(whole.at - since)
    moments = tuple(one for one in whole.timeline.moments if since < one.at <= whole.at)
    return replace(fold.snapshot(), start=since, moments=moments)


def _run(
    before: RunCheckpoint | None, after: RunCheckpoint, jumps: dict[tuple[int, int], _Jumps]
) -> RunCheckpoint:
    old = {} if before is None else {hop.ttl: hop for hop in before.hops}
    hops = [
        _hop(
            old.get(hop.ttl) or HopFold(hop.ttl).checkpoint(),
            hop,
            jumps.get((after.number, hop.ttl)),
        )
        for hop in after.hops
    ]
    return replace(
        after,
        rounds=after.rounds - (before.rounds if before else 0),
        hops=[hop for hop in hops if _has_data(hop)],
        log=None,
        level=None,
        row_words={},
    )


def _has_data(hop: HopCheckpoint) -> bool:
    counted = hop.stats.count or hop.lost or hop.pending or hop.duplicates or hop.repeats
    return bool(counted or hop.summary)


def _hop(before: HopCheckpoint, after: HopCheckpoint, jumps: _Jumps | None) -> HopCheckpoint:
    lost = max(after.lost - before.lost, 0)
    refused = min(max(after.refused - before.refused, 0), lost)
    heard = before.stats.count + before.refused
    latest, known = (LatestProbes.from_checkpoint(hop.latest) for hop in (after, before))
    return replace(
        after,
        stats=_stats(before.stats, after.stats, jumps),
        marks={mark: seen - heard for mark, seen in after.marks.items() if seen > heard},
        latest=latest.without(known).checkpoint(),
        responders=_counts(before.responders, after.responders),
        refusers=_counts(before.refusers, after.refusers),
        lost=lost,
        late=after.late - before.late,
        duplicates=after.duplicates - before.duplicates,
        user_stamped=after.user_stamped - before.user_stamped,
        repeats=after.repeats - before.repeats,
        refused=refused,
        given_up=min(max(after.given_up - before.given_up, 0), lost - refused),
    )


def _counts(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Return the addresses that answered in the stretch, each with its answers there."""
    more = {
        at: (answers - before.get(at, (0, 0))[0], seen) for at, (answers, seen) in after.items()
    }
    return {at: (answers, seen) for at, (answers, seen) in more.items() if answers > 0}


def _stats(
    before: StatsCheckpoint, after: StatsCheckpoint, jumps: _Jumps | None
) -> StatsCheckpoint:
    count = after.count - before.count
    if count <= 0 or jumps is None:
        return RttStats().checkpoint()
    histogram = {
        bits: [
            now - then
            for now, then in zip(octave, before.histogram.get(bits, [0] * len(octave)), strict=True)
        ]
        for bits, octave in after.histogram.items()
    }
    total, squares = (
        int(now, 16) - int(then, 16)
        for now, then in ((after.total, before.total), (after.squares, before.squares))
    )
    return replace(
        after,
        count=count,
        last=jumps.last,
        min=jumps.min,
        max=jumps.max,
        total=f"{total:x}",
        squares=f"{squares:x}",
        delta_sum=f"{jumps.total:x}",
        last_delta=jumps.last_jump,
        max_delta=jumps.max_jump,
        smoothed=jumps.smoothed,
        log_sum=max(after.log_sum - before.log_sum, 0.0),
        histogram={bits: octave for bits, octave in histogram.items() if any(octave)},
    )
