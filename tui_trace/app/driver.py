"""Where the view is drawn."""

import sys
from collections.abc import Callable
from typing import IO, Any, cast

from textual.drivers.linux_driver import LinuxDriver


class StdoutDriver(LinuxDriver):
    """On standard output, so that standard error can go to a file; Textual draws on the latter."""

    def __init__(self, app: Any, **named: Any) -> None:
        """As Textual makes it; `app` is told by `terminal_lost` when nothing can be drawn."""
        super().__init__(app, **named)
        if sys.__stdout__ is not None:
            self._file = cast("Any", _Screen(sys.__stdout__, app.terminal_lost))


class _Screen:
    """What Textual's thread writes to: an error would end that thread, and the view with it."""

    def __init__(self, file: IO[str], lost: Callable[[OSError], None]) -> None:
        self._file = file
        self._lost: Callable[[OSError], None] | None = lost
        self.fileno = file.fileno

    def write(self, text: str) -> None:
        self._try(lambda: self._file.write(text))

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            lost, self._lost = self._lost, None
            if lost is not None:
                lost(error)
