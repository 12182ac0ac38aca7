"""What the engine tells besides probes and replies, as events of the session's own time."""

from tui_trace import events
from tui_trace.engine.ledger import Probe
from tui_trace.engine.run import RunState
from tui_trace.settings import Pace
from tui_trace.source import Sink
from tui_trace.wire.network import Network, SendError


class Teller:
    """Hands events to a sink; each is told at the moment of the call."""

    def __init__(self, sink: Sink, network: Network, started: int) -> None:
        """`started` is the monotonic time, in ns, that the session counts from."""
        self._sink = sink
        self._network = network
        self._started = started

    def at(self) -> int:
        """Nanoseconds since the session began."""
        return self._network.monotonic() - self._started

    def began(self, target: str, source: str, version: str, lab: str) -> None:
        """First of all; see `SessionBegan`."""
        self._sink.event(
            events.SessionBegan(
                at=self.at(),
                wall=self._network.wall(),
                target=target,
                address=self._network.address,
                family=self._network.family,
                source=source,
                version=version,
                lab=lab,
            )
        )

    def pace(self, pace: Pace) -> None:
        """Probes leave at this pace from now on."""
        self._sink.event(events.PaceSet(at=self.at(), pace=pace))

    def run(self, run: RunState, again: bool) -> None:
        """This run is in force."""
        self._sink.event(
            events.RunOpened(
                at=self.at(),
                run=run.number,
                settings=run.settings,
                again=again,
                source_port=run.flows.first_port,
                turns_with=run.turns_with,
            )
        )

    def round(self, run: RunState) -> None:
        """A sweep starts."""
        self._sink.event(events.RoundBegan(at=self.at(), run=run.number, round=run.plan.round))

    def failed(self, run: RunState, ttl: int, error: SendError) -> None:
        """Our own machine would not send."""
        self._sink.event(
            events.SendFailed(
                at=self.at(),
                run=run.number,
                ttl=ttl,
                errno=error.errno,
                reason=error.reason,
                mtu=error.mtu,
            )
        )

    def void(self, probe: Probe, reason: str) -> None:
        """This probe counts as never sent."""
        self._sink.event(
            events.ProbeVoid(
                at=self.at(),
                run=probe.run.number,
                probe=probe.number,
                ttl=probe.ttl,
                reason=reason,
            )
        )

    def lost(self, probe: Probe) -> None:
        """Its wait has passed."""
        self._sink.event(
            events.ProbeLost(at=self.at(), run=probe.run.number, probe=probe.number, ttl=probe.ttl)
        )

    def end(self, run: RunState, ttl: int, reached: bool) -> None:
        """Up to this TTL the path is probed."""
        self._sink.event(events.PathEnd(at=self.at(), run=run.number, ttl=ttl, reached=reached))

    def foreign(self, count: int) -> None:
        """Replies to none of our probes."""
        self._sink.event(events.Foreign(at=self.at(), count=count))

    def source(self, source: str) -> None:
        """Probes leave from another address."""
        self._sink.event(events.SourceChanged(at=self.at(), source=source))

    def notice(self, text: str) -> None:
        """A line for the user."""
        self._sink.event(events.Notice(at=self.at(), text=text))

    def outside(self, event: events.Event) -> None:
        """What somebody else found out, as of now."""
        self._sink.event(events.at_time(event, self.at()))

    def ended(self) -> None:
        """Last of all."""
        self._sink.event(events.SessionEnded(at=self.at()))
