"""The progress of a report, for a user who waits at a terminal."""

from typing import TextIO

from tui_trace.core.events import Event, PaceSet, PathEnd, RoundBegan, SessionEnded
from tui_trace.core.settings import NS_PER_MS, NS_PER_S
from tui_trace.core.stream import Sink

PATIENCE = 2 * NS_PER_S
"""A report that is done before needs no word."""
_EVERY = 200 * NS_PER_MS
_CLEAR = "\r\x1b[K"


class Progress:
    """Passes the stream on, and shows the progress in one line of a terminal until the end."""

    def __init__(self, sink: Sink, terminal: TextIO) -> None:
        """Show nothing before `PATIENCE` has passed."""
        self._sink = sink
        self._terminal = terminal
        self._round = 0
        self._rounds: int | None = None
        self._hops = 0
        self._next = PATIENCE
        self._shown = False

    def event(self, event: Event) -> None:
        match event:
            case RoundBegan(round=number):
                self._round = number
            case PaceSet(pace=pace):
                self._rounds = pace.rounds
            case PathEnd(ttl=ttl):
                self._hops = ttl
            case SessionEnded():
                self._write(_CLEAR if self._shown else "")
                self._next = event.at + 3600 * NS_PER_S
        self._sink.event(event)

    def pulse(self, at: int) -> None:
        """Show the progress, five times a second at most."""
        if at >= self._next:
            self._next = at + _EVERY
            self._shown = True
            of = f" of {self._rounds}" if self._rounds else ""
            hops = f", {self._hops} hops" if self._hops else ""
            self._write(f"{_CLEAR}round {self._round}{of}{hops}, {at // NS_PER_S} s")
        self._sink.pulse(at)

    def _write(self, text: str) -> None:
        try:
            self._terminal.write(text)
            self._terminal.flush()
        except OSError:
            self._next = 1 << 62
