"""Decides a probe when something comes back for it."""

from collections.abc import Callable

from tui_trace.core.events import FINAL_KINDS, ReplyKind
from tui_trace.engine.event_emitter import EventEmitter
from tui_trace.engine.probe import ProbeState
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.engine.source_ports import RST_OVERTAKEN
from tui_trace.wire.network import Answer, Answers, ReceivedReply, SendError

# looked up once: asking an enum for a member is slow
_PROBE = Answers.PROBE
_ANSWERED = ProbeState.ANSWERED
_SYN_ACK, _TIME_EXCEEDED = ReplyKind.SYN_ACK, ReplyKind.TIME_EXCEEDED

_NOBODY_THERE = frozenset({(3, 1), (1, 3)})
"""Type and code of what our own kernel answers when it cannot find the neighbour that a packet has
to go to: host unreachable (RFC 1122 §3.3.2.2), address unreachable (RFC 4861 §7.2.2)."""


class ReplyHandler:
    """Handles the replies of a session, one after another."""

    def __init__(
        self,
        emitter: EventEmitter,
        target: str,
        send_failed: Callable[[EngineRun, int, SendError], None],
    ) -> None:
        """`target` is an address; `send_failed` is told what our own kernel answers."""
        self._emitter = emitter
        self._target = target
        self._send_failed = send_failed

    def handle(
        self, answer: Answer[RunProbe], *, source: str, now: int, epoch: int
    ) -> RunProbe | None:
        """Handle a reply at `now` (monotonic ns), and return the probe that it decides or repeats.

        `source` is the address that probes leave from, `epoch` the clock's. None for a datagram
        that answers no probe.
        """
        probe, reply, _, answers = answer
        if answers is not _PROBE:
            if answers is Answers.UNKNOWN:
                self._emitter.in_doubt(probe)
            return probe
        if reply.key is None:
            run = probe.run
            datagram_of = run.probe_of_datagram(probe, reply.wall)
            run.flows.on_service_reply()
            if datagram_of is None or datagram_of.ttl <= run.path_end.farthest_router_ttl:
                run.flows.on_nearer_service(now)
            if datagram_of is None:
                return None
            probe = datagram_of
            answer = answer._replace(probe=probe)
        if reply.address == source and reply.address != self._target:
            self._refused_here(probe, reply, now)
            return probe
        rtt = reply.wall - probe.wall
        stepped = epoch != probe.epoch or rtt < 0
        if stepped:
            rtt = now - probe.monotonic
        previous_state = probe.state
        by_target = probe.run.target_replies.is_by_target(reply, self._target)
        is_repeat = reply.kind is _SYN_ACK and self._repeats(probe, rtt, now)
        if previous_state is not _ANSWERED and not is_repeat:
            self._decide(probe, reply, rtt, by_target=by_target, now=now)
        elif is_repeat and not probe.is_scout:
            probe.run.path_end.on_final_reply(probe.ttl, probe.number, by_target=True)
        self._emitter.reply(
            answer,
            now=now,
            rtt=rtt,
            previous_state=previous_state,
            stepped=stepped,
            by_target=by_target,
            is_repeat=is_repeat,
        )
        return probe

    def _repeats(self, probe: RunProbe, rtt: int, now: int) -> bool:
        if probe.state is _ANSWERED:
            is_repeat = rtt - probe.rtt >= RST_OVERTAKEN
        else:
            is_repeat = probe.run.target_replies.is_repeat(rtt)
        if is_repeat:
            probe.run.flows.on_repeated_syn_ack(probe, now)
        return is_repeat

    def _decide(
        self, probe: RunProbe, reply: ReceivedReply, rtt: int, *, by_target: bool, now: int
    ) -> None:
        run = probe.run
        was_void = probe.state is ProbeState.VOID
        shares_port = probe.ports is not None and not probe.has_own_port
        probe.state, probe.rtt = _ANSWERED, rtt
        run.flows.on_answered(probe, reply.kind, now)
        if run.is_beside:
            run.plan_replied(probe, reply, by_target=by_target)
        if by_target:
            run.last_at_target = max(run.last_at_target, probe.number)
            run.target_replies.on_target_reply(rtt)
            if reply.kind is _SYN_ACK and shares_port:
                run.sweep_opened_connection = True
            if probe.is_scout and run.schedule.round == 1:
                run.schedule.expect_target(reply.reply_ttl, reply.quoted_ttl)
                return
        if reply.kind is _TIME_EXCEEDED:
            if run.target_replies.on_time_exceeded(reply.address, rtt):
                run.path_end.on_target_disproved()
            run.path_end.on_time_exceeded(probe.ttl, probe.number)
        elif reply.kind in FINAL_KINDS and not was_void:
            run.path_end.on_final_reply(
                probe.ttl, probe.number, by_target=by_target, is_scout=probe.is_scout
            )
        if by_target or reply.kind is _TIME_EXCEEDED:
            run.reply_timeout.record(probe.ttl, rtt)

    def _refused_here(self, probe: RunProbe, reply: ReceivedReply, now: int) -> None:
        """Handle what our own kernel answers: the probe never left, or nobody took it."""
        reason = f"local kernel: {reply.kind.value} (code {reply.code})"
        if (reply.icmp_type, reply.code) in _NOBODY_THERE:
            protocol = "ARP" if reply.icmp_type == 3 else "neighbour discovery"
            reason = f"nobody answers {protocol} on the first link"
            probe.run.path_end.on_no_neighbour()
        if probe.state is not ProbeState.PENDING:
            self._send_failed(probe.run, probe.ttl, SendError(0, reason))
            return
        counts = probe.run.counts_as_lost(probe)
        probe.state = ProbeState.LOST if counts else ProbeState.VOID
        probe.run.flows.on_lost(probe, now)
        if probe.run.is_beside:
            probe.run.plan_lost(probe, now)
        if counts:
            self._emitter.probe_lost(probe, reason)
        else:
            self._emitter.probe_void(probe, reason)
