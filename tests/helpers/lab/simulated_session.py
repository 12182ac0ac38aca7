"""A session in the lab in simulated time: hours in seconds, and each time the same."""

from collections.abc import Callable, Iterable
from functools import partial
from random import Random

from msgspec.structs import replace

from tests.helpers.lab.forging_wire import Enemy, Wire
from tests.helpers.lab.lab_trace import Traced, folded
from tests.helpers.simulated_engine import Tape
from tui_trace.core import events
from tui_trace.core.probe_size import fit_size
from tui_trace.core.settings import (
    DEFAULT_PORT,
    DEFAULT_SIZE,
    NS_PER_S,
    Pace,
    ProbeSettings,
    Protocol,
)
from tui_trace.core.stream import Switch
from tui_trace.engine.engine import Engine
from tui_trace.lab import load_scenario
from tui_trace.lab.packets import RST, TCP, build_datagram, with_checksum
from tui_trace.lab.scenario import Scenario
from tui_trace.session.finding_text import describe_finding
from tui_trace.session.fold import Session
from tui_trace.wire.network import OutgoingProbe, Received, ReceivedReply


def probe(protocol: Protocol = Protocol.ICMP, **fields: object) -> ProbeSettings:
    """Return settings with the usual port and size of a protocol, and other fields."""
    known = {"port": DEFAULT_PORT[protocol], "size": DEFAULT_SIZE[protocol]}
    return ProbeSettings(protocol=protocol, **(known | fields))  # type: ignore[arg-type]


class _PeacefulWire(Wire):
    """The lab's internet without an enemy; does what is due when its time has come."""

    due: list[tuple[int, Callable[[], None]]]

    def receive(self, timeout: int, *, wake_on_reply: bool = True) -> Received[OutgoingProbe]:
        while self.due and self.now >= self.due[0][0]:
            self.due.pop(0)[1]()
        return super().receive(timeout, wake_on_reply=wake_on_reply)

    def matched(self, reply: ReceivedReply, raw: bytes, valid: bool) -> Received[OutgoingProbe]:
        if reply.kind is events.ReplyKind.SYN_ACK:
            self.internet.receive(_reset(raw), self.now)
        return super().matched(reply, raw, valid)

    def judge(self) -> None:
        self.packets, self.credited, self.read = [], [], None


def _reset(syn_ack: bytes) -> bytes:
    """Return what a kernel answers to a SYN/ACK of nobody's connection (RFC 9293 §3.10.7.1)."""
    start, middle, length = (20, 12, 4) if syn_ack[0] >> 4 == 4 else (40, 8, 16)
    source = syn_ack[middle + length : middle + 2 * length]
    target = syn_ack[middle : middle + length]
    segment = syn_ack[start:]
    ports = segment[2:4] + segment[:2]
    body = ports + segment[8:12] + bytes(4) + bytes([5 << 4, RST]) + bytes(6)
    checked = with_checksum(source, target, TCP, body, 16)
    return build_datagram(source, target, TCP, 64, checked)


class WatchedSession:
    """Folds the events of a source, and looks at the session every second, as a view does."""

    def __init__(self) -> None:
        self.session = Session()
        self.said: dict[str, set[int | None]] = {}
        """Everything that was claimed at any time: by kind, the hops."""
        self.words: set[str] = set()
        """The same as sentences, without the times."""
        self._looked = 0

    def event(self, event: events.Event) -> None:
        self.session.apply(event)
        if event.at - self._looked >= NS_PER_S:
            self._looked = event.at
            for finding in self.session.snapshot().findings:
                self.said.setdefault(finding.kind, set()).add(finding.hop)
                self.words.add(describe_finding(finding, lambda _: "TIME"))

    def pulse(self, _at: int) -> None: ...


def simulated_session(
    scenario: str,
    seconds: float,
    settings: ProbeSettings | None = None,
    *,
    family: int = 4,
    switches: Iterable[tuple[float, ProbeSettings]] = (),
    seed: int = 1,
    **pace: object,
) -> WatchedSession:
    """Return a scenario of the lab as it was probed; `switches` are seconds and settings."""
    wire, engine = _engine_in_lab(load_scenario(scenario), settings, family, seed, pace)
    begin = wire.now
    wire.due = [
        (begin + round(at * NS_PER_S), partial(engine.command, Switch(other)))
        for at, other in switches
    ]
    wire.due.append((begin + round(seconds * NS_PER_S), engine.stop))
    watched = WatchedSession()
    engine.run(watched)
    return watched


def simulated_trace(
    scenario: str,
    settings: ProbeSettings,
    rounds: int,
    *,
    family: int = 4,
    seed: int | None = None,
    **pace: object,
) -> Traced:
    """Return what a report of so many rounds in the lab is made of; `seed` replaces the file's."""
    played = load_scenario(scenario)
    played = replace(played, seed=played.seed if seed is None else seed)
    fitting, _ = fit_size(settings, family)
    wire, engine = _engine_in_lab(played, fitting, family, 1, pace | {"rounds": rounds})
    wire.due = []
    told = Tape()
    engine.run(told)
    return folded(told.events)


def _engine_in_lab(
    scenario: Scenario,
    settings: ProbeSettings | None,
    family: int,
    seed: int,
    pace: dict[str, object],
) -> tuple[_PeacefulWire, Engine]:
    wire = _PeacefulWire(scenario, family, Enemy(Random(seed)), 0, Random(seed))
    engine = Engine(
        wire,
        target=wire.address,
        settings=settings or probe(),
        pace=Pace(**pace),  # type: ignore[arg-type]
        version="0",
    )
    return wire, engine
