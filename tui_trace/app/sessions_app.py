"""The app of `--sessions`: the list of recordings, from which one is chosen."""

import signal
import sys
import threading
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_trace.app.config import Config
from tui_trace.app.control.recording_catalog import RecordingCatalog
from tui_trace.app.screens.recordings_screen import RecordingChoice, RecordingsScreen
from tui_trace.app.terminal_app import TerminalApp
from tui_trace.app.themes import sheets
from tui_trace.core import error_messages
from tui_trace.core.sanitize import error_line, sanitize
from tui_trace.core.stopping import Stopping


class SessionsApp(TerminalApp[RecordingChoice]):
    """The list of recordings; after `run`, `return_value` is what was chosen, or None."""

    CSS = sheets("live", "reading")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend", "suspend", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, config: Config, message: str = "", before: Path | None = None) -> None:
        """For `message` and `before` see `RecordingsScreen`; `ConfigError` as for the live view."""
        super().__init__(config)
        self._limits = config.recordings.kept()
        self._message = message
        self._before = before
        self._catalog = RecordingCatalog(
            lambda rows: self.call_later(self._recordings.show_rows, rows)
        )

    def get_default_screen(self) -> Screen[None]:
        """Return the list."""
        self._recordings = RecordingsScreen(
            self._limits,
            choose=self._choose,
            changed=self._catalog.refresh,
            message=self._message,
            before=self._before,
        )
        return self._recordings

    def on_mount(self) -> None:
        """Begin to list the recordings."""
        self.call_after_refresh(self._catalog.start)

    def show_line(self, line: str) -> None:
        """Show a line below the list, for a moment."""
        self._recordings.show_message(line)

    def show_error(self, line: str) -> None:
        """Show an unexpected error below the list."""
        self._recordings.show_message(line)

    def _choose(self, choice: RecordingChoice) -> None:
        self.exit(choice)

    def close_catalog(self) -> None:
        """Look at the folder no more."""
        self._catalog.stop()


def choose_recording(
    config: Config, message: str = "", before: Path | None = None
) -> RecordingChoice | int:
    """Let the user choose a recording; return it, or the exit code. See `SessionsApp`."""
    app = SessionsApp(config, message, before)
    usual, threading.excepthook = threading.excepthook, app.thread_broke
    with Stopping(app.leave_by_signal, app.restore_terminal, frozenset({signal.SIGQUIT})):
        app.run()
        threading.excepthook = usual
        app.close_catalog()
    if app.failure is not None:
        if error_messages.is_debugging():
            sys.stderr.writelines(f"{sanitize(line)}\n" for line in app.details.splitlines())
        sys.stderr.write(error_line(app.failure))
    return app.return_value or app.return_code or 0
