"""Where the program begins and ends, whatever is missing and whatever breaks in between.

This module imports nothing but the standard library, so that a package that is missing is one
line, too.
"""

import sys
import threading
import warnings
from typing import NoReturn

from tui_trace.cli import standard_streams
from tui_trace.core import error_messages
from tui_trace.core.stopping import end_by_signals

CANNOT = 1


def run() -> NoReturn:
    """The console script; every error is one line on standard error."""
    standard_streams.prepare_streams()
    end_by_signals()
    threading.excepthook = _thread_broke
    if not error_messages.is_debugging():
        # what the interpreter says of objects half made when something else failed
        sys.unraisablehook = lambda _: None
        warnings.simplefilter("ignore")
    code = _outcome()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = _unwritten(error) or code
    sys.exit(code)


def _outcome() -> int:
    try:
        from tui_trace.cli.main import main

        return main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        return _unwritten(error) if standard_streams.broke(error) else _told(error)


def _unwritten(error: BaseException) -> int:
    """A reader that went away has seen what it wanted."""
    if isinstance(error, BrokenPipeError):
        return 0
    return _say(f"cannot write: {getattr(error, 'strerror', None) or error}")


def _told(error: BaseException) -> int:
    line = error_messages.one_line(error)
    if error_messages.is_debugging():
        sys.stderr.write(error_messages.format_traceback(error))
    return _say(line)


def _say(line: str) -> int:
    sys.stderr.write(f"tui-trace: {line}\n")
    return CANNOT


def _thread_broke(broken: threading.ExceptHookArgs) -> None:
    if broken.exc_value is not None and not isinstance(broken.exc_value, SystemExit):
        _told(broken.exc_value)
