"""The one place where the engine makes events, with times counted from the session's start."""

from tui_trace.core import events
from tui_trace.core.events import FINAL_KINDS, Stamp
from tui_trace.core.settings import Pace
from tui_trace.core.stream import Sink
from tui_trace.engine.clock_step import ClockChange
from tui_trace.engine.probe import ProbeState
from tui_trace.engine.run_state import EngineRun, RunProbe
from tui_trace.wire.network import Answer, Egress, Network, SendError

_IN_DOUBT = (
    "TCP replies after more than 1 s count as lost: without CAP_NET_RAW it cannot be told"
    " whether they answer the probe or the kernel's repetition of it"
)

# looked up once: asking an enum for a member is slow
_USER = Stamp.USER
_LOST, _ANSWERED = ProbeState.LOST, ProbeState.ANSWERED


class EventEmitter:
    """Hands events to a sink. An event's `at` is the moment of the call, unless it is given."""

    def __init__(self, network: Network[RunProbe]) -> None:
        """Emit nothing yet."""
        self._network = network
        self._doubted: set[int] = set()
        self._sink: Sink
        """There is one from `attach` on."""

    def attach(self, sink: Sink) -> None:
        """Emit to this sink from now on, and count the session's time."""
        self._sink = sink
        self._started = self._network.monotonic()

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
                temporary=run.is_temporary,
                beside=run.is_beside,
                seeks_mtu=run.mtu_search is not None,
            )
        )
        if not run.is_beside and not reopened:
            # that of the first flow has been told
            for flow, port in enumerate(run.flows.ports[1 : run.settings.flows], 1):
                self.flow_opened(run, flow, port)

    def flow_opened(self, run: EngineRun, flow: int, source_port: int) -> None:
        """Emit that probes of this run leave in this flow, too."""
        if not self._network.keeps_ports:
            source_port = 0
        self._sink.event(
            events.FlowOpened(at=self._now(), run=run.number, flow=flow, source_port=source_port)
        )

    def ways_sought(self, run: EngineRun, confidence: float, budget: int) -> None:
        """Emit that every way is looked for by probes of this run."""
        self._sink.event(
            events.WaysSought(at=self._now(), run=run.number, confidence=confidence, budget=budget)
        )

    def ways_ended(self, run: EngineRun, reason: events.WaysEnd) -> None:
        """Emit that the search for ways, or their watch, is over."""
        self._sink.event(events.WaysEnded(at=self._now(), run=run.number, reason=reason))

    def path_mtu_found(self, found: events.PathMtuFound) -> None:
        """Emit that the search for the path MTU is over, as of now."""
        self._sink.event(events.at_time(found, self._now()))

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
                source_port=probe.flow[0] if probe.run.flows.is_spare_port(probe) else 0,
                size=probe.settings.size if probe.settings is not probe.run.settings else 0,
            )
        )

    def reply(
        self,
        answer: Answer[RunProbe],
        *,
        now: int,
        rtt: int,
        previous_state: ProbeState,
        stepped: bool,
        by_target: bool,
        is_repeat: bool,
    ) -> None:
        """Emit a reply that came at `now` (monotonic ns).

        `previous_state` is the probe's state before. `stepped`: the wall clock was set meanwhile,
        and `rtt` is by the monotonic clock.
        """
        probe, reply, quoted, _ = answer
        run = probe.run
        end = run.path_end.end_ttl
        is_past = reply.kind in FINAL_KINDS and (
            probe.ttl > end if end is not None else probe.is_scout and by_target
        )
        # in the order of the fields: by name, the construction takes seven times as long
        self._sink.event(
            events.Reply(
                now - self._started,
                run.number,
                probe.number,
                probe.ttl,
                reply.address,
                reply.kind,
                rtt,
                _USER if stepped else probe.stamp,
                _USER if stepped else reply.stamp,
                probe.flow_index,
                by_target,
                previous_state is _LOST and not is_repeat,
                previous_state is _ANSWERED,
                is_repeat,
                is_past,
                stepped,
                reply.icmp_type,
                reply.code,
                reply.reply_ttl,
                reply.mtu,
                reply.ecn,
                reply.quoted_tos,
                reply.quoted_ttl,
                quoted.shown,
                quoted.changed,
                quoted.labels,
                quoted.interfaces,
                reply.versions,
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

    def probe_lost(self, probe: RunProbe, reason: str = "") -> None:
        """Emit that no reply came before the timeout, or why the local kernel gave up."""
        self._sink.event(
            events.ProbeLost(
                at=self._now(),
                run=probe.run.number,
                probe=probe.number,
                ttl=probe.ttl,
                reason=reason,
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

    def clock_stepped(self, change: ClockChange) -> None:
        """Emit that times of day are others from now on."""
        self._sink.event(
            events.ClockStepped(
                at=self._now(),
                wall=self._network.wall(),
                step=change.step,
                asleep=change.asleep,
            )
        )

    def process_stopped(self, stopped: int) -> None:
        """Emit that this process did not run for so long (ns), which `at` counts."""
        self._sink.event(
            events.ClockStepped(at=self._now(), wall=self._network.wall(), stopped=stopped)
        )

    def source_changed(self, source: str) -> None:
        """Emit that probes leave from another address than before."""
        self._sink.event(events.SourceChanged(at=self._now(), source=source))

    def notice(self, text: str) -> None:
        """Emit one line for the user."""
        self._sink.event(events.Notice(at=self._now(), text=text))

    def in_doubt(self, probe: RunProbe) -> None:
        """Emit, once a run, that a reply is not counted which may answer this probe."""
        if probe.run.number not in self._doubted:
            self._doubted.add(probe.run.number)
            self.notice(_IN_DOUBT)

    def inject(self, event: events.Event) -> None:
        """Emit an event from outside, such as a host name, as of now."""
        self._sink.event(events.at_time(event, self._now()))

    def session_ended(self) -> None:
        """Emit `SessionEnded`, the last event."""
        self._sink.event(events.SessionEnded(at=self._now()))
