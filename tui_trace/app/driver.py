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

    def start_application_mode(self) -> None:
        """As Textual does; what was switched on before it failed is switched off again."""
        try:
            super().start_application_mode()  # type: ignore[no-untyped-call]
        except Exception:
            if self._writer_runs():
                self.stop_application_mode()
            raise

    def close(self) -> None:
        """As Textual does, if there is anything to close."""
        if self._writer_runs():
            super().close()

    def _writer_runs(self) -> bool:
        return self._writer_thread is not None and self._writer_thread.is_alive()


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
