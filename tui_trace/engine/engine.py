"""The live source: sends the probes of the run in force and tells what comes back.

One loop in one thread: take commands, send what is due, read what came, tell what is lost. It
sleeps in `Network.receive` until the next of these can happen.
"""

import queue
import random
from collections.abc import Callable
from functools import partial

from tui_trace.core import events
from tui_trace.core.events import ReplyKind
from tui_trace.core.settings import NS_PER_MS, Pace, ProbeSettings
from tui_trace.core.stream import (
    AlternateSettings,
    Command,
    Inject,
    ProbeTemporarily,
    QueryRegistry,
    Reset,
    SetAsnLookup,
    SetPace,
    Sink,
    SourceError,
    Switch,
)
from tui_trace.engine.clock_step import ClockStepDetector
from tui_trace.engine.event_emitter import FINAL_KINDS, EventEmitter, reply_of
from tui_trace.engine.flows import Flows, PortBook
from tui_trace.engine.keyless_replies import KeylessReplyBuffer
from tui_trace.engine.late_replies import LateReplies
from tui_trace.engine.matching import match, outgoing
from tui_trace.engine.probe_ids import Numbers, ProbeIdGenerator
from tui_trace.engine.probe_registry import Probe, ProbeRegistry, State
from tui_trace.engine.round_schedule import ScheduledProbe
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.engine.source_address import SourceAddressWatch
from tui_trace.wire.network import NOTHING_QUOTED, Network, ReceivedReply, SendError, SendStamp

PULSE = 100 * NS_PER_MS
EXPIRY_LOOK = 20 * NS_PER_MS
RETRY = 10 * NS_PER_MS
"""Until a probe is looked at again that no source port was free for."""
BURST = 64
"""Probes sent before what came back is read again."""


class Engine:
    """A session of live probing, as a `source.Source`."""

    def __init__(
        self,
        network: Network,
        *,
        target: str,
        settings: ProbeSettings,
        pace: Pace,
        version: str,
        lab: str = "",
        rng: random.Random | None = None,
    ) -> None:
        """`target` is what the user called it; its address is the network's. See `SessionBegan`."""
        self._network = network
        self._target = target
        self._first_settings = settings
        self._pace = pace
        self._version = version
        self._lab = lab
        self._rng = rng or random.SystemRandom()
        self._identity = ProbeIdGenerator(self._rng)
        self._ledger: ProbeRegistry[EngineRun] = ProbeRegistry()
        self._clock = ClockStepDetector(network.monotonic, network.wall)
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopping = False
        self._started = network.monotonic()
        self._book = PortBook(network)
        self._way_out = SourceAddressWatch(network)
        self._rounds = 0
        self._numbers = Numbers(self._identity)
        self._next_expiry = 0
        self._unclaimed = KeylessReplyBuffer()
        self._last: RunProbe | None = None
        self._late = LateReplies()

    # --- what other threads call

    def command(self, command: Command) -> None:
        """Ask for a change; thread-safe."""
        self._commands.put(command)
        self._network.wake()

    def stop(self) -> None:
        """End soon; safe in a signal handler."""
        self._stopping = True
        self._network.wake()

    # --- the loop

    def run(self, sink: Sink) -> None:
        """Probe until stopped, or until the rounds asked for are done."""
        self._sink = sink
        network = self._network
        self._tell = EventEmitter(sink, network, self._started)
        self._runs = RunScheduler(self._flows, self._tell.run)
        network.open()
        try:
            try:
                self._way_out.first(self._first_settings)
                self._begin()
            except SendError as error:
                raise SourceError(error.reason) from error
            while not self._stopping and not self._is_done():
                self._take_commands()
                self._send_due()
                self._receive()
                now = network.monotonic()
                if now >= self._next_expiry:
                    self._tell_lost(now)
                    self._ledger.forget_old(now)
                    self._next_expiry = now + EXPIRY_LOOK
                sink.pulse(now - self._started)
            self._tell.ended()
            sink.pulse(self._tell.at())
        finally:
            network.close()

    def _begin(self) -> None:
        self._tell.began(self._target, self._way_out.source, self._version, self._lab)
        self._tell.pace(self._pace)
        self._runs.switch(self._first_settings)

    def _is_done(self) -> bool:
        return (
            self._is_last_round
            and self._run.plan.is_round_over
            and not any(run.has_pending for run in self._runs.all)
            and not self._late.may_come(self._network.monotonic())
        )

    @property
    def _is_last_round(self) -> bool:
        return self._pace.rounds is not None and self._rounds >= self._pace.rounds

    def _may_send_from(self) -> int | None:
        """When (monotonic ns) a probe may leave; None: not before something changes."""
        pace = self._pace
        if pace.paused or (self._is_last_round and self._run.plan.is_round_over):
            return None
        if not pace.sequential or not self._run.has_pending:
            return 0
        if pace.hurry is None:
            return None
        last = self._last
        if last is None or last.state is not State.PENDING:
            return 0
        return last.monotonic + pace.hurry

    # --- commands

    def _take_commands(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            match command:
                case Switch(settings):
                    if settings != self._run.settings or self._runs.takes_turns:
                        self._turn(partial(self._runs.switch, settings))
                case AlternateSettings(first, second):
                    self._turn(partial(self._runs.alternate, first, second))
                case ProbeTemporarily(settings, rounds):
                    self._turn(partial(self._runs.visit, settings, rounds))
                case SetPace(pace):
                    self._pace = pace
                    self._tell.pace(pace)
                    self._tell_end(self._run)
                case Reset():
                    self._turn(self._runs.reset)
                case Inject(event):
                    self._tell.outside(event)
                case QueryRegistry():
                    # whoever asks about addresses stands between us and the user, if anybody does
                    self._tell.notice("nothing is asked about addresses: -n was given")
                case SetAsnLookup():
                    pass

    def _turn(self, turn: Callable[[], None]) -> None:
        run = self._run
        run.plan.drop()
        try:
            turn()
        except SendError as error:
            self._fail(run, self._pace.first_ttl, error)

    def _flows(self, settings: ProbeSettings) -> Flows:
        return Flows(settings, self._book, self._identity.icmp_checksum)

    @property
    def _run(self) -> EngineRun:
        return self._runs.now

    # --- sending

    def _send_due(self) -> None:
        for _ in range(BURST):
            run = self._run
            now = self._network.monotonic()
            may_from = self._may_send_from()
            if may_from is None or may_from > now:
                return
            slot = run.plan.take(now, run.last_ttl(self._pace))
            if slot is None:
                if not run.plan.is_round_over or not self._begin_round(run, now):
                    return
            else:
                self._send(run, slot, now)

    def _begin_round(self, run: EngineRun, now: int) -> bool:
        if run.plan.next_due(self._pace) > now:
            return False
        run = self._runs.next_turn()
        run.plan.begin(now, self._pace, run.last_ttl(self._pace))
        self._rounds += 1
        self._tell.round(run)
        return self._can_leave(run, now)

    def _can_leave(self, run: EngineRun, now: int) -> bool:
        try:
            if self._way_out.moved(run, now):
                self._tell.source(self._way_out.source)
        except SendError as error:
            run.plan.drop()
            self._fail(run, self._pace.first_ttl, error)
            return False
        return True

    def _send(self, run: EngineRun, slot: ScheduledProbe, now: int) -> None:
        settings, ttl = run.settings, slot.ttl
        at_target = run.may_meet_target(ttl)
        is_first = run.plan.round == 1 and not self._pace.sequential
        if run.flows.opens_connections and not is_first and run.awaits_first(ttl):
            return
        flow = run.flows.choose(slot.flow, at_target and not is_first, now)
        if flow is None and self._pace.sequential:
            if self._pace.hurry is not None:
                run.plan.postpone(slot, now + RETRY)
                return
            # the only port there is, and its last probe is decided
            flow = run.flows.choose(slot.flow, False, now)
        if flow is None:
            return
        data = self._network.data_length(settings)
        number, key = self._numbers.take(settings.protocol, data, self._ledger.is_pending)
        ip_id = self._identity.ip_id(number)
        probe = Probe(
            number=number,
            run=run,
            ttl=ttl,
            protocol=settings.protocol,
            index=slot.flow,
            flow=flow,
            key=key,
            ip_id=ip_id,
            data=data,
            monotonic=now,
            wall=self._network.wall(),
            epoch=self._clock.epoch,
            at_target=at_target,
            is_first=is_first,
        )
        self._ledger.add(probe)
        try:
            self._network.send(outgoing(probe))
        except SendError as error:
            self._ledger.discard(probe)
            self._fail(run, ttl, error)
            return
        run.sent(probe)
        self._last = probe
        self._sink.event(
            events.ProbeSent(
                at=now - self._started, run=run.number, probe=number, ttl=ttl, flow=slot.flow
            )
        )

    def _fail(self, run: EngineRun, ttl: int, error: SendError) -> None:
        self._way_out.doubt()
        self._tell.failed(run, ttl, error)

    # --- what comes back

    def _receive(self) -> None:
        now = self._network.monotonic()
        wake_at = min(self._next_expiry, now + PULSE)
        may_from = self._may_send_from()
        if may_from is not None:
            wake_at = min(wake_at, max(may_from, self._run.plan.next_due(self._pace)))
        sent, answers = self._network.receive(max(0, wake_at - now))
        epoch = self._clock.look()
        for stamp in sent:
            self._stamp(stamp)
        foreign = 0
        # several sockets were read one after another: what came first is to count first
        answers.sort(key=lambda answer: answer.wall)
        end_is_known = self._run.horizon.end is not None
        for answer in self._unclaimed.sift(answers, end_is_known, self._network.monotonic()):
            probe = match(self._ledger, answer, self._network.address, self._network.quoted)
            if probe is None:
                foreign += answer.destination == self._network.address
            else:
                self._answered(probe, answer, epoch)
        if foreign:
            self._tell.foreign(foreign)

    def _stamp(self, sent: SendStamp) -> None:
        probe = self._ledger.find(sent.protocol, sent.key)
        if probe is not None and probe.flow == sent.flow:
            probe.wall = sent.wall
            probe.stamp = sent.stamp

    def _answered(self, probe: RunProbe, answer: ReceivedReply, epoch: int) -> None:
        now = self._network.monotonic()
        run = probe.run
        by_target = answer.address == self._network.address
        if answer.address == self._way_out.source and not by_target:
            self._refused_here(probe, answer)
            return
        rtt = answer.wall - probe.wall
        stepped = epoch != probe.epoch or rtt < 0
        if stepped:
            rtt = now - probe.monotonic
        was = probe.state
        if was is not State.ANSWERED:
            probe.state = State.ANSWERED
            run.waiting.learn(probe.ttl, rtt)
            if answer.kind in FINAL_KINDS:
                run.horizon.final(probe.ttl, by_target)
            elif answer.kind is ReplyKind.TIME_EXCEEDED:
                run.horizon.expired(probe.ttl)
            if self._pace.first_reply:
                run.plan.skip(probe.ttl, probe.index)
        run.flows.answered(probe, answer.kind, was, now)
        quoted = NOTHING_QUOTED
        if answer.message:
            quoted = self._network.quoted(outgoing(probe), answer)
        self._sink.event(
            reply_of(
                probe,
                answer,
                quoted,
                at=now - self._started,
                rtt=rtt,
                was=was,
                stepped=stepped,
                by_target=by_target,
            )
        )
        self._tell_end(run)

    def _refused_here(self, probe: RunProbe, answer: ReceivedReply) -> None:
        if probe.state is not State.PENDING:
            return
        reason = f"our own machine answers: {answer.kind.value} (code {answer.code})"
        self._fail(probe.run, probe.ttl, SendError(0, reason))
        self._void(probe, "it never left")

    def _tell_end(self, run: EngineRun) -> None:
        pace = self._pace
        end = run.horizon.last(pace.max_ttl, pace.max_unknown), run.horizon.reached
        if end == run.told_end:
            return
        run.told_end = end
        self._tell.end(run, *end)
        if run.horizon.end is not None:
            for probe in run.pending_beyond(end[0]):
                self._void(probe, "beyond the end of the path")
        if run is self._run and run.plan.round > 1:
            run.plan.extend(self._network.monotonic(), pace, end[0])

    def _void(self, probe: RunProbe, reason: str) -> None:
        probe.state = State.VOID
        probe.run.flows.void(probe)
        self._tell.void(probe, reason)

    def _tell_lost(self, now: int) -> None:
        for run in self._runs.all:
            for probe in run.expired(now, self._pace):
                probe.state = State.LOST
                run.flows.lost(probe, now)
                self._tell.lost(probe)
                if self._pace.wait is None:
                    self._late.lost(probe)
