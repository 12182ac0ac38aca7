"""The live view from start to end, for the command line."""

import contextlib
import os
import shutil
import signal
import sys
import threading

from tui_trace.app.app import TraceApp
from tui_trace.app.render.final_table import format_final_table
from tui_trace.core import error_messages
from tui_trace.core.sanitize import error_line, sanitize
from tui_trace.core.stopping import Stopping


def run_live(app: TraceApp) -> int:
    """Run the view, print the last table, and report errors on stderr; return the exit code."""
    usual, threading.excepthook = threading.excepthook, app.thread_broke
    with Stopping(app.leave_by_signal, app.restore_terminal, frozenset({signal.SIGQUIT})):
        app.run()
        threading.excepthook = usual
        _say_goodbye(app)
    return app.return_code or 0


def _say_goodbye(app: TraceApp) -> None:
    with contextlib.suppress(OSError):  # the terminal is gone: that is why we leave
        sys.stdout.write(_parting(app))
        if app.lab.answer:
            sys.stdout.write(f"{sanitize(app.lab.answer)}\n")
        sys.stdout.flush()
    if app.failure is None:
        return
    with contextlib.suppress(OSError):
        if error_messages.is_debugging():
            sys.stderr.writelines(f"{sanitize(line)}\n" for line in app.details.splitlines())
        sys.stderr.write(error_line(app.failure))


def _parting(app: TraceApp) -> str:
    snapshot = app.last_snapshot
    if snapshot is None or not snapshot.run.hops:
        return ""
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    try:
        width = shutil.get_terminal_size().columns
        return format_final_table(snapshot, width, color, app.live.columns, app.live.label_mode)
    except Exception:
        if app.failure is None:
            raise
        return ""  # what broke the view breaks the table too: one line about it will do
