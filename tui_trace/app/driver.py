"""Where the view is drawn."""

import sys
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class StdoutDriver(LinuxDriver):
    """On standard output, so that standard error can go to a file; Textual draws on the latter."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As Textual makes it."""
        super().__init__(*arguments, **named)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__
