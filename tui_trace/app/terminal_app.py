"""The base of what fills the terminal: colours, signals, and a clean way out."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
import threading
from typing import Any, ClassVar

from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App, ReturnType
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from tui_trace.app.config import Config, ConfigError
from tui_trace.app.job_control import NO_JOB_CONTROL, JobControl
from tui_trace.app.keys_in_turn import KeysInTurn
from tui_trace.app.stdout_driver import StdoutDriver, restore
from tui_trace.app.themes import DEFAULT_THEME, NIGHT
from tui_trace.core import error_messages
from tui_trace.core.durations import format_duration
from tui_trace.core.settings import NS_PER_S


def _terminal_settings() -> list[Any] | None:
    try:
        return termios.tcgetattr(sys.__stdin__) if sys.__stdin__ else None
    except (termios.error, ValueError):
        return None


class TerminalApp(KeysInTurn[ReturnType]):
    """An app that ends in order, whatever ends it.

    After `run`, `return_code` is the exit code, and `failure` the one line that stderr should get.
    """

    TITLE = "tui-trace"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+backslash", "abort", show=False, priority=True),
    ]

    def __init__(self, config: Config) -> None:
        """`ConfigError` if the config names a theme that is not there."""
        # With NO_COLOR Textual turns colours to grey, or, in its ANSI mode, leaves them out.
        super().__init__(
            driver_class=StdoutDriver, ansi_color=True if "NO_COLOR" in os.environ else None
        )
        self.register_theme(NIGHT)
        theme = config.theme or DEFAULT_THEME
        if theme not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            raise ConfigError(f"{config.path}: theme: no {theme!r}; there are {known}")
        # set before the first style sheet is read, or everything would be styled twice
        self.set_reactive(App.theme, theme)
        self.stylesheet.set_variables(self.get_css_variables())
        self.animation_level = "none"
        self._terminal = _terminal_settings()
        self._probes_on = config.suspended == "probe"
        self._jobs: JobControl | None = None
        """There is one on a terminal."""
        self._may_stop = signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN
        self._view_loop: asyncio.AbstractEventLoop | None = None
        self._signal: int | None = None
        self.failure: str | None = None
        """One line, if something broke."""
        self.details = ""
        """A traceback, for those who ask for it."""

    def on_mount(self) -> None:
        """Learn how to be left; a signal may have come already."""
        self._view_loop = asyncio.get_running_loop()
        if isinstance(self._driver, StdoutDriver):
            self._jobs = JobControl(
                self._driver,
                may_stop=self._may_stop,
                probes_on=self._probes_on,
                # in a message, or Textual does not know whose timers these are
                came_back=lambda seconds: self.call_later(self._on_came_back, seconds),
            )
        if self._signal is not None:
            self.leave_by_signal(self._signal)

    def leave_by_signal(self, number: int) -> None:
        """Leave as soon as the view is there; thread-safe."""
        self._signal = number
        code = 0 if number == signal.SIGINT else 128 + number
        if self._view_loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are leaving
                self._view_loop.call_soon_threadsafe(self.call_next, self._leave, code)

    def restore_terminal(self) -> None:
        """Put the terminal back as it was, from any thread, and wait for nothing."""
        if self._jobs is not None and self._jobs.is_away:
            return
        if self._terminal is not None and sys.__stdin__ is not None:
            restore(sys.__stdin__.fileno(), self._terminal)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Show an update of the screen; in a real terminal only the cells that differ."""
        driver = self._driver
        if not (isinstance(driver, StdoutDriver) and isinstance(renderable, CompositorUpdate)):
            super()._display(screen, renderable)
            return
        try:
            if not self._batch_count and self._running and not self._closed:
                x, y = self.cursor_position
                # an input method opens its window there; elsewhere nobody sees the cursor
                driver.show(renderable, (y, x) if isinstance(self.focused, Input) else None)
        except Exception as error:
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def stop_painting(self) -> None:
        """Show nothing more: the terminal shall be free for what is written last."""
        if isinstance(self._driver, StdoutDriver):
            self._driver.stop_painting()

    async def _leave(self, code: int) -> None:
        self.stop_painting()
        self.exit(return_code=code or int(self.failure is not None))

    async def action_leave(self) -> None:
        """Quit (`q`, Ctrl-C)."""
        await self._leave(0)

    def action_abort(self) -> None:
        """Send SIGQUIT (Ctrl-\\), as a terminal does outside the view."""
        os.kill(os.getpid(), signal.SIGQUIT)

    async def action_quit(self) -> None:
        """Quit where Textual itself offers to."""
        await self._leave(0)

    def action_suspend(self) -> None:
        """Give the terminal back to the shell, until `fg` (Ctrl-Z)."""
        if why_not := self._jobs.suspend() if self._jobs is not None else NO_JOB_CONTROL:
            self.show_line(why_not)

    def _on_came_back(self, seconds: float) -> None:
        self.refresh(layout=True)
        self.show_line(f"back after {format_duration(round(seconds * NS_PER_S))}")

    def show_line(self, line: str) -> None:
        """Show a line in place of the keys, for a moment."""

    def show_error(self, line: str) -> None:
        """Show an unexpected error in the view, which goes on."""

    def thread_broke(self, broken: threading.ExceptHookArgs) -> None:
        """Show the unexpected error of a thread in the view, which goes on."""
        if broken.exc_value is not None:
            self.call_later(self.show_error, error_messages.one_line(broken.exc_value))

    def terminal_lost(self, error: OSError) -> None:
        """End the view, which can no longer be drawn; thread-safe."""
        self.failure = f"cannot write to the terminal: {error.strerror}"
        self.call_later(self._leave, 1)

    def _handle_exception(self, error: Exception) -> None:
        """End the view with one line instead of a traceback; the terminal is restored."""
        self._return_code = 1
        # what breaks later broke because the screens were being taken down
        if self._exception is None:
            self.failure = f"display failed (internal error): {error_messages.one_line(error)}"
            self.details = error_messages.format_traceback(error)
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()
