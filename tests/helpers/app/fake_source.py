"""A source that answers as it is told, and scripts of real events."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from tui_trace.core import events as ev
from tui_trace.core.settings import (
    NS_PER_MS,
    NS_PER_S,
    Pace,
    ProbeSettings,
    Protocol,
    SettingsHistory,
)
from tui_trace.core.stream import (
    Command,
    Inject,
    QueryRegistry,
    Reset,
    SetAsnLookup,
    SetPace,
    Sink,
    Switch,
    TakeTurns,
)
from tui_trace.session.fold import Session
from tui_trace.session.snapshot import Snapshot

TARGET = "example.com"
ADDRESS = "203.0.113.80"


def began(target: str = TARGET, address: str = ADDRESS, family: int = 4) -> ev.SessionBegan:
    return ev.SessionBegan(
        at=0,
        wall=1_790_000_000 * NS_PER_S,
        target=target,
        address=address,
        family=family,
        source="192.0.2.10" if family == 4 else "2001:db8::10",
        version="0.1.0",
    )


def reply(
    run: int, probe: int, ttl: int, address: str, rtt: float, at: int, **more: object
) -> ev.Reply:
    """`rtt` in ms."""
    fields: dict[str, object] = {
        "kind": ev.ReplyKind.TIME_EXCEEDED,
        "sent_stamp": ev.Stamp.KERNEL,
        "received_stamp": ev.Stamp.KERNEL,
        **more,
    }
    return ev.Reply(
        at=at, run=run, probe=probe, ttl=ttl, address=address, rtt=round(rtt * NS_PER_MS), **fields
    )


HOPS: tuple[tuple[str | None, float], ...] = (
    ("10.0.0.1", 0.4),
    ("198.51.100.1", 1.2),
    (None, 0.0),
    ("198.51.100.9", 8.0),
    ("203.0.113.1", 8.3),
    (ADDRESS, 8.8),
)


def path(
    rounds: int = 42,
    settings: ProbeSettings | None = None,
    hops: Iterable[tuple[str | None, float]] = HOPS,
    run: int = 1,
    first: ev.SessionBegan | None = None,
) -> Iterator[ev.Event]:
    """A path of `hops` (address or None, ms), always the same: no clock, no chance."""
    settings = settings or ProbeSettings(protocol=Protocol.TCP, port=443, size=60)
    hops = tuple(hops)
    yield first or began()
    yield ev.PaceSet(at=0, pace=Pace())
    yield ev.RunOpened(at=0, run=run, settings=settings)
    probe = 0
    for number in range(1, rounds + 1):
        at = (number - 1) * NS_PER_S
        yield ev.RoundBegan(at=at, run=run, round=number)
        for ttl, (address, base) in enumerate(hops, 1):
            probe += 1
            yield ev.ProbeSent(at=at, run=run, probe=probe, ttl=ttl)
            lost = address is None or (ttl == 4 and number % 5 == 3)
            if lost:
                yield ev.ProbeLost(at=at + NS_PER_S // 2, run=run, probe=probe, ttl=ttl)
                continue
            assert address is not None
            wobble = ((number * 7919 + ttl * 104729) % 97) / 97
            rtt = base * (1 + wobble**6) + wobble * 0.05
            last = ttl == len(hops)
            who = "198.51.100.13" if ttl == 4 and number % 2 else address
            more: dict[str, object] = {}
            if last:
                more = {"kind": ev.ReplyKind.SYN_ACK, "reached": True}
            yield reply(run, probe, ttl, who, rtt, at + round(rtt * NS_PER_MS), **more)
        if number == 1:
            yield ev.PathEnd(at=at + NS_PER_MS * 20, run=run, ttl=len(hops), reached=True)


def folded(events: Iterable[ev.Event]) -> Snapshot:
    """The snapshot after these events."""
    session = Session()
    for event in events:
        session.apply(event)
    return session.snapshot()


_SHORT = (("10.0.0.1", 0.4), ("198.51.100.1", 1.2))


def stopped(at_hop: int = 3, **answer: object) -> Snapshot:
    """Nobody answers behind this hop, which answers so."""

    def events() -> Iterable[ev.Event]:
        for one in path(1, hops=_SHORT):
            if isinstance(one, ev.PathEnd) or (isinstance(one, ev.Reply) and one.reached):
                continue
            yield one
        yield ev.ProbeSent(at=5, run=1, probe=50, ttl=at_hop)
        yield reply(1, 50, at_hop, "203.0.113.1", 8.0, 10, **answer)

    return folded(events())


class FakeSource:
    """Plays a script, then does what it is told; remembers what it was asked."""

    def __init__(self, script: Iterable[ev.Event] = ()) -> None:
        self.script = list(script)
        self.commands: list[Command] = []
        self.asked: list[SetAsnLookup | QueryRegistry] = []
        """About addresses: these change no probe."""
        self.running = threading.Event()
        self.played = threading.Event()
        self.stopped = threading.Event()
        self.ended = threading.Event()
        self._todo: queue.SimpleQueue[Callable[[], Iterable[ev.Event]]] = queue.SimpleQueue()
        self._at = 0
        runs = (event.run for event in self.script if isinstance(event, ev.RunOpened))
        self._run = max(runs, default=1)

    def play(self, *events: ev.Event) -> None:
        """Emit these too."""
        self.played.clear()
        self._todo.put(lambda: events)

    def crash(self, error: Exception) -> None:
        def fall() -> Iterable[ev.Event]:
            raise error

        self._todo.put(fall)

    def command(self, command: Command) -> None:
        if isinstance(command, SetAsnLookup | QueryRegistry):
            self.asked.append(command)
            return
        self.commands.append(command)
        self.played.clear()
        self._todo.put(lambda: self._obey(command))

    def stop(self) -> None:
        self.stopped.set()

    def run(self, sink: Sink) -> None:
        self.running.set()
        self._emit(sink, self.script)
        while not self.stopped.is_set():
            try:
                events = self._todo.get(timeout=0.02)()
            except queue.Empty:
                sink.pulse(self._at)
                self.played.set()
                continue
            self._emit(sink, events)
        self._emit(sink, [ev.SessionEnded(at=self._at)])
        self.ended.set()

    def _emit(self, sink: Sink, events: Iterable[ev.Event]) -> None:
        for event in events:
            sink.event(event)
            self._at = max(self._at, event.at)
        sink.pulse(self._at)

    def _obey(self, command: Command) -> Iterable[ev.Event]:
        match command:
            case Switch(settings=settings):
                self._run += 1
                return [ev.RunOpened(at=self._at, run=self._run, settings=settings)]
            case TakeTurns(settings=turns, rounds=rounds):
                numbers = [self._run + place for place in range(1, len(turns) + 1)]
                self._run = numbers[-1]
                return [
                    ev.RunOpened(
                        at=self._at,
                        run=number,
                        settings=settings,
                        turns_with=tuple(other for other in numbers if other != number),
                        temporary=rounds is not None,
                    )
                    for number, settings in zip(numbers, turns, strict=True)
                ]
            case Inject(event=event):
                return [ev.at_time(event, self._at)]
            case SetPace(pace=pace):
                return [ev.PaceSet(at=self._at, pace=pace)]
            case Reset():
                self._run += 1
                return []
        return []


def switches(protocol: Protocol = Protocol.TCP, port: int = 443) -> SettingsHistory:
    return SettingsHistory(ProbeSettings(protocol=protocol, port=port, size=60))
