"""Where events come from and where they go: the two ends of the one stream.

A source runs in a thread of its own (or in the main one, for reports) and hands every event to
one sink, in order. No sink knows which source it has.
"""

from typing import Protocol, TypeAlias

import msgspec

from tui_trace.core.events import Event
from tui_trace.core.settings import Pace, ProbeSettings


class Sink(Protocol):
    """Takes the stream. Called from the source's thread only."""

    def event(self, event: Event) -> None:
        """Take one event."""
        ...

    def pulse(self, at: int) -> None:
        """All that happened up to `at` (ns since the session began) has been handed over.

        Called after each batch of events and at least ten times a second, so that a view goes on
        when nothing arrives.
        """
        ...


class Switch(msgspec.Struct, frozen=True):
    """Probe with these settings from now on."""

    settings: ProbeSettings


class AlternateSettings(msgspec.Struct, frozen=True):
    """Probe with the one and the other, round by round in turns, in two new runs."""

    first: ProbeSettings
    second: ProbeSettings


class ProbeTemporarily(msgspec.Struct, frozen=True):
    """Probe with these settings for some rounds, in a new run, then as before."""

    settings: ProbeSettings
    rounds: int
    """From 1 on."""


class SetPace(msgspec.Struct, frozen=True):
    """Probe at this pace from now on."""

    pace: Pace


class Reset(msgspec.Struct, frozen=True):
    """Close the run and start one with the same settings."""


class Inject(msgspec.Struct, frozen=True):
    """Put an event from outside (a name that was found) into the stream; its `at` is set then."""

    event: Event


class SetAsnLookup(msgspec.Struct, frozen=True):
    """Ask for AS numbers of the addresses on the path from now on, or no more."""

    origins: bool


class QueryRegistry(msgspec.Struct, frozen=True):
    """Ask the registry for its record of an address: `events.Registered` follows."""

    address: str


Command: TypeAlias = (
    Switch
    | AlternateSettings
    | ProbeTemporarily
    | SetPace
    | Reset
    | Inject
    | SetAsnLookup
    | QueryRegistry
)


class Source(Protocol):
    """Makes the stream."""

    def run(self, sink: Sink) -> None:
        """Emit until the end or `stop`; blocks. May raise `SourceError` before the first event."""
        ...

    def command(self, command: Command) -> None:
        """Ask for a change; thread-safe, takes effect at once."""
        ...

    def stop(self) -> None:
        """End soon: `run` emits `SessionEnded` and returns; thread-safe and from a signal too."""
        ...


class SourceError(Exception):
    """This machine or network cannot give what was asked; `str()` is the one line to show."""
