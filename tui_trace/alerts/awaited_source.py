"""A source that is waited for: `--watch` begins as soon as what it needs is there."""

import threading
import time
from collections.abc import Callable

from tui_trace.core.stream import Command, Sink, Source, TemporaryError

FIRST_PAUSE = 5.0
"""Seconds until it is tried again; each time twice as long, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 60.0
_SLICE = 1.0
"""Seconds between two signs of life while it waits."""


class AwaitedSource:
    """A source that cannot be opened yet, because something of the network does not work."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        failed: Callable[[str], object],
        alive: Callable[[], object],
    ) -> None:
        """`open_source` may block, and may raise `SourceError`.

        `failed` gets a line on each `TemporaryError` whose text is new. `alive` is called again
        and again meanwhile.
        """
        self._open = open_source
        self._failed = failed
        self._alive = alive
        self._source: Source | None = None
        self._stopping = threading.Event()

    def run(self, sink: Sink) -> None:
        """Run as soon as it can be opened; blocks. `SourceError` for what no waiting helps."""
        pause, said = FIRST_PAUSE, ""
        while not self._stopping.is_set():
            try:
                self._source = self._open()
                break
            except TemporaryError as error:
                if said != (said := str(error)):
                    self._failed(f"{said}; tried again until it works")
            until = time.monotonic() + pause
            while time.monotonic() < until and not self._stopping.wait(_SLICE):
                self._alive()
            pause = min(2 * pause, LONGEST_PAUSE)
        if self._source is not None and not self._stopping.is_set():
            self._source.run(sink)

    def command(self, command: Command) -> None:
        """Pass the command on to the session of now."""
        if self._source is not None:
            self._source.command(command)

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        if self._source is not None:
            self._source.stop()
