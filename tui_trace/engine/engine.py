"""The live source: sends the probes of the active run, and emits what comes back.

It obeys commands, sends the probes that are due, takes replies, and finds the probes that are lost,
whenever the loop (`engine/loop.py`) gives it its turn.
"""

import queue
from collections.abc import Callable
from functools import partial

from tui_trace.core.events import ReplyKind, Stamp
from tui_trace.core.settings import NS_PER_S, Pace, ProbeSettings
from tui_trace.core.stream import (
    Command,
    FindPathMtu,
    FindWays,
    GoBack,
    Inject,
    QueryRegistry,
    Reset,
    SetPace,
    Sink,
    SourceError,
    StopPathMtu,
    StopWays,
    Switch,
    TakeTurns,
    WatchWays,
)
from tui_trace.engine.clock_step import ClockStepDetector, TimeOfDay
from tui_trace.engine.egress_watch import EgressWatch
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.expiry import PAST_END, PULSE_INTERVAL, Expiry
from tui_trace.engine.first_sweep import ScheduledProbe
from tui_trace.engine.flows import Flows, PortBook
from tui_trace.engine.keyless_replies import KeylessReplyBuffer
from tui_trace.engine.loop import ProbingLoop
from tui_trace.engine.mtu_prober import MtuProber
from tui_trace.engine.probe import ProbeState
from tui_trace.engine.probe_sender import ProbeSender
from tui_trace.engine.reply_handler import ReplyHandler
from tui_trace.engine.run_scheduler import RunScheduler
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.engine.shared_hops import SharedHops
from tui_trace.engine.way_prober import WayProber
from tui_trace.wire.network import Answer, Network, Received, SendError
from tui_trace.wire.send_errors import MAY_PASS

_TIME_EXCEEDED = ReplyKind.TIME_EXCEEDED

UNTIMED = "the reply came while this program did not run"
TOLD_STALL = 2 * NS_PER_S
"""A busy machine may stop a program for less."""
MAX_BURST = 64
"""Probes sent before the replies are read again."""


class Engine:
    """A session of live probing, as a `stream.Source`."""

    def __init__(
        self,
        network: Network[RunProbe],
        *,
        target: str,
        settings: ProbeSettings,
        pace: Pace,
        version: str,
        lab: str = "",
        waits_for_route: bool = False,
        shared: SharedHops | None = None,
    ) -> None:
        """Prepare a session; nothing is sent before `run`.

        `target` is the name that the user gave; its address is the network's. `lab` is the name of
        the lab's scenario, empty on a real network. If there is no route at the start, a session
        that `waits_for_route` goes on until there is one; another one ends. `shared`: what is known
        of the routers on the way to other targets, too.
        """
        self.network = self._network = network
        self._target = target
        self._first_settings = settings
        self._pace = pace
        self._version = version
        self._lab = lab
        self._waits_for_route = waits_for_route
        self._clock = ClockStepDetector(network.monotonic, network.wall)
        self._time_of_day: TimeOfDay
        """There is one from `begin` on."""
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopping = False
        self._emitter = EventEmitter(network)
        self._runs = RunScheduler(self._make_flows, self._emitter.run_opened)
        self._port_book = PortBook(network)
        self._egress = EgressWatch(network)
        self._sender = ProbeSender(network, self._emitter, self._runs, self._egress, self._clock)
        tell_failure = self._sender.tell_failure
        self._replies = ReplyHandler(self._emitter, network.address, tell_failure)
        self._expiry = Expiry(network, self._emitter, self._runs, self._tell_lost)
        self._rounds = 0
        self._ways = WayProber(
            self._runs,
            self._emitter,
            self._sender.send,
            target=network.address,
            keeps_ports=network.keeps_ports,
        )
        self._path_mtu = MtuProber(
            self._runs, self._emitter, network, self._sender.send_sized, tell_failure
        )
        self._keyless_replies = KeylessReplyBuffer()
        self._wake = network.wake
        self._stalled_until = 0
        """When this process ran again after a stretch in which it did not; monotonic ns."""
        self._shared = shared
        self._member = shared.join() if shared is not None else 0

    # --- called from other threads

    def command(self, command: Command) -> None:
        """Queue a change for the loop; thread-safe."""
        self._commands.put(command)
        self._wake()

    def stop(self) -> None:
        """End soon; safe in a signal handler."""
        self._stopping = True
        self._wake()

    def call_when_asked(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, from any thread, for each command and when it is to end."""
        self._wake = wake

    # --- the loop

    def run(self, sink: Sink) -> None:
        """Probe until `stop`, or until the pace's rounds are done.

        Raises `SourceError` if no probe can leave at all.
        """
        ProbingLoop().probe_alone(self, sink)

    def begin(self, sink: Sink) -> None:
        """Open the network and emit the first events; `SourceError` if no probe can leave."""
        self._emitter.attach(sink)
        self._time_of_day = TimeOfDay(self._network.monotonic, self._network.wall)
        try:
            self._network.open()
            self._emit_beginning()
        except SendError as error:
            raise SourceError(error.reason) from error

    @property
    def is_over(self) -> bool:
        """Return whether `stop` was called, or the pace's rounds are done."""
        return self._stopping or self._is_done()

    @property
    def step(self) -> int:
        """Return the time between two probes of the round, in ns; 0: there is none."""
        return self._current_run.schedule.step

    def send_due(self) -> None:
        """Obey commands, and send what is due."""
        self._obey_commands()
        self._send_due()

    def pass_time(self, read_at: int) -> None:
        """Find what is lost, and tell the sink what time it is.

        Replies were read last at `read_at`: a probe whose wait ended later may have been answered.
        """
        now = self._network.monotonic()
        if now >= self._expiry.next_at:
            self._expiry.find_lost(now, min(now, read_at), self._pace)
        if (change := self._time_of_day.change()) is not None:
            self._emitter.clock_stepped(change)
        self._emitter.pulse(now)

    def on_stall(self, began: int, ended: int) -> None:
        """Go on after a stretch in which this process did not run; both are monotonic ns.

        What was planned comes so much later, and not all at once. Replies to the probes under way
        wait in the sockets, with the time when they came; where the kernel does not tell that time,
        nobody knows it.
        """
        schedule = self._current_run.schedule
        schedule.pause(began)
        schedule.resume(ended)
        self._stalled_until = ended
        if ended - began >= TOLD_STALL:
            self._emitter.process_stopped(ended - began)

    def _came_untimed(self, answer: Answer[RunProbe]) -> bool:
        """Return whether it is not known when a reply came: while this process did not run."""
        probe, reply = answer.probe, answer.reply
        return probe.monotonic < self._stalled_until and Stamp.USER in (probe.stamp, reply.stamp)

    def end(self) -> None:
        """Emit the last events."""
        for run in self._runs.all:
            for probe in run.pending_scouts():
                self._expiry.make_void(probe, PAST_END)
        self._ways.stop()
        self._path_mtu.stop()
        if self._shared is not None:
            self._shared.leave(self._member)
        self._emitter.session_ended()
        self._emitter.pulse(self._network.monotonic())

    def _emit_beginning(self) -> None:
        try:
            self._egress.find_initial(self._first_settings)
        except SendError as error:
            if not self._waits_for_route or error.errno not in MAY_PASS:
                raise
        self._emitter.session_began(self._target, self._egress.source, self._version, self._lab)
        self._emitter.pace_set(self._pace)
        self._runs.switch(self._first_settings)

    def _is_done(self) -> bool:
        return (
            self._is_last_round
            and self._current_run.schedule.is_round_over
            and not (self._ways.is_searching or self._path_mtu.is_searching)
            and not any(run.has_pending for run in self._runs.all)
            and not self._awaits_late_reply()
        )

    def _awaits_late_reply(self) -> bool:
        """Return whether a reply may still come for a probe that an adaptive timeout called lost.

        The user's own wait (`-Z`) is kept to.
        """
        now = self._network.monotonic()
        return self._pace.wait is None and any(run.awaits_late_reply(now) for run in self._runs.all)

    @property
    def _is_last_round(self) -> bool:
        return self._pace.rounds is not None and self._rounds >= self._pace.rounds

    def _may_send_from(self) -> int | None:
        """Return when (monotonic ns) a probe may leave; None: not before something changes."""
        pace = self._pace
        if pace.paused or (self._is_last_round and self._runs.current.schedule.is_round_over):
            return None
        if not pace.sequential or not self._runs.current.has_pending:
            return 0
        if pace.next_probe_after is None:
            return None
        last = self._sender.last
        if last is None or last.state is not ProbeState.PENDING:
            return 0
        return last.monotonic + pace.next_probe_after

    # --- commands

    def _obey_commands(self) -> None:
        while not self._commands.empty():
            match self._commands.get():
                case Switch(settings) if not self._runs.is_alone(settings):
                    self._change_runs(partial(self._runs.switch, settings))
                case TakeTurns(settings, rounds):
                    self._change_runs(partial(self._runs.take_turns, settings, rounds))
                case FindWays() | WatchWays() | StopWays() as command:
                    self._begin_beside(partial(self._ways.obey, command, self._pace))
                case FindPathMtu() | StopPathMtu() as command:
                    self._begin_beside(partial(self._path_mtu.obey, command, self._pace))
                case GoBack() if self._runs.is_away:
                    self._change_runs(self._runs.go_back)
                case SetPace(pace):
                    self._pace = pace
                    self._emitter.pace_set(pace)
                    self._update_path_end(self._current_run)
                case Reset():
                    self._change_runs(self._runs.reset)
                case Inject(event):
                    self._emitter.inject(event)
                case QueryRegistry():
                    # a `NamedSource` answers this command; without one, -n was given
                    self._emitter.notice("no address lookups: -n was given")

    def _begin_beside(self, begin: Callable[[], None]) -> None:
        try:
            begin()
        except SendError as error:
            self._sender.tell_failure(self._current_run, self._pace.first_ttl, error)

    def _change_runs(self, change: Callable[[], None]) -> None:
        run, now = self._current_run, self._network.monotonic()
        run.schedule.pause(now)
        try:
            change()
        except SendError as error:
            self._sender.tell_failure(run, self._pace.first_ttl, error)
        self._current_run.schedule.resume(now)

    def _make_flows(self, settings: ProbeSettings) -> Flows:
        return Flows(settings, self._port_book)

    @property
    def _current_run(self) -> EngineRun:
        return self._runs.current

    # --- sending

    def _send_due(self) -> None:
        if not self._pace.paused:
            self._ways.send_due(self._network.monotonic)
            self._path_mtu.send_due(self._network.monotonic)
        for _ in range(MAX_BURST):
            run = self._runs.current
            now = self._network.monotonic()
            may_from = self._may_send_from()
            if may_from is None or may_from > now or self._next_due(run, now) > now:
                return
            scheduled = run.schedule.pop_due(now, run.last_ttl(self._pace))
            if scheduled is not None:
                if self._may_ask(run, scheduled):
                    self._sender.send(run, scheduled, now)
            elif not run.schedule.is_round_over or not self._begin_round(run, now):
                return

    def _may_ask(self, run: EngineRun, scheduled: ScheduledProbe) -> bool:
        """Return whether it is this target's turn to ask a router that others share."""
        if self._shared is None or scheduled.is_scout or run.may_reach_target(scheduled.ttl):
            return True
        return self._shared.may_ask(self._member, scheduled.ttl, run.schedule.round)

    def _next_due(self, run: EngineRun, now: int) -> int:
        """Return when the next probe of the rounds, or the next round, is due (monotonic ns).

        While a search asks routers that limit their replies, rounds leave it most of these.
        """
        due = run.schedule.next_due(now, self._pace)
        is_patient = self._ways.is_patient or self._path_mtu.is_patient
        if is_patient and run.schedule.is_round_over:
            due += 2 * self._pace.interval
        return due

    def _begin_round(self, run: EngineRun, now: int) -> bool:
        if self._next_due(run, now) > now:
            return False
        run = self._runs.next_round()
        first_ttl = self._pace.first_ttl
        may_wait = self._waits_for_route and not run.schedule.round
        if may_wait and not self._sender.can_leave(run, first_ttl, now):
            # so that the first sweep is one when the route comes
            run.schedule.put_off(now)
            return False
        run.schedule.begin(
            now,
            self._pace,
            run.last_ttl(self._pace),
            scout=run.needs_scout(self._pace),
            expected_ttl=run.expected_ttl,
            sweeps_with_scout=run.flows.has_spare_ports,
        )
        self._rounds += 1
        self._emitter.round_began(run)
        return self._sender.can_leave(run, first_ttl, now)

    # --- replies

    def take(self, received: Received[RunProbe]) -> None:
        """Handle replies, and tell the sink what time it is."""
        answers, foreign = received
        now, epoch = self._network.monotonic(), self._clock.check()
        source = self._egress.source
        current = self._runs.current
        end_is_known = current.path_end.end_ttl is not None
        released = self._keyless_replies.release(answers, end_is_known, now)
        if self._keyless_replies.is_holding:
            current.schedule.on_target_heard()
        for answer in released:
            if self._stalled_until and self._came_untimed(answer):
                if answer.probe.state is ProbeState.PENDING:
                    self._expiry.make_void(answer.probe, UNTIMED)
                continue
            probe = self._replies.handle(answer, source=source, now=now, epoch=epoch)
            if probe is None:
                foreign += 1
                continue
            if probe.run.is_beside:
                continue
            if self._shared is not None and answer.reply.kind is _TIME_EXCEEDED:
                self._shared.on_answer(self._member, probe.ttl, answer.reply.address)
            if self._pace.first_reply:
                probe.run.schedule.cancel(probe.ttl, probe.flow_index)
            self._update_path_end(probe.run)
        if foreign:
            self._emitter.foreign(foreign)
        self._emitter.pulse(now)

    def wake_at(self, now: int) -> int:
        """Return when (monotonic ns) something is to be done next, if nothing comes.

        Not later than `now` if it is over.
        """
        if self._stopping or (self._is_last_round and self._is_done()):
            return now
        wake_at = min(self._expiry.next_at, now + PULSE_INTERVAL)
        if not self._pace.paused:
            for due in (self._ways.next_due(now), self._path_mtu.next_due(now)):
                wake_at = wake_at if due is None else min(wake_at, due)
        may_from = self._may_send_from()
        if may_from is None:
            return wake_at
        return min(wake_at, max(may_from, self._next_due(self._runs.current, now)))

    def _update_path_end(self, run: EngineRun) -> None:
        pace = self._pace
        end = run.path_end.last_ttl(pace.max_ttl, pace.max_unknown), run.path_end.reached
        if end == run.emitted_end:
            return
        run.emitted_end = end
        self._emitter.path_end(run, *end)
        if run.path_end.end_ttl is not None:
            for probe in run.pending_past(end[0]):
                self._expiry.make_void(probe, PAST_END)
        if run is self._current_run and run.schedule.round > 1:
            run.schedule.extend(self._network.monotonic(), pace, end[0])

    def _tell_lost(self, run: EngineRun, probe: RunProbe) -> None:
        is_of_router = not run.may_reach_target(probe.ttl)
        if self._shared is not None and is_of_router and run.last_at_target > probe.number:
            self._shared.on_lost(self._member, probe.ttl)
