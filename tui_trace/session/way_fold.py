"""Folds the events of the runs that look for ways, or watch them, beside the run in force."""

from collections import deque
from itertools import accumulate
from typing import NamedTuple

from tui_trace.core import events as ev
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.way_map import MAX_WAY_FLOWS, SILENT, WayMap
from tui_trace.session.annotations import marks_of, refuses
from tui_trace.session.checkpoint import (
    MAX_WAY_SEARCHES,
    WAY_OUTCOMES,
    CheckpointError,
    WayFlowCheckpoint,
    WaysCheckpoint,
    WaySearchCheckpoint,
    WayWatchCheckpoint,
    to_deltas,
)
from tui_trace.session.hop_fold import HopFold
from tui_trace.session.snapshot import WayRow, Ways, WayWatched
from tui_trace.session.ways import WayFlow, WaySearch, cover, path_of


class _Search:
    """One search for all ways."""

    def __init__(self, event: ev.WaysSought, settings: ProbeSettings, first_ttl: int) -> None:
        self.event = event
        self.settings = settings
        self.map = WayMap(first_ttl)
        self.ports: dict[int, int] = {}
        self.sent = 0
        self.end: ev.WaysEnd | None = None
        self.flow_of: dict[int, int] = {}
        """By probe in flight: its flow."""
        self._snapshot: WaySearch | None = None

    def touch(self) -> None:
        """Have the next snapshot be made anew."""
        self._snapshot = None

    def snapshot(self) -> WaySearch:
        """Return what has been found up to now."""
        if self._snapshot is None:
            self._snapshot = self._make_snapshot()
        return self._snapshot

    def _make_snapshot(self) -> WaySearch:
        ways, event = self.map, self.event
        first = ways.root.ttl + 1
        met = sorted({flow for hop in ways.hops.values() for flow in hop})
        flows = [WayFlow(flow, self.ports.get(flow, 0), path_of(ways, flow)) for flow in met]
        nodes, links = ways.nodes(), ways.links()
        return WaySearch(
            run=event.run,
            settings=self.settings,
            at=event.at,
            confidence=event.confidence,
            budget=event.budget,
            sent=self.sent,
            first_ttl=first,
            end=self.end,
            nodes=nodes,
            links=links,
            per_packet=tuple(sorted(ways.per_packet)),
            flows=tuple(flows),
            cover=cover(nodes, links, flows, first),
            flows_at={ttl: len(hop) for ttl, hop in sorted(ways.hops.items()) if hop},
        )


class _WatchedFlow:
    """One flow that is watched."""

    def __init__(self, source_port: int) -> None:
        self.source_port = source_port
        self.hops: dict[int, HopFold] = {}
        self.end: int | None = None
        """The TTL at which the target answered."""
        self.outcomes: deque[bool | None] = deque(maxlen=WAY_OUTCOMES)
        """Of the latest probes to the end of the path: answered or lost; None: in flight."""
        self.times: deque[int] = deque(maxlen=WAY_OUTCOMES)
        """When these probes left, in ns since the session began."""
        self.pending: dict[int, int] = {}
        """By probe in flight: its place among all outcomes."""
        self.count = 0
        """Probes sent to the end of the path."""
        self.lost = self.answered = 0

    def decide(self, probe: int, *, is_answered: bool) -> None:
        """Learn how a probe to the end of the path ended."""
        place = self.pending.pop(probe, None)
        if place is None:
            return
        if is_answered:
            self.answered += 1
        else:
            self.lost += 1
        index = place - (self.count - len(self.outcomes))
        if index >= 0:
            self.outcomes[index] = is_answered


class _Watch:
    """The flows that are watched."""

    def __init__(self, run: int, since: int, settings: ProbeSettings, last_ttl: int) -> None:
        self.run = run
        self.since = since
        self.settings = settings
        self.last_ttl = last_ttl
        self.is_over = False
        self.flows: dict[int, _WatchedFlow] = {}
        self.flow_of: dict[int, int] = {}

    def snapshot(self) -> WayWatched:
        rows = [
            WayRow(
                number,
                flow.source_port,
                tuple(hop.snapshot() for _, hop in sorted(flow.hops.items())),
                flow.lost,
                flow.answered + flow.lost,
            )
            for number, flow in self.flows.items()
        ]
        return WayWatched(self.run, self.settings, self.is_over, tuple(rows))


class WatchedWays(NamedTuple):
    """How the probes of watched flows ended, for findings."""

    run: int
    since: int
    """`at` of the beginning of the watch."""
    search: WaySearch | None
    """Which ways the flows take."""
    outcomes: dict[int, tuple[bool | None, ...]]
    """By flow: whether its latest probes to the end of the path were answered; None: in flight."""
    times: dict[int, tuple[int, ...]]
    """By flow: when these probes left."""


class WayFold:
    """What is known of ways. Events of other runs are ignored."""

    def __init__(self) -> None:
        """Begin without any way."""
        self._searches: list[_Search] = []
        self._watch: _Watch | None = None

    def on_opened(self, event: ev.RunOpened) -> None:
        """Begin to watch, unless a search is what follows."""
        last = self._searches[-1].map.last_ttl if self._searches else 0
        self._watch = _Watch(event.run, event.at, event.settings, last)

    def on_sought(self, event: ev.WaysSought, first_ttl: int) -> None:
        """Begin a search with the run that was opened last."""
        is_probability = 0 < event.confidence < 1
        if self._watch is None or self._watch.run != event.run or not is_probability:
            return
        search = _Search(event, self._watch.settings, first_ttl)
        self._watch = None
        self._searches = [*self._searches, search][-MAX_WAY_SEARCHES:]

    def on_ended(self, event: ev.WaysEnded) -> None:
        """End a search, or the watch."""
        if (search := self._search(event.run)) is not None:
            search.end = event.reason
            search.touch()
        elif self._watch is not None and self._watch.run == event.run:
            self._watch.is_over = True

    def on_flow(self, event: ev.FlowOpened) -> None:
        """Learn the port of a flow."""
        if not 0 <= event.flow < MAX_WAY_FLOWS:
            return
        if (search := self._search(event.run)) is not None:
            search.ports[event.flow] = event.source_port
        elif self._watch is not None and self._watch.run == event.run:
            self._watch.flows[event.flow] = _WatchedFlow(event.source_port)

    def on_sent(self, event: ev.ProbeSent) -> None:
        """Count a probe."""
        if (search := self._search(event.run)) is not None:
            search.sent += 1
            search.flow_of[event.probe] = event.flow
            search.touch()
        elif (watched := self._watched(event.run, event.flow)) is not None:
            watch, flow = watched
            watch.flow_of[event.probe] = event.flow
            hop = flow.hops.get(event.ttl)
            if hop is None:
                hop = flow.hops[event.ttl] = HopFold(event.ttl)
            hop.on_sent(event.probe, event.at)
            if event.ttl == (flow.end or watch.last_ttl):
                flow.pending[event.probe] = flow.count
                flow.count += 1
                flow.outcomes.append(None)
                flow.times.append(event.at)

    def on_reply(self, event: ev.Reply, family: int) -> None:
        """Learn who answered."""
        if event.duplicate or event.repeat:
            return
        if (search := self._search(event.run)) is not None:
            search.flow_of.pop(event.probe, None)
            is_end = event.reached or event.kind in ev.FINAL_KINDS
            if 0 <= event.flow < MAX_WAY_FLOWS:
                search.map.add(event.flow, event.ttl, event.address, is_end=is_end)
            search.touch()
        elif (watched := self._watched(event.run, event.flow)) is not None:
            watch, flow = watched
            watch.flow_of.pop(event.probe, None)
            hop = flow.hops.get(event.ttl)
            if hop is None:
                return
            marks = marks_of(event, watch.settings, family)
            if refuses(event):
                hop.on_refused(event, marks)
            else:
                hop.on_reply(event, marks)
            if event.kind is ev.ReplyKind.TIME_EXCEEDED and event.probe in flow.pending:
                # the path has become longer: this probe says nothing of loss
                del flow.pending[event.probe]
                flow.end = event.ttl + 1
                return
            flow.decide(event.probe, is_answered=event.reached)
            if event.reached and (flow.end is None or event.ttl < flow.end):
                flow.end = event.ttl
                flow.hops = {ttl: hop for ttl, hop in flow.hops.items() if ttl <= event.ttl}

    def on_lost(self, event: ev.ProbeLost) -> None:
        """Learn that nobody answered."""
        if (search := self._search(event.run)) is not None:
            flow_number = search.flow_of.pop(event.probe, None)
            if flow_number is not None and 0 <= flow_number < MAX_WAY_FLOWS:
                search.map.add(flow_number, event.ttl, SILENT)
            search.touch()
            return
        watch = self._watch
        if watch is None or watch.run != event.run:
            return
        flow = watch.flows.get(watch.flow_of.pop(event.probe, -1))
        if flow is not None and (hop := flow.hops.get(event.ttl)) is not None:
            hop.on_lost(event.probe, event.reason)
            flow.decide(event.probe, is_answered=False)

    def _search(self, run: int) -> _Search | None:
        return next((each for each in reversed(self._searches) if each.event.run == run), None)

    def _watched(self, run: int, flow: int) -> tuple[_Watch, _WatchedFlow] | None:
        watch = self._watch
        if watch is None or watch.run != run or flow not in watch.flows:
            return None
        return watch, watch.flows[flow]

    def snapshot(self) -> Ways:
        """Return what is known now."""
        watched = self._watch.snapshot() if self._watch is not None else None
        return Ways(tuple(search.snapshot() for search in self._searches), watched)

    def watched(self) -> WatchedWays | None:
        """Return how the probes of the watched flows ended; None if none are watched now."""
        watch = self._watch
        if watch is None or watch.is_over:
            return None
        search = self._searches[-1].snapshot() if self._searches else None
        outcomes = {number: tuple(flow.outcomes) for number, flow in watch.flows.items()}
        times = {number: tuple(flow.times) for number, flow in watch.flows.items()}
        return WatchedWays(watch.run, watch.since, search, outcomes, times)

    def checkpoint(self) -> WaysCheckpoint:
        """Return the whole state, for `from_checkpoint`."""
        watch = self._watch
        return WaysCheckpoint(
            searches=[
                WaySearchCheckpoint(
                    event=search.event,
                    settings=search.settings,
                    first_ttl=search.map.root.ttl + 1,
                    hops=search.map.hops,
                    ends=search.map.ends,
                    nodes={ttl: search.map.addresses(ttl) for ttl in search.map.hops},
                    per_packet=sorted(search.map.per_packet),
                    ports=search.ports,
                    sent=search.sent,
                    end=search.end,
                    flow_of=search.flow_of,
                )
                for search in self._searches
            ],
            watch=None
            if watch is None
            else WayWatchCheckpoint(
                run=watch.run,
                since=watch.since,
                settings=watch.settings,
                last_ttl=watch.last_ttl,
                is_over=watch.is_over,
                flow_of=watch.flow_of,
                flows={
                    number: WayFlowCheckpoint(
                        source_port=flow.source_port,
                        hops=[hop.checkpoint() for hop in flow.hops.values()],
                        end=flow.end,
                        outcomes=list(flow.outcomes),
                        times=to_deltas(list(flow.times)),
                        pending=flow.pending,
                        count=flow.count,
                        lost=flow.lost,
                        answered=flow.answered,
                    )
                    for number, flow in watch.flows.items()
                },
            ),
        )

    @classmethod
    def from_checkpoint(cls, state: WaysCheckpoint) -> "WayFold":
        """Restore it; `CheckpointError` if no fold can have been in this state."""
        fold = cls()
        for kept in state.searches:
            search = _Search(kept.event, kept.settings, kept.first_ttl)
            for ttl, hop in kept.hops.items():
                for flow, address in hop.items():
                    search.map.add(flow, ttl, address, is_end=kept.ends.get(flow) == ttl)
            for ttl, addresses in kept.nodes.items():
                for address in addresses:
                    search.map.meet(ttl, address)
            search.map.per_packet = set(kept.per_packet)
            search.ports, search.sent, search.end = dict(kept.ports), kept.sent, kept.end
            search.flow_of = dict(kept.flow_of)
            fold._searches.append(search)
        if state.watch is not None:
            watch = fold._watch = _Watch(
                state.watch.run, state.watch.since, state.watch.settings, state.watch.last_ttl
            )
            watch.is_over = state.watch.is_over
            watch.flow_of = dict(state.watch.flow_of)
            for number, one in state.watch.flows.items():
                watched = watch.flows[number] = _WatchedFlow(one.source_port)
                watched.hops = {hop.ttl: HopFold.from_checkpoint(hop) for hop in one.hops}
                watched.end, watched.count = one.end, one.count
                if len(one.outcomes) != len(one.times):
                    raise CheckpointError("a time for each outcome")
                watched.outcomes.extend(one.outcomes)
                watched.times.extend(accumulate(one.times))
                watched.pending = dict(one.pending)
                watched.lost, watched.answered = one.lost, one.answered
        return fold
