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
from tui_trace.engine.matching import match_reply, probe_spec
from tui_trace.engine.probe_ids import ProbeIdGenerator, ProbeNumbers
from tui_trace.engine.probe_registry import Probe, ProbeRegistry, ProbeState
from tui_trace.engine.round_schedule import ScheduledProbe
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.engine.source_address import SourceAddressWatch
from tui_trace.wire.network import NOTHING_QUOTED, Network, ReceivedReply, SendError, SendStamp

PULSE_INTERVAL = 100 * NS_PER_MS
EXPIRY_INTERVAL = 20 * NS_PER_MS
RETRY_INTERVAL = 10 * NS_PER_MS
"""Until a probe is looked at again that no source port was free for."""
MAX_BURST = 64
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
        self._probe_ids = ProbeIdGenerator(self._rng)
        self._registry: ProbeRegistry[EngineRun] = ProbeRegistry()
        self._clock = ClockStepDetector(network.monotonic, network.wall)
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopping = False
        self._started = network.monotonic()
        self._port_book = PortBook(network)
        self._source_address = SourceAddressWatch(network)
        self._rounds = 0
        self._numbers = ProbeNumbers(self._probe_ids)
        self._next_expiry = 0
        self._keyless_replies = KeylessReplyBuffer()
        self._last_sent: RunProbe | None = None

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
        self._emitter = EventEmitter(sink, network, self._started)
        self._runs = RunScheduler(self._flows, self._emitter.run_opened)
        network.open()
        try:
            try:
                self._source_address.find_initial(self._first_settings)
                self._emit_beginning()
            except SendError as error:
                raise SourceError(error.reason) from error
            while not self._stopping and not self._is_done():
                self._obey_commands()
                self._send_due()
                self._receive()
                now = network.monotonic()
                if now >= self._next_expiry:
                    self._emit_lost(now)
                    self._registry.forget_old(now)
                    self._next_expiry = now + EXPIRY_INTERVAL
                sink.pulse(now - self._started)
            self._emitter.session_ended()
            sink.pulse(self._emitter.now())
        finally:
            network.close()

    def _emit_beginning(self) -> None:
        self._emitter.session_began(
            self._target, self._source_address.source, self._version, self._lab
        )
        self._emitter.pace_set(self._pace)
        self._runs.switch(self._first_settings)

    def _is_done(self) -> bool:
        return (
            self._is_last_round
            and self._run.schedule.is_round_over
            and not any(run.has_pending for run in self._runs.all)
        )

    @property
    def _is_last_round(self) -> bool:
        return self._pace.rounds is not None and self._rounds >= self._pace.rounds

    def _may_send_from(self) -> int | None:
        """When (monotonic ns) a probe may leave; None: not before something changes."""
        pace = self._pace
        if pace.paused or (self._is_last_round and self._run.schedule.is_round_over):
            return None
        if not pace.sequential or not self._run.has_pending:
            return 0
        if pace.next_probe_after is None:
            return None
        last = self._last_sent
        if last is None or last.state is not ProbeState.PENDING:
            return 0
        return last.monotonic + pace.next_probe_after

    # --- commands

    def _obey_commands(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            match command:
                case Switch(settings):
                    if settings != self._run.settings or self._runs.is_alternating:
                        self._change_runs(partial(self._runs.switch, settings))
                case AlternateSettings(first, second):
                    self._change_runs(partial(self._runs.alternate, first, second))
                case ProbeTemporarily(settings, rounds):
                    self._change_runs(partial(self._runs.probe_temporarily, settings, rounds))
                case SetPace(pace):
                    self._pace = pace
                    self._emitter.pace_set(pace)
                    self._update_path_end(self._run)
                case Reset():
                    self._change_runs(self._runs.reset)
                case Inject(event):
                    self._emitter.inject(event)
                case QueryRegistry():
                    # whoever asks about addresses stands between us and the user, if anybody does
                    self._emitter.notice("nothing is asked about addresses: -n was given")
                case SetAsnLookup():
                    pass

    def _change_runs(self, turn: Callable[[], None]) -> None:
        run = self._run
        run.schedule.clear()
        try:
            turn()
        except SendError as error:
            self._emit_failure(run, self._pace.first_ttl, error)

    def _flows(self, settings: ProbeSettings) -> Flows:
        return Flows(settings, self._port_book, self._probe_ids.icmp_checksum)

    @property
    def _run(self) -> EngineRun:
        return self._runs.current

    # --- sending

    def _send_due(self) -> None:
        for _ in range(MAX_BURST):
            run = self._run
            now = self._network.monotonic()
            may_from = self._may_send_from()
            if may_from is None or may_from > now:
                return
            slot = run.schedule.pop_due(now, run.last_ttl(self._pace))
            if slot is None:
                if not run.schedule.is_round_over or not self._begin_round(run, now):
                    return
            else:
                self._send(run, slot, now)

    def _begin_round(self, run: EngineRun, now: int) -> bool:
        if run.schedule.next_due(self._pace) > now:
            return False
        run = self._runs.next_round()
        run.schedule.begin(now, self._pace, run.last_ttl(self._pace))
        self._rounds += 1
        self._emitter.round_began(run)
        return self._can_leave(run, now)

    def _can_leave(self, run: EngineRun, now: int) -> bool:
        try:
            if self._source_address.has_changed(run, now):
                self._emitter.source_changed(self._source_address.source)
        except SendError as error:
            run.schedule.clear()
            self._emit_failure(run, self._pace.first_ttl, error)
            return False
        return True

    def _send(self, run: EngineRun, slot: ScheduledProbe, now: int) -> None:
        settings, ttl = run.settings, slot.ttl
        at_target = run.may_reach_target(ttl)
        is_first = run.schedule.round == 1 and not self._pace.sequential
        if run.flows.opens_connections and not is_first and run.awaits_first(ttl):
            return
        flow = run.flows.choose(slot.flow, at_target and not is_first, now)
        if flow is None and self._pace.sequential:
            if self._pace.next_probe_after is not None:
                run.schedule.postpone(slot, now + RETRY_INTERVAL)
                return
            # the only port there is, and its last probe is decided
            flow = run.flows.choose(slot.flow, False, now)
        if flow is None:
            return
        number, key = self._numbers.next_number(settings.protocol, self._registry.is_pending)
        ip_id = self._probe_ids.ip_id(number)
        probe = Probe(
            number=number,
            run=run,
            ttl=ttl,
            protocol=settings.protocol,
            flow_index=slot.flow,
            flow=flow,
            key=key,
            ip_id=ip_id,
            tcp_data_length=self._network.data_length(settings),
            monotonic=now,
            wall=self._network.wall(),
            epoch=self._clock.epoch,
            may_reach_target=at_target,
            is_first=is_first,
        )
        self._registry.add(probe)
        try:
            self._network.send(probe_spec(probe))
        except SendError as error:
            self._registry.discard(probe)
            self._emit_failure(run, ttl, error)
            return
        run.add_sent(probe)
        self._last_sent = probe
        self._sink.event(
            events.ProbeSent(
                at=now - self._started, run=run.number, probe=number, ttl=ttl, flow=slot.flow
            )
        )

    def _emit_failure(self, run: EngineRun, ttl: int, error: SendError) -> None:
        self._source_address.invalidate()
        self._emitter.send_failed(run, ttl, error)

    # --- what comes back

    def _receive(self) -> None:
        now = self._network.monotonic()
        wake_at = min(self._next_expiry, now + PULSE_INTERVAL)
        may_from = self._may_send_from()
        if may_from is not None:
            wake_at = min(wake_at, max(may_from, self._run.schedule.next_due(self._pace)))
        sent, answers = self._network.receive(max(0, wake_at - now))
        epoch = self._clock.check()
        for stamp in sent:
            self._record_stamp(stamp)
        foreign = 0
        # several sockets were read one after another: what came first is to count first
        answers.sort(key=lambda answer: answer.wall)
        end_is_known = self._run.path_end.end_ttl is not None
        for answer in self._keyless_replies.release(
            answers, end_is_known, self._network.monotonic()
        ):
            probe = match_reply(self._registry, answer, self._network.address, self._network.quoted)
            if probe is None:
                foreign += answer.destination == self._network.address
            else:
                self._handle_reply(probe, answer, epoch)
        if foreign:
            self._emitter.foreign(foreign)

    def _record_stamp(self, sent: SendStamp) -> None:
        probe = self._registry.find(sent.protocol, sent.key)
        if probe is not None and probe.flow == sent.flow:
            probe.wall = sent.wall
            probe.stamp = sent.stamp

    def _handle_reply(self, probe: RunProbe, answer: ReceivedReply, epoch: int) -> None:
        now = self._network.monotonic()
        run = probe.run
        by_target = answer.address == self._network.address
        if answer.address == self._source_address.source and not by_target:
            self._refused_here(probe, answer)
            return
        rtt = answer.wall - probe.wall
        stepped = epoch != probe.epoch or rtt < 0
        if stepped:
            rtt = now - probe.monotonic
        was = probe.state
        if was is not ProbeState.ANSWERED:
            probe.state = ProbeState.ANSWERED
            run.reply_timeout.record(probe.ttl, rtt)
            if answer.kind in FINAL_KINDS:
                run.path_end.on_final_reply(probe.ttl, by_target)
            elif answer.kind is ReplyKind.TIME_EXCEEDED:
                run.path_end.on_time_exceeded(probe.ttl)
            if self._pace.first_reply:
                run.schedule.cancel(probe.ttl, probe.flow_index)
        run.flows.on_reply(probe, answer.kind, was, now)
        quoted = NOTHING_QUOTED
        if answer.message:
            quoted = self._network.quoted(probe_spec(probe), answer)
        self._sink.event(
            reply_of(
                probe,
                answer,
                quoted,
                at=now - self._started,
                rtt=rtt,
                previous_state=was,
                stepped=stepped,
                by_target=by_target,
            )
        )
        self._update_path_end(run)

    def _refused_here(self, probe: RunProbe, answer: ReceivedReply) -> None:
        if probe.state is not ProbeState.PENDING:
            return
        reason = f"our own machine answers: {answer.kind.value} (code {answer.code})"
        self._emit_failure(probe.run, probe.ttl, SendError(0, reason))
        self._make_void(probe, "it never left")

    def _update_path_end(self, run: EngineRun) -> None:
        pace = self._pace
        end = run.path_end.last_ttl(pace.max_ttl, pace.max_unknown), run.path_end.reached
        if end == run.emitted_end:
            return
        run.emitted_end = end
        self._emitter.path_end(run, *end)
        if run.path_end.end_ttl is not None:
            for probe in run.pending_past(end[0]):
                self._make_void(probe, "beyond the end of the path")
        if run is self._run and run.schedule.round > 1:
            run.schedule.extend(self._network.monotonic(), pace, end[0])

    def _make_void(self, probe: RunProbe, reason: str) -> None:
        probe.state = ProbeState.VOID
        probe.run.flows.on_void(probe)
        self._emitter.probe_void(probe, reason)

    def _emit_lost(self, now: int) -> None:
        for run in self._runs.all:
            for probe in run.pop_expired(now, self._pace):
                probe.state = ProbeState.LOST
                run.flows.on_lost(probe, now)
                self._emitter.probe_lost(probe)
