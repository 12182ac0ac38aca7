"""What the engine tells besides probes and replies, as events of the session's own time."""

from tui_trace.core import events
from tui_trace.core.events import Reply, ReplyKind, Stamp
from tui_trace.core.settings import Pace
from tui_trace.core.stream import Sink
from tui_trace.engine.probe_registry import ProbeState
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Network, QuoteDetails, ReceivedReply, SendError


class EventEmitter:
    """Hands events to a sink; each is told at the moment of the call."""

    def __init__(self, sink: Sink, network: Network, started: int) -> None:
        """`started` is the monotonic time, in ns, that the session counts from."""
        self._sink = sink
        self._network = network
        self._started = started

    def now(self) -> int:
        """Nanoseconds since the session began."""
        return self._network.monotonic() - self._started

    def session_began(self, target: str, source: str, version: str, lab: str) -> None:
        """First of all; see `SessionBegan`."""
        self._sink.event(
            events.SessionBegan(
                at=self.now(),
                wall=self._network.wall(),
                target=target,
                address=self._network.address,
                family=self._network.family,
                source=source,
                version=version,
                lab=lab,
            )
        )

    def pace_set(self, pace: Pace) -> None:
        """Probes leave at this pace from now on."""
        self._sink.event(events.PaceSet(at=self.now(), pace=pace))

    def run_opened(self, run: EngineRun, reopened: bool) -> None:
        """This run is in force."""
        self._sink.event(
            events.RunOpened(
                at=self.now(),
                run=run.number,
                settings=run.settings,
                reopened=reopened,
                source_port=run.flows.first_port,
                turns_with=run.turns_with,
            )
        )

    def round_began(self, run: EngineRun) -> None:
        """A sweep starts."""
        self._sink.event(events.RoundBegan(at=self.now(), run=run.number, round=run.schedule.round))

    def send_failed(self, run: EngineRun, ttl: int, error: SendError) -> None:
        """Our own machine would not send."""
        self._sink.event(
            events.SendFailed(
                at=self.now(),
                run=run.number,
                ttl=ttl,
                errno=error.errno,
                reason=error.reason,
                mtu=error.mtu,
            )
        )

    def probe_void(self, probe: RunProbe, reason: str) -> None:
        """This probe counts as never sent."""
        self._sink.event(
            events.ProbeVoid(
                at=self.now(),
                run=probe.run.number,
                probe=probe.number,
                ttl=probe.ttl,
                reason=reason,
            )
        )

    def probe_lost(self, probe: RunProbe) -> None:
        """Its wait has passed."""
        self._sink.event(
            events.ProbeLost(at=self.now(), run=probe.run.number, probe=probe.number, ttl=probe.ttl)
        )

    def path_end(self, run: EngineRun, ttl: int, reached: bool) -> None:
        """Up to this TTL the path is probed."""
        self._sink.event(events.PathEnd(at=self.now(), run=run.number, ttl=ttl, reached=reached))

    def foreign(self, count: int) -> None:
        """Replies to none of our probes."""
        self._sink.event(events.Foreign(at=self.now(), count=count))

    def source_changed(self, source: str) -> None:
        """Probes leave from another address."""
        self._sink.event(events.SourceChanged(at=self.now(), source=source))

    def notice(self, text: str) -> None:
        """A line for the user."""
        self._sink.event(events.Notice(at=self.now(), text=text))

    def inject(self, event: events.Event) -> None:
        """What somebody else found out, as of now."""
        self._sink.event(events.at_time(event, self.now()))

    def session_ended(self) -> None:
        """Last of all."""
        self._sink.event(events.SessionEnded(at=self.now()))


FINAL_KINDS = frozenset(ReplyKind) - {ReplyKind.TIME_EXCEEDED}
"""What meets the end of the path: no probe of a greater TTL gets farther. The other ICMP messages
say that a packet was thrown away too (RFC 792), or that pieces of it never came together."""


def reply_of(
    probe: RunProbe,
    answer: ReceivedReply,
    quoted: QuoteDetails,
    *,
    at: int,
    rtt: int,
    previous_state: ProbeState,
    stepped: bool,
    by_target: bool,
) -> Reply:
    """The event; `was` is the probe's state before, `stepped` that `rtt` is by our own clock."""
    end = probe.run.path_end.end_ttl
    return Reply(
        at=at,
        run=probe.run.number,
        probe=probe.number,
        ttl=probe.ttl,
        address=answer.address,
        kind=answer.kind,
        rtt=rtt,
        sent_stamp=Stamp.USER if stepped else probe.stamp,
        received_stamp=Stamp.USER if stepped else answer.stamp,
        flow=probe.flow_index,
        reached=by_target,
        late=previous_state is ProbeState.LOST,
        duplicate=previous_state is ProbeState.ANSWERED,
        past_target=end is not None and probe.ttl > end and answer.kind in FINAL_KINDS,
        clock_stepped=stepped,
        icmp_type=answer.icmp_type,
        code=answer.code,
        reply_ttl=answer.reply_ttl,
        mtu=answer.mtu,
        ecn=answer.ecn,
        quoted_tos=answer.quoted_tos,
        quoted_ttl=answer.quoted_ttl,
        quoted_bytes=quoted.shown,
        changed=quoted.changed,
        labels=quoted.labels,
        interfaces=quoted.interfaces,
    )
