"""The driver of the terminal: it draws the view and reads the keys."""

import asyncio
import contextlib
import os
import select
import sys
import termios
import threading
from collections.abc import Callable
from typing import IO, Any, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from tui_trace.app.job_control import is_foreground
from tui_trace.app.keyboard import Keyboard

LARGEST = (1000, 500)
"""Columns and rows that are drawn at most, whatever the terminal or the environment says."""
_MOST_WAITING = 1024
"""Keys and the like that wait for the view; what comes while so many do is dropped."""
_CHUNK = 4096


class TerminalError(OSError):
    """The terminal cannot be read or written any more."""


class StdoutDriver(LinuxDriver):
    """A driver on standard output, so that standard error can go to a file.

    The size of the screen comes from the kernel alone, not from what the terminal sends.
    """

    def __init__(self, app: Any, **named: Any) -> None:
        """Create the driver; it calls `app.terminal_lost` when nothing can be drawn."""
        super().__init__(app, **named)
        self._lock = threading.Lock()
        self._handed = 0
        """Messages that are on their way into the queue of the view."""
        if sys.__stdout__ is not None:
            self._file = cast("Any", _Screen(sys.__stdout__, app.terminal_lost))

    def start_application_mode(self) -> None:
        """Start; what was switched on before a failure is switched off again."""
        try:
            super().start_application_mode()  # type: ignore[no-untyped-call]
        except Exception:
            if self.is_drawing:
                self.stop_application_mode()
            raise

    def stop_application_mode(self) -> None:
        """Stop, and leave the terminal as it was; without effect while it is not in use."""
        if self.is_drawing:
            super().stop_application_mode()

    def disable_input(self) -> None:
        """Read no more; a terminal that is not in use is left alone (SIGTTOU would stop us)."""
        if self.is_drawing:
            super().disable_input()

    def close(self) -> None:
        """Close what was opened."""
        if self.is_drawing:
            super().close()

    def abandon(self) -> None:
        """Use the terminal no more, and leave it as it is: it is somebody else's."""
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()
        self.close()

    def write(self, data: str) -> None:
        """Write, unless the terminal is not in use: it is suspended, and drawn anew later."""
        if self.is_drawing:
            super().write(data)

    @property
    def is_drawing(self) -> bool:
        """Return whether the terminal is in use."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def _get_terminal_size(self) -> tuple[int, int]:
        columns, rows = super()._get_terminal_size()
        return min(columns, LARGEST[0]), min(rows, LARGEST[1])

    def _query_in_band_window_resize(self) -> None:
        """Do not ask the terminal to send its size: `Keyboard` ignores such messages."""

    def send_message(self, message: Message) -> None:
        """Post a message to the view, unless it is too far behind; the keys to quit always pass."""
        if not (self._has_room() or (isinstance(message, Key) and message.key == "ctrl+c")):
            return
        with self._lock:
            self._handed += 1
        posted = asyncio.run_coroutine_threadsafe(self._app._post_message(message), loop=self._loop)
        posted.add_done_callback(self._taken)

    def _has_room(self) -> bool:
        return self._handed + self._app.message_queue_size < _MOST_WAITING

    def _taken(self, _: object) -> None:
        with self._lock:
            self._handed -= 1

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except BaseException as error:
            self._app.call_later(_raise, error)

    def run_input_thread(self) -> None:
        """Read until the driver stops. `OSError` if the terminal is gone or cannot be read."""
        keyboard = Keyboard()
        while not self.exit_event.is_set():
            # who reads from the background is stopped: what is typed is the shell's
            is_there = select.select([self.fileno], [], [], 0.1)[0]
            if is_there and is_foreground(self.fileno):
                data = os.read(self.fileno, _CHUNK)
                if not data:
                    raise TerminalError("the terminal is gone")
                for message in keyboard.feed(data):
                    self.process_message(message)
            for message in keyboard.tick():
                self.process_message(message)


def _raise(error: BaseException) -> None:
    """Raise the error in the view, which then ends in order."""
    raise error


class _Screen:
    """The file that Textual's thread writes to: an error must not end that thread."""

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


_AS_BEFORE = (
    "\x1b[?2026l"  # a frame that was begun is shown
    "\x1b[?2004l\x1b[?7h\x1b[?2048l"  # pasting, wrapped lines, reports of the size
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"  # mouse and focus
    "\x1b[<u\x1b[?1049l\x1b[?25h"  # keyboard, screen, cursor
)
"""Undoes whatever the driver may have done."""


def restore(terminal: int, settings: list[Any]) -> None:
    """Restore the terminal if the driver cannot; waits for nothing.

    `settings` are those of before (termios(3)). A terminal that takes nothing keeps its screen.
    """
    with contextlib.suppress(termios.error, OSError):
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        termios.tcflush(terminal, termios.TCIFLUSH)
    with contextlib.suppress(OSError):
        # others have the same file open, a shell perhaps, that must not find it like this
        os.set_blocking(1, False)
        try:
            os.write(1, _AS_BEFORE.encode())
        finally:
            os.set_blocking(1, True)
