"""The stream of events as JSON lines."""

import contextlib
import os
from collections.abc import Callable
from typing import BinaryIO

from tui_trace.events import Event, encode


class JsonLines:
    """Writes every event at once, one line each.

    When nobody reads any more, or nothing more can be written, it asks for an end and swallows
    what is still to come.
    """

    def __init__(self, stream: BinaryIO, stop: Callable[[], None]) -> None:
        """`stop` ends the source: `Source.stop`."""
        self._stream = stream
        self._stop = stop
        self.failure: OSError | None = None
        """Why writing failed; None too if the reader merely went away."""

    def event(self, event: Event) -> None:
        """Write one event."""
        try:
            self._stream.write(encode(event) + b"\n")
            self._stream.flush()
        except BrokenPipeError:
            self._give_up()
        except OSError as error:
            self.failure = error
            self._give_up()

    def pulse(self, at: int) -> None:
        """Nothing to do: every line is out already."""

    def _give_up(self) -> None:
        # What could not be written waits in the stream's buffer, and the interpreter would
        # complain of it on its way out: let that drain, and what follows, where nothing fails.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stop()
