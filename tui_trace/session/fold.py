"""The session as a fold over its events. Pure: the only clock is the `at` of the events."""

from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.durations import describe_clock_step
from tui_trace.core.probe_text import describe_settings, describe_turns
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.annotations import marks_of, refuses
from tui_trace.session.checkpoint import MAX_CLOCK_STEPS, MAX_PARTNERS, SessionCheckpoint
from tui_trace.session.evidence import Findable
from tui_trace.session.finding import ROW_KINDS, Episode, Finding
from tui_trace.session.finding_watch import FindingWatch
from tui_trace.session.host_labels import NO_LABELS
from tui_trace.session.path_mtu_text import describe_path_mtu
from tui_trace.session.paths import PathLog
from tui_trace.session.round_log import RunLog
from tui_trace.session.rtt_level import RttLevel
from tui_trace.session.run_fold import RunFold
from tui_trace.session.snapshot import (
    UNKNOWN_HOST,
    AddressInfo,
    MomentKind,
    PathMtu,
    Run,
    Snapshot,
)
from tui_trace.session.timeline import TimelineFold
from tui_trace.session.way_fold import WayFold

CALM = 5 * NS_PER_S
"""Nanoseconds without another failure after which sending counts as working again. Longer than the
three seconds for which the kernel looks for a neighbour before it returns the probe."""


class Session:
    """Folds the events of one session, and gives snapshots of it."""

    def __init__(self) -> None:
        """Begin an empty session; `snapshot` works before the first event, too."""
        self._at = 0
        self._began = ev.SessionBegan(
            at=0, wall=0, target="", address="", family=4, source="", version=""
        )
        self._pace = Pace()
        self._run = RunFold(0, ProbeSettings(), 0, self._pace)
        self._chosen = self._run
        """The run in force, or that goes on after the temporary ones."""
        self._runs: dict[int, RunFold] = {}
        self._source = ""
        self._trouble: str | None = None
        self._trouble_since = 0
        self._last_failure = 0
        self._notice: str | None = None
        self._source_notice: str | None = None
        self._foreign = 0
        self._hosts: dict[str, AddressInfo] = {}
        self._hosts_are_shared = False
        self._ended = False
        self._clock: deque[tuple[int, int]] = deque(maxlen=MAX_CLOCK_STEPS)
        self._mtus: dict[int, str] = {}
        self._paths = PathLog()
        self._timeline = TimelineFold()
        self._watch = FindingWatch()
        self._ways = WayFold()
        self._path_mtu: PathMtu | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.SessionBegan: self._session_began,
            ev.PaceSet: self._pace_set,
            ev.RunOpened: self._run_opened,
            ev.FlowOpened: self._way_event,
            ev.WaysSought: self._way_event,
            ev.WaysEnded: self._way_event,
            ev.RoundBegan: self._round_began,
            ev.ProbeSent: self._probe_sent,
            ev.Reply: self._reply,
            ev.ProbeLost: self._probe_lost,
            ev.HopSummary: self._hop_summary,
            ev.ProbeVoid: self._probe_void,
            ev.SendFailed: self._send_failed,
            ev.PathEnd: self._path_end,
            ev.Foreign: self._foreign_seen,
            ev.SourceChanged: self._source_changed,
            ev.MtuFound: self._mtu_found,
            ev.PathMtuFound: self._path_mtu_found,
            ev.EgressFound: self._egress_found,
            ev.ClockStepped: self._clock_stepped,
            ev.Notice: self._notice_given,
            ev.Note: self._note,
            ev.HostNamed: self._named,
            ev.AsnFound: self._origin,
            ev.OwnerFound: self._owned,
            ev.Located: self._located,
            ev.RegistryRecord: self._registered,
            ev.SessionEnded: self._session_ended,
        }

    def checkpoint(self) -> SessionCheckpoint:
        """Return the whole state, for `from_checkpoint`.

        It shares data with the session: encode it before the next event.
        """
        return SessionCheckpoint(
            at=self._at,
            began=self._began,
            pace=self._pace,
            run=self._run.number,
            chosen=self._chosen.number,
            runs=[run.checkpoint() for run in self._runs.values()],
            source=self._source,
            trouble=self._trouble,
            trouble_since=self._trouble_since,
            last_failure=self._last_failure,
            notice=self._notice,
            source_notice=self._source_notice,
            foreign=self._foreign,
            hosts=self._hosts,
            ended=self._ended,
            paths=self._paths.checkpoint(),
            timeline=self._timeline.checkpoint(),
            mtus=self._mtus,
            watch=self._watch.checkpoint(),
            ways=self._ways.checkpoint(),
            clock=list(self._clock),
            path_mtu=self._path_mtu,
        )

    @classmethod
    def from_checkpoint(cls, state: SessionCheckpoint) -> "Session":
        """Restore a session; `CheckpointError` if no session can have been in this state."""
        session = cls()
        session._at = state.at
        session._began = state.began
        session._pace = session._run.pace = state.pace
        session._runs = {run.number: RunFold.from_checkpoint(run) for run in state.runs}
        session._run = session._runs.get(state.run, session._run)
        session._chosen = session._runs.get(state.chosen, session._run)
        session._source = state.source
        session._trouble = state.trouble
        session._trouble_since = state.trouble_since
        session._last_failure = state.last_failure
        session._notice = state.notice
        session._source_notice = state.source_notice
        session._foreign = state.foreign
        session._hosts = dict(state.hosts)
        session._ended = state.ended
        session._clock.extend(state.clock)
        session._mtus = dict(state.mtus)
        session._path_mtu = state.path_mtu
        session._paths = PathLog.from_checkpoint(state.paths)
        session._timeline = TimelineFold.from_checkpoint(state.timeline)
        if state.watch is not None:
            session._watch = FindingWatch.from_checkpoint(state.watch)
        if state.ways is not None:
            session._ways = WayFold.from_checkpoint(state.ways)
        return session

    def apply(self, event: ev.Event) -> None:
        """Apply the next event. An event of a run that was never opened is ignored."""
        self._at = event.at
        self._handlers[type(event)](event)

    def snapshot(self, at: int | None = None) -> Snapshot:
        """Return the session as it is at its last event, or at `at` (ns) if that is later."""
        began = self._began
        self._hosts_are_shared = True
        return Snapshot(
            at=self._at if at is None else max(at, self._at),
            wall=began.wall - began.at if began.wall else 0,
            target=began.target,
            address=began.address,
            family=began.family,
            source=self._source,
            version=began.version,
            lab=began.lab,
            vantage=began.vantage,
            clock=tuple(self._clock),
            pace=self._pace,
            run=self._run.snapshot(self._mtus),
            earlier=tuple(number for number in sorted(self._runs) if number != self._run.number),
            trouble=self._trouble,
            notice=" · ".join(filter(None, (self._notice, self._source_notice))) or None,
            foreign=self._foreign,
            ended=self._ended,
            path=self._paths.current(self._run.number),
            paths=self._paths.paths(),
            timeline=self._timeline.snapshot(self._watch.episodes.moments()),
            findings=self._watch.episodes.findings(),
            episodes=self._watch.episodes.episodes(),
            ways=self._ways.snapshot(),
            path_mtu=self._path_mtu,
            who=self._hosts,
        )

    def run(self, number: int) -> Run:
        """Return the run with this number as it is now, with the outcomes of its probes.

        `KeyError` if there is none.
        """
        run = self._runs[number]
        return replace(run.snapshot(self._mtus), outcomes=run.log.snapshot())

    @property
    def looks(self) -> int:
        """Return how often the session was looked at for findings."""
        return self._watch.looks

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found at the last look, the worst first."""
        return self._watch.episodes.findings()

    def news(self) -> tuple[Episode, ...]:
        """Return the episodes that began or ended at the last look."""
        return tuple(self._watch.episodes.news)

    def level(self, number: int) -> RttLevel:
        """Return the level of the RTT of the run with this number; `KeyError` if there is none."""
        return self._runs[number].level

    def run_log(self, number: int) -> RunLog:
        """Return the log of the run with this number, which grows; `KeyError` if there is none."""
        return self._runs[number].log

    def _look(self, *, thorough: bool = False) -> None:
        run = self._chosen
        turns = (self._runs.get(number) for number in run.turns_with)
        active = (*filter(None, turns), run)
        self._watch.look(
            Findable(
                at=self._at,
                address=self._began.address,
                family=self._began.family,
                pace=self._pace,
                run=run,
                runs=self._runs,
                active=active,
                path=self._paths.current(run.number),
                paths=self._paths.paths,
                trouble=self._trouble or "",
                trouble_since=self._trouble_since,
                lasting=self._watch.episodes.lasting,
                ways=self._ways.watched(),
                ended=self._watch.episodes.ended,
            ),
            thorough=thorough,
        )
        for each in active:
            words: dict[int, tuple[str, ...]] = {}
            for finding in self.findings():
                is_here = finding.run == each.number and finding.kind in ROW_KINDS
                if is_here and finding.hop is not None:
                    words[finding.hop] = (*words.get(finding.hop, ()), finding.short)
            each.row_words = words

    def _session_began(self, event: ev.SessionBegan) -> None:
        self._began = event
        self._source = event.source

    def _pace_set(self, event: ev.PaceSet) -> None:
        self._pace = self._run.pace = event.pace

    def _run_opened(self, event: ev.RunOpened) -> None:
        if event.seeks_mtu:
            self._path_mtu = PathMtu(event.run, event.settings, event.at)
            return
        if event.beside:
            self._ways.on_opened(event)
            return
        run = self._runs.get(event.run)
        if run is None:
            run = RunFold(event.run, event.settings, event.at, self._pace)
            run.turns_with = event.partners[:MAX_PARTNERS]
            run.temporary = event.temporary
            self._runs[event.run] = run
        run.pace = self._pace
        self._run = run
        # of turns that the program takes by itself the first is told: they are one thing
        if not run.temporary or self._runs.keys().isdisjoint(run.turns_with):
            turns = f", {describe_turns(run.turns_with)}" if run.turns_with else ""
            text = f"run {run.number}: {describe_settings(run.settings)}{turns}"
            self._timeline.add_moment(event.at, MomentKind.RUN, text)
        if run.temporary:
            return
        self._chosen = run
        if path := self._paths.current(run.number):
            self._timeline.set_path(event.at, path.letter)

    def _way_event(self, event: ev.FlowOpened | ev.WaysSought | ev.WaysEnded) -> None:
        match event:
            case ev.FlowOpened():
                self._ways.on_flow(event)
            case ev.WaysSought():
                self._ways.on_sought(event, self._pace.first_ttl)
            case ev.WaysEnded():
                self._ways.on_ended(event)

    def _round_began(self, event: ev.RoundBegan) -> None:
        if run := self._runs.get(event.run):
            run.rounds = event.round
            run.log.on_round(event.round)
        self._timeline.extend_to(event.at)
        if self._watch.is_due(event.at):
            self._look()

    def _probe_sent(self, event: ev.ProbeSent) -> None:
        if self._trouble is not None and event.at - self._last_failure >= CALM:
            self._trouble = None
        if run := self._runs.get(event.run):
            run.hop(event.ttl).on_sent(event.probe, event.at, event.source_port)
            run.log.on_sent(event.probe, event.ttl, event.flow, event.at)
        elif self._path_mtu is not None and event.run == self._path_mtu.run:
            self._path_mtu = self._path_mtu.with_probe(event)
        else:
            self._ways.on_sent(event)

    def _reply(self, event: ev.Reply) -> None:
        # a reply to a probe that left before the failure does not show that the failure is over
        if self._trouble is not None and event.at - event.rtt > self._last_failure:
            self._trouble = None
        run = self._runs.get(event.run)
        if run is None:
            self._ways.on_reply(event, self._began.family)
            return
        if event.reached:
            run.reached = True
        hop = run.hop(event.ttl)
        is_refusal = refuses(event)
        if event.repeat:
            hop.on_repeat(event.probe)
        elif event.past_target:
            # the target answered a TTL past its own: the probe counts for no hop
            hop.on_void(event.probe, was_lost=event.late)
            run.log.on_past_target(event)
        elif event.duplicate and (is_refusal or not hop.is_lost(event.probe)):
            hop.on_duplicate(event.probe)
        elif is_refusal:
            marks = marks_of(event, run.settings, self._began.family)
            at_end = event.ttl == run.end
            run.log.on_lost(event.probe, event.ttl, at_end=at_end, is_refused=True)
            if hop.on_refused(event, marks) and at_end:
                self._timeline.on_lost(event.at, event.probe)
                self._look_at_target(run)
            self._update_path(event, run)
        else:
            # the first answer, be it to a probe that was refused before
            hop.on_reply(event, marks_of(event, run.settings, self._began.family))
            slot = run.log.on_answer(event)
            if event.reached and slot is not None and not event.late:
                run.level.add(slot, max(event.rtt, 0))
            self._update_path(event, run)
            if event.reached:
                self._look_at_target(run)
                self._timeline.on_reply(event.at, max(event.rtt, 0), event.probe)

    def _update_path(self, event: ev.Reply, run: RunFold) -> None:
        # an ICMP unreachable may come from a router other than the one at this TTL
        by_target = event.reached or event.address == self._began.address
        if by_target or event.kind is ev.ReplyKind.TIME_EXCEEDED:
            moved = self._paths.on_reply(event, run.settings, self._began.address)
            if moved is not None and run is self._chosen:
                self._timeline.set_path(moved.since, moved.letter)

    def _probe_lost(self, event: ev.ProbeLost) -> None:
        if run := self._runs.get(event.run):
            counted = run.hop(event.ttl).on_lost(event.probe, event.reason)
            at_end = event.ttl == run.end
            run.log.on_lost(event.probe, event.ttl, at_end=at_end, is_refused=bool(event.reason))
            if counted and at_end:
                self._timeline.on_lost(event.at, event.probe)
                self._look_at_target(run)
        else:
            self._ways.on_lost(event)

    def _hop_summary(self, event: ev.HopSummary) -> None:
        # neither the log nor the paths learn of it: without order and time nothing can be found
        if run := self._runs.get(event.run):
            run.hop(event.ttl).on_summary(event)

    def _look_at_target(self, run: RunFold) -> None:
        """Look at once if the target falls silent, or answers again."""
        if not run.temporary and self._watch.is_turn(run):
            self._look()

    def _probe_void(self, event: ev.ProbeVoid) -> None:
        if run := self._runs.get(event.run):
            run.hop(event.ttl).on_void(event.probe)
            run.log.on_void(event.probe, event.ttl)

    def _send_failed(self, event: ev.SendFailed) -> None:
        if event.reason != self._trouble:
            self._timeline.add_moment(event.at, MomentKind.TROUBLE, event.reason)
        if self._trouble is None:
            self._trouble_since = event.at
        self._trouble = event.reason
        self._last_failure = event.at
        # without a route no round begins
        if self._watch.is_due(event.at):
            self._look()

    def _path_end(self, event: ev.PathEnd) -> None:
        if run := self._runs.get(event.run):
            run.end = event.ttl
            run.reached = event.reached

    def _mtu_found(self, event: ev.MtuFound) -> None:
        # the probes of the active run are too large to pass; the next run shows the mark
        if event.ttl:
            self._mtus[event.ttl] = f"MTU {event.mtu}"

    def _path_mtu_found(self, event: ev.PathMtuFound) -> None:
        search = self._path_mtu
        if search is None or event.run != search.run:
            return
        self._path_mtu = replace(search, until=event.at, found=event)
        if event.reason is not ev.MtuSearchEnd.STOPPED:
            text = describe_path_mtu(self._path_mtu, NO_LABELS)
            self._timeline.add_moment(event.at, MomentKind.MTU, text)
        if event.reason is ev.MtuSearchEnd.COMPLETE:
            # what was marked before is not so any more
            is_limited = event.limit not in (None, ev.MtuSource.INTERFACE)
            self._mtus = {event.far_ttl: f"MTU {event.mtu}"} if is_limited else {}

    def _foreign_seen(self, event: ev.Foreign) -> None:
        self._foreign += event.count

    def _source_changed(self, event: ev.SourceChanged) -> None:
        self._source = event.source
        self._source_notice = f"probes now leave from {event.source}"
        self._timeline.add_moment(event.at, MomentKind.NOTICE, self._source_notice)

    def _egress_found(self, event: ev.EgressFound) -> None:
        if run := self._runs.get(event.run):
            run.egress = event

    def _clock_stepped(self, event: ev.ClockStepped) -> None:
        if event.step or event.asleep or not event.stopped:
            self._clock.append((event.at, event.wall))
        self._timeline.add_moment(event.at, MomentKind.NOTICE, describe_clock_step(event))

    def _notice_given(self, event: ev.Notice) -> None:
        self._notice = event.text
        self._timeline.add_moment(event.at, MomentKind.NOTICE, event.text)

    def _note(self, event: ev.Note) -> None:
        self._timeline.add_moment(event.moment, MomentKind.NOTE, event.text)

    def _named(self, event: ev.HostNamed) -> None:
        self._update_host(event.address, named=event)

    def _origin(self, event: ev.AsnFound) -> None:
        self._update_host(event.address, origin=event)

    def _owned(self, event: ev.OwnerFound) -> None:
        self._update_host(event.address, owned=event)

    def _located(self, event: ev.Located) -> None:
        self._update_host(event.address, located=event)

    def _registered(self, event: ev.RegistryRecord) -> None:
        self._update_host(event.address, registered=event)

    def _update_host(self, address: str, **known: Any) -> None:
        if self._hosts_are_shared:
            # snapshots hold the old dict
            self._hosts = dict(self._hosts)
            self._hosts_are_shared = False
        self._hosts[address] = replace(self._hosts.get(address, UNKNOWN_HOST), **known)

    def _session_ended(self, _: ev.SessionEnded) -> None:
        self._ended = True
        self._look(thorough=True)
