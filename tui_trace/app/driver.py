"""Where the view is drawn."""

import contextlib
import os
import sys
import termios
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class StdoutDriver(LinuxDriver):
    """On standard output, so that standard error can go to a file; Textual draws on the latter."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As Textual makes it."""
        super().__init__(*arguments, **named)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__


_AS_BEFORE = (
    "\x1b[?2026l"  # a frame that was begun is shown
    "\x1b[?2004l\x1b[?7h\x1b[?2048l"  # pasting, wrapped lines, reports of the size
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"  # mouse and focus
    "\x1b[<u\x1b[?1049l\x1b[?25h"  # keyboard, screen, cursor
)
"""Undoes whatever the driver may have done."""


def restore(terminal: int, settings: list[Any]) -> None:
    """Undo what the driver did, when it cannot any more; waits for nothing.

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
