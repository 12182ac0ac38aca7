"""Lines to standard output that nobody has to wait for: a full pipe does not stop the probes."""

import os
import queue
import threading
from collections.abc import Callable
from typing import TextIO

from tui_trace.core.sanitize import error_line

MOST_WAITING = 10_000
"""Lines that wait for a reader; with more, the newest are dropped."""


class LogOutput:
    """Writes lines in a thread of its own, each as soon as it can be written."""

    def __init__(self, stream: TextIO, stop: Callable[[], object], errors: TextIO) -> None:
        """`stop` is called if the reader goes away. Another failure is one line in `errors`."""
        self._file = stream.fileno()
        self._encoding = stream.encoding, stream.errors or "strict"
        self._stop = stop
        self._errors = errors
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Write a line soon; thread-safe."""
        if self._lines.qsize() < MOST_WAITING:
            self._lines.put(line)

    def close(self, timeout: float) -> None:
        """Wait at most `timeout` seconds until all is written."""
        self._lines.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{line}\n".encode(*self._encoding)
            try:
                while data:
                    data = data[os.write(self._file, data) :]
            except BrokenPipeError:
                self._stop()
                return
            except OSError as error:
                # the disk may have room again
                if not self._has_failed:
                    self._has_failed = True
                    self._errors.write(error_line(f"standard output: {error.strerror}"))
