"""The session as a fold over its events. Pure: time is what the events say it is."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tui_trace.core import events as ev
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.session.annotations import marks_of
from tui_trace.session.checkpoint import SessionCheckpoint
from tui_trace.session.paths import PathLog
from tui_trace.session.run_fold import RunFold
from tui_trace.session.snapshot import UNKNOWN_HOST, AddressInfo, MomentKind, Run, Snapshot
from tui_trace.session.timeline import TimelineFold

CALM = 5 * NS_PER_S
"""Nanoseconds without another failure after which a send is taken to have gone well. Longer than
the three seconds that the kernel tries to find a neighbour before it gives the probe back."""


class Session:
    """All runs of one session, event by event."""

    def __init__(self) -> None:
        """Nothing happened yet; a snapshot can be taken all the same."""
        self._at = 0
        self._began = ev.SessionBegan(
            at=0, wall=0, target="", address="", family=4, source="", version=""
        )
        self._pace = Pace()
        self._run = RunFold(0, ProbeSettings(), 0, self._pace)
        self._runs: dict[int, RunFold] = {}
        self._source = ""
        self._trouble: str | None = None
        self._failed = 0
        self._notice: str | None = None
        self._moved: str | None = None
        self._foreign = 0
        self._who: dict[str, AddressInfo] = {}
        self._who_is_shown = False
        self._ended = False
        self._mtus: dict[int, str] = {}
        self._paths = PathLog()
        self._timeline = TimelineFold()
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.SessionBegan: self._session_began,
            ev.PaceSet: self._pace_set,
            ev.RunOpened: self._run_opened,
            ev.RoundBegan: self._round_began,
            ev.ProbeSent: self._probe_sent,
            ev.Reply: self._reply,
            ev.ProbeLost: self._probe_lost,
            ev.ProbeVoid: self._probe_void,
            ev.SendFailed: self._send_failed,
            ev.PathEnd: self._path_end,
            ev.Foreign: self._foreign_seen,
            ev.SourceChanged: self._source_changed,
            ev.MtuFound: self._mtu_found,
            ev.Notice: self._notice_given,
            ev.Note: self._note,
            ev.HostNamed: self._named,
            ev.AsnFound: self._origin,
            ev.OwnerFound: self._owned,
            ev.RegistryRecord: self._registered,
            ev.SessionEnded: self._session_ended,
        }

    def state(self) -> SessionCheckpoint:
        """All of it, to be restored; to be written down before the next event comes."""
        return SessionCheckpoint(
            at=self._at,
            began=self._began,
            pace=self._pace,
            run=self._run.number,
            runs=[run.state() for run in self._runs.values()],
            source=self._source,
            trouble=self._trouble,
            failed=self._failed,
            notice=self._notice,
            moved=self._moved,
            foreign=self._foreign,
            who=self._who,
            ended=self._ended,
            paths=self._paths.state(),
            timeline=self._timeline.state(),
            mtus=self._mtus,
        )

    @classmethod
    def of(cls, state: SessionCheckpoint) -> "Session":
        """A session that goes on from there; `StateError` if none was ever so."""
        session = cls()
        session._at = state.at
        session._began = state.began
        session._pace = session._run.pace = state.pace
        session._runs = {run.number: RunFold.of(run) for run in state.runs}
        session._run = session._runs.get(state.run, session._run)
        session._source = state.source
        session._trouble = state.trouble
        session._failed = state.failed
        session._notice = state.notice
        session._moved = state.moved
        session._foreign = state.foreign
        session._who = dict(state.who)
        session._ended = state.ended
        session._mtus = dict(state.mtus)
        session._paths = PathLog.of(state.paths)
        session._timeline = TimelineFold.of(state.timeline)
        return session

    def apply(self, event: ev.Event) -> None:
        """Take the next event. What speaks of a run that was never opened is passed over."""
        self._at = event.at
        self._handlers[type(event)](event)

    def snapshot(self, at: int | None = None) -> Snapshot:
        """The session now: at its last event, or at `at` if that is later."""
        began = self._began
        self._who_is_shown = True
        return Snapshot(
            at=self._at if at is None else max(at, self._at),
            wall=began.wall,
            target=began.target,
            address=began.address,
            family=began.family,
            source=self._source,
            version=began.version,
            lab=began.lab,
            pace=self._pace,
            run=self._run.run(self._mtus),
            earlier=tuple(number for number in sorted(self._runs) if number != self._run.number),
            trouble=self._trouble,
            notice=" · ".join(filter(None, (self._notice, self._moved))) or None,
            foreign=self._foreign,
            ended=self._ended,
            path=self._paths.now(self._run.number),
            paths=self._paths.paths(),
            timeline=self._timeline.timeline(),
            who=self._who,
        )

    def run(self, number: int) -> Run:
        """Any run of this session as it is now; `KeyError` if there is none of this number."""
        return self._runs[number].run(self._mtus)

    def _session_began(self, event: ev.SessionBegan) -> None:
        self._began = event
        self._source = event.source

    def _pace_set(self, event: ev.PaceSet) -> None:
        self._pace = self._run.pace = event.pace

    def _run_opened(self, event: ev.RunOpened) -> None:
        run = self._runs.get(event.run)
        if run is None:
            run = RunFold(event.run, event.settings, event.at, self._pace)
            run.turns_with = event.turns_with
            self._runs[event.run] = run
        run.pace = self._pace
        self._run = run
        turns = f", in turns with run {run.turns_with}" if run.turns_with else ""
        text = f"run {run.number}: {run.settings.words()}{turns}"
        self._timeline.moment(event.at, MomentKind.RUN, text)
        if path := self._paths.now(run.number):
            self._timeline.on_path(event.at, path.letter)

    def _round_began(self, event: ev.RoundBegan) -> None:
        if run := self._runs.get(event.run):
            run.rounds = event.round
        self._timeline.reach(event.at)

    def _probe_sent(self, event: ev.ProbeSent) -> None:
        if self._trouble is not None and event.at - self._failed >= CALM:
            self._trouble = None
        if run := self._runs.get(event.run):
            run.hop(event.ttl).sent(event.probe)

    def _reply(self, event: ev.Reply) -> None:
        # an answer to what was sent before the failure does not tell that it is over
        if self._trouble is not None and event.at - event.rtt > self._failed:
            self._trouble = None
        run = self._runs.get(event.run)
        if run is None:
            return
        if event.reached:
            run.reached = True
        hop = run.hop(event.ttl)
        if event.beyond:
            # the target, to a TTL past its own: no hop's answer, and so no hop's probe
            hop.void(event.probe, was_lost=event.late)
        elif event.duplicate:
            hop.duplicate()
        else:
            hop.answer(event, marks_of(event, run.settings, self._began.family))
            self._tell_path(event, run)
            if event.reached:
                rtt = max(event.rtt, 0)
                self._timeline.answered(event.at, rtt, event.probe, late=event.late)

    def _tell_path(self, event: ev.Reply, run: RunFold) -> None:
        # who refuses a probe may do so for a TTL that is not its own
        by_target = event.reached or event.address == self._began.address
        if by_target or event.kind is ev.ReplyKind.TIME_EXCEEDED:
            moved = self._paths.answered(event, run.settings, self._began.address)
            if moved is not None and run is self._run:
                self._timeline.on_path(moved.since, moved.letter)

    def _probe_lost(self, event: ev.ProbeLost) -> None:
        if run := self._runs.get(event.run):
            run.hop(event.ttl).lost(event.probe)
            if event.ttl == run.end:
                self._timeline.lost(event.at, event.probe)

    def _probe_void(self, event: ev.ProbeVoid) -> None:
        if run := self._runs.get(event.run):
            run.hop(event.ttl).void(event.probe)

    def _send_failed(self, event: ev.SendFailed) -> None:
        if event.reason != self._trouble:
            self._timeline.moment(event.at, MomentKind.TROUBLE, event.reason)
        self._trouble = event.reason
        self._failed = event.at

    def _path_end(self, event: ev.PathEnd) -> None:
        if run := self._runs.get(event.run):
            run.end = event.ttl
            run.reached = event.reached

    def _mtu_found(self, event: ev.MtuFound) -> None:
        # the run in force was too large to pass; the one that follows is the one to be read
        if event.ttl:
            self._mtus[event.ttl] = f"MTU {event.mtu}"

    def _foreign_seen(self, event: ev.Foreign) -> None:
        self._foreign += event.count

    def _source_changed(self, event: ev.SourceChanged) -> None:
        self._source = event.source
        self._moved = f"probes now leave from {event.source}"
        self._timeline.moment(event.at, MomentKind.NOTICE, self._moved)

    def _notice_given(self, event: ev.Notice) -> None:
        self._notice = event.text
        self._timeline.moment(event.at, MomentKind.NOTICE, event.text)

    def _note(self, event: ev.Note) -> None:
        self._timeline.moment(event.moment, MomentKind.NOTE, event.text)

    def _named(self, event: ev.HostNamed) -> None:
        self._learn(event.address, named=event)

    def _origin(self, event: ev.AsnFound) -> None:
        self._learn(event.address, origin=event)

    def _owned(self, event: ev.OwnerFound) -> None:
        self._learn(event.address, owned=event)

    def _registered(self, event: ev.RegistryRecord) -> None:
        self._learn(event.address, registered=event)

    def _learn(self, address: str, **known: Any) -> None:
        if self._who_is_shown:
            # snapshots hold the old dict
            self._who = dict(self._who)
            self._who_is_shown = False
        self._who[address] = replace(self._who.get(address, UNKNOWN_HOST), **known)

    def _session_ended(self, _: ev.SessionEnded) -> None:
        self._ended = True
