"""Source and sink: the two ends of the event stream.

A source runs in a thread of its own (for reports, in the main thread) and hands every event to one
sink, in order. No sink knows which source it has.
"""

from typing import Protocol, TypeAlias

import msgspec

from tui_trace.core.events import Event
from tui_trace.core.settings import Pace, ProbeSettings


class Sink(Protocol):
    """Takes the events of a stream. Its methods are called from the source's thread only."""

    def event(self, event: Event) -> None:
        """Take the next event."""
        ...

    def pulse(self, at: int) -> None:
        """Learn that all events up to `at` (ns since the session began) were handed over.

        Called after each batch of events and at least ten times a second, so that a view goes on
        when nothing arrives.
        """
        ...


class Switch(msgspec.Struct, frozen=True):
    """Probe with these settings from now on."""

    settings: ProbeSettings


class TakeTurns(msgspec.Struct, frozen=True):
    """Let settings take turns round by round, each in a new run; the pace is that of one run."""

    settings: tuple[ProbeSettings, ...]
    """Two or more; the last one is in force, for what shows one run only."""
    rounds: int | None = None
    """Rounds of each, from 1 on, then go on as before; None: until another command."""


CONFIDENCE = 0.95
"""How sure a search for ways is that it has missed none, unless asked for otherwise."""


class FindWays(msgspec.Struct, frozen=True):
    """Find every way through the network, beside what is probed; ends another one under way."""

    settings: ProbeSettings
    confidence: float = CONFIDENCE
    """Probability that nothing is missed, above 0 and below 1."""
    budget: int = 3000
    """Most probes to send."""


class WatchWays(msgspec.Struct, frozen=True):
    """Probe these flows at each interval, beside what is probed, until `StopWays`."""

    settings: ProbeSettings
    flows: tuple[int, ...]
    """Their indices; each flow has the port that it has in every run."""
    last_ttl: int
    """The greatest TTL to probe; a flow that meets the target before ends there."""


class StopWays(msgspec.Struct, frozen=True):
    """End what `FindWays` or `WatchWays` began; without one, nothing changes."""


class FindPathMtu(msgspec.Struct, frozen=True):
    """Find the path MTU beside what is probed; ends another such search under way."""

    settings: ProbeSettings
    """Probes have these, but for DF, which is set, and their size."""
    largest: int | None = None
    """The largest size to try, in bytes; None: what the interface takes."""


class StopPathMtu(msgspec.Struct, frozen=True):
    """End what `FindPathMtu` began; without one, nothing changes."""


class GoBack(msgspec.Struct, frozen=True):
    """Go on as before a command that was for some rounds only; without one, nothing changes."""


class SetPace(msgspec.Struct, frozen=True):
    """Probe at this pace from now on."""

    pace: Pace


class Reset(msgspec.Struct, frozen=True):
    """Close the run and start one with the same settings."""


class Inject(msgspec.Struct, frozen=True):
    """Put an event from outside, such as a host name, into the stream; its `at` is set there."""

    event: Event


class SetAsnLookup(msgspec.Struct, frozen=True):
    """Begin or stop to look up AS numbers of the addresses on the path."""

    origins: bool


class QueryRegistry(msgspec.Struct, frozen=True):
    """Query the registry for its record of an address: `events.RegistryRecord` follows."""

    address: str


Command: TypeAlias = (
    Switch
    | TakeTurns
    | FindWays
    | WatchWays
    | StopWays
    | FindPathMtu
    | StopPathMtu
    | GoBack
    | SetPace
    | Reset
    | Inject
    | SetAsnLookup
    | QueryRegistry
)


class Source(Protocol):
    """Makes the events of a stream."""

    def run(self, sink: Sink) -> None:
        """Emit events until the end or `stop`; blocks. May raise `SourceError` before the first."""
        ...

    def command(self, command: Command) -> None:
        """Ask for a change, which takes effect soon; thread-safe."""
        ...

    def stop(self) -> None:
        """End soon: `run` emits `SessionEnded` and returns; thread-safe, and safe for signals."""
        ...


class SourceError(Exception):
    """The local machine or network cannot do what was asked; `str()` is one line to show."""


class TemporaryError(SourceError):
    """It may be over soon: a resolver that does not answer, for example."""
