"""The one place where the engine makes events, with times counted from the session's start."""

from tui_trace.core import events
from tui_trace.core.events import Stamp
from tui_trace.core.settings import Pace
from tui_trace.core.stream import Sink
from tui_trace.engine.path_end import FINAL_KINDS
from tui_trace.engine.probe_registry import ProbeState
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Egress, Network, QuoteDetails, ReceivedReply, SendError


class EventEmitter:
    """Hands events to a sink. An event's `at` is the moment of the call, unless it is given."""

    def __init__(self, network: Network) -> None:
        """Count the session's time from now on."""
        self._network = network
        self._started = network.monotonic()
        self._sink: Sink
        """There is one from `attach` on."""

    def attach(self, sink: Sink) -> None:
        """Emit to this sink from now on."""
        self._sink = sink

    def pulse(self, now: int) -> None:
        """Tell the sink that every event up to `now` (monotonic ns) was emitted."""
        self._sink.pulse(now - self._started)

    def _now(self) -> int:
        """Return the nanoseconds since the session began."""
        return self._network.monotonic() - self._started

    def session_began(self, target: str, source: str, version: str, lab: str) -> None:
        """Emit `SessionBegan`, the first event; `target` is the name that the user gave."""
        self._sink.event(
            events.SessionBegan(
                at=self._now(),
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
        """Emit that probes leave at this pace from now on."""
        self._sink.event(events.PaceSet(at=self._now(), pace=pace))

    def run_opened(self, run: EngineRun, reopened: bool) -> None:
        """Emit that this run is active; `reopened` if it was active before."""
        self._sink.event(
            events.RunOpened(
                at=self._now(),
                run=run.number,
                settings=run.settings,
                reopened=reopened,
                source_port=run.flows.first_port,
                turns_with=run.turns_with,
            )
        )

    def round_began(self, run: EngineRun) -> None:
        """Emit that a round of this run began."""
        self._sink.event(
            events.RoundBegan(at=self._now(), run=run.number, round=run.schedule.round)
        )

    def probe_sent(self, probe: RunProbe) -> None:
        """Emit that this probe left, at the moment of its `monotonic` time."""
        self._sink.event(
            events.ProbeSent(
                at=probe.monotonic - self._started,
                run=probe.run.number,
                probe=probe.number,
                ttl=probe.ttl,
                flow=probe.flow_index,
            )
        )

    def reply(
        self,
        probe: RunProbe,
        answer: ReceivedReply,
        quoted: QuoteDetails,
        *,
        now: int,
        rtt: int,
        previous_state: ProbeState,
        stepped: bool,
        by_target: bool,
    ) -> None:
        """Emit a reply that came at `now` (monotonic ns).

        `previous_state` is the probe's state before. `stepped`: the wall clock was set meanwhile,
        and `rtt` is by the monotonic clock.
        """
        end = probe.run.path_end.end_ttl
        is_past = end is not None and probe.ttl > end and answer.kind in FINAL_KINDS
        self._sink.event(
            events.Reply(
                at=now - self._started,
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
                past_target=is_past,
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
        )

    def send_failed(self, run: EngineRun, ttl: int, error: SendError) -> None:
        """Emit that the local machine refused to send."""
        self._sink.event(
            events.SendFailed(
                at=self._now(),
                run=run.number,
                ttl=ttl,
                errno=error.errno,
                reason=error.reason,
                mtu=error.mtu,
            )
        )

    def probe_void(self, probe: RunProbe, reason: str) -> None:
        """Emit that this probe counts as never sent."""
        self._sink.event(
            events.ProbeVoid(
                at=self._now(),
                run=probe.run.number,
                probe=probe.number,
                ttl=probe.ttl,
                reason=reason,
            )
        )

    def probe_lost(self, probe: RunProbe) -> None:
        """Emit that no reply came before the timeout."""
        self._sink.event(
            events.ProbeLost(
                at=self._now(), run=probe.run.number, probe=probe.number, ttl=probe.ttl
            )
        )

    def path_end(self, run: EngineRun, ttl: int, reached: bool) -> None:
        """Emit that the path is probed up to this TTL from now on."""
        self._sink.event(events.PathEnd(at=self._now(), run=run.number, ttl=ttl, reached=reached))

    def foreign(self, count: int) -> None:
        """Emit that so many replies matched none of our probes."""
        self._sink.event(events.Foreign(at=self._now(), count=count))

    def egress_found(self, run: EngineRun, egress: Egress) -> None:
        """Emit how probes of this run leave from now on."""
        self._sink.event(
            events.EgressFound(
                at=self._now(),
                run=run.number,
                source=egress.source,
                interface=egress.interface,
                gateway=egress.gateway,
                mtu=egress.mtu,
            )
        )

    def source_changed(self, source: str) -> None:
        """Emit that probes leave from another address than before."""
        self._sink.event(events.SourceChanged(at=self._now(), source=source))

    def notice(self, text: str) -> None:
        """Emit one line for the user."""
        self._sink.event(events.Notice(at=self._now(), text=text))

    def inject(self, event: events.Event) -> None:
        """Emit an event from outside, such as a host name, as of now."""
        self._sink.event(events.at_time(event, self._now()))

    def session_ended(self) -> None:
        """Emit `SessionEnded`, the last event."""
        self._sink.event(events.SessionEnded(at=self._now()))
