"""The driver of the terminal: it draws the view and reads the keys."""

import contextlib
import curses
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from rich.color import ColorSystem
from textual._compositor import CompositorUpdate
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from tui_trace.app.job_control import is_foreground
from tui_trace.app.keyboard import Keyboard, TerminalAnswer
from tui_trace.app.keys_in_turn import KeysInTurn
from tui_trace.app.terminal import Frame, TerminalOutput

LARGEST = (1000, 500)
"""Columns and rows that are drawn at most, whatever the terminal or the environment says."""
_MOST_WAITING = 4096
"""Keys and the like that wait for the view; what comes while so many do is dropped."""
_CHUNK = 4096


class TerminalError(OSError):
    """The terminal cannot be read or written any more."""


class StdoutDriver(LinuxDriver):
    """A driver on standard output, so that standard error can go to a file.

    The size of the screen comes from the kernel alone, not from what the terminal sends. It writes
    what differs from what the terminal shows, and no more than the terminal takes.
    """

    def __init__(self, app: Any, **named: Any) -> None:
        """Create the driver; it calls `app.terminal_lost` when nothing can be drawn."""
        super().__init__(app, **named)
        self._read: list[Message] = []
        """What was read since messages were last handed on; the input thread's own."""
        self._handed = 0
        """Messages that are on their way into the queue of the view."""
        self._lock = threading.Lock()
        self._terminal_lost: Callable[[OSError], None] = app.terminal_lost
        self._file = self._screen = cast("Any", sys.__stdout__)
        self._frame = Frame()
        self._output: TerminalOutput | None = None
        """None: not in application mode."""

    def start_application_mode(self) -> None:
        """Start; what was switched on before a failure is switched off again."""
        self._output = TerminalOutput(
            self._screen.fileno(),
            (self._screen.encoding, self._screen.errors),
            self._terminal_lost,
            erases_in_colour=_erases_in_colour(),
        )
        try:
            super().start_application_mode()  # type: ignore[no-untyped-call]
            self._output.ask()
        except Exception:
            if self.is_drawing:
                self.stop_application_mode()
            raise
        told_of_size = signal.getsignal(signal.SIGWINCH)

        def size_changed(number: int, stack: FrameType | None) -> None:
            if self._output is not None:
                self._output.forget()
            if callable(told_of_size):
                told_of_size(number, stack)

        signal.signal(signal.SIGWINCH, size_changed)

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was found; what it has not drawn yet is thrown away.

        Without effect while the terminal is not in use.
        """
        if self._output is not None and self.is_drawing:
            self._output.finish()
            super().stop_application_mode()
            self._output.drain()

    def disable_input(self) -> None:
        """Read no more; a terminal that is not in use is left alone (SIGTTOU would stop us)."""
        if self.is_drawing:
            super().disable_input()

    def close(self) -> None:
        """Close what was opened."""
        if self._output is not None:
            self._output.close()
            self._output = None
        if self._writer_runs:
            super().close()

    def abandon(self) -> None:
        """Use the terminal no more, and leave it as it is: it is somebody else's."""
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()
        self.close()

    @property
    def _writer_runs(self) -> bool:
        return self._writer_thread is not None and self._writer_thread.is_alive()

    @property
    def is_drawing(self) -> bool:
        """Return whether the terminal is in use."""
        return self._output is not None and self._writer_runs

    def write(self, data: str) -> None:
        """Write a control sequence that neither moves the cursor nor changes what is shown."""
        if self._output is not None:
            self._output.write(data)

    def show(self, update: CompositorUpdate, cursor: tuple[int, int] | None) -> None:
        """Show what an update changes, as soon as the terminal can take it.

        `cursor`: line and column, from 0, where something is typed; None: nowhere.
        """
        self._frame.update(update, self._app.console._color_system or ColorSystem.TRUECOLOR)
        if self._output is not None:
            self._output.show(
                self._frame.rows, cursor=cursor, synchronized=self._app._sync_available
            )

    def stop_painting(self) -> None:
        """Show nothing more: the view is being left."""
        if self._output is not None:
            self._output.stop_painting()

    def process_message(self, message: Message) -> None:
        """Pass a message on to the view; an answer of the terminal is meant for the driver."""
        if isinstance(message, TerminalAnswer):
            if self._output is not None:
                self._output.answered()
            return
        super().process_message(message)

    def _get_terminal_size(self) -> tuple[int, int]:
        columns, rows = super()._get_terminal_size()
        return min(columns, LARGEST[0]), min(rows, LARGEST[1])

    def _query_in_band_window_resize(self) -> None:
        """Do not ask the terminal to send its size: `Keyboard` ignores such messages."""

    def send_message(self, message: Message) -> None:
        """Post a message to the view, unless it is too far behind; the keys to quit always pass."""
        if self._has_room() or (isinstance(message, Key) and message.key == "ctrl+c"):
            self._read.append(message)

    def _has_room(self) -> bool:
        app = cast("KeysInTurn[object]", self._app)
        waiting = app.message_queue_size + app.waiting_keys
        return len(self._read) + self._handed + waiting < _MOST_WAITING

    def _hand_on(self) -> None:
        """Hand on what was read, all in one go: each time the view's thread has to be waited for.

        For a key at a time, that is a switch interval of the interpreter for each while the view
        is busy.
        """
        if self._read:
            messages, self._read = self._read, []
            with self._lock:
                self._handed += len(messages)
            self._loop.call_soon_threadsafe(self._post, messages)

    def _post(self, messages: list[Message]) -> None:
        with self._lock:
            self._handed -= len(messages)
        for message in messages:
            self._app.post_message(message)

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
            self._hand_on()


def _erases_in_colour() -> bool:
    """Whether the terminal says of itself that erased cells get the background (terminfo(5))."""
    try:
        curses.setupterm(fd=sys.__stdout__.fileno() if sys.__stdout__ else -1)
        return curses.tigetflag("bce") == 1
    except (curses.error, OSError):
        return False


def _raise(error: BaseException) -> None:
    """Raise the error in the view, which then ends in order."""
    raise error


_AS_BEFORE = (
    "\x1b[?2026l\x1b[m"  # a frame that was begun is shown; no colour
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
