"""Start and end of the program, with one line for any error in between.

This module imports only the standard library, so that a missing package is reported in one line,
too.
"""

import logging
import sys
import threading
import warnings
from typing import NoReturn

from tui_trace.cli import standard_streams
from tui_trace.core import error_messages
from tui_trace.core.stopping import end_by_signals

CANNOT = 1


def run() -> NoReturn:
    """Run the console script; every error is one line on standard error."""
    standard_streams.prepare_streams()
    end_by_signals()
    threading.excepthook = _report_thread_error
    if not error_messages.is_debugging():
        # no messages of the interpreter about objects that were not fully made before an error
        sys.unraisablehook = lambda _: None
        # nor the log of a library, which would stand beside our line, or across the view
        logging.getLogger().addHandler(logging.NullHandler())
        warnings.simplefilter("ignore")
    code = _run_main()
    try:
        sys.stdout.flush()
    except OSError as error:
        code = _report_write_error(error) or code
    sys.exit(code)


def _run_main() -> int:
    try:
        from tui_trace.cli.main import main

        return main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        return (
            _report_write_error(error)
            if standard_streams.is_output_failure(error)
            else _report_error(error)
        )


def _report_write_error(error: BaseException) -> int:
    """Report that an output failed; a reader that closed the pipe is not an error."""
    if isinstance(error, BrokenPipeError):
        return 0
    return _print_line(f"cannot write: {getattr(error, 'strerror', None) or error}")


def _report_error(error: BaseException) -> int:
    line = error_messages.one_line(error)
    if error_messages.is_debugging():
        sys.stderr.write(error_messages.format_traceback(error))
    return _print_line(line)


def _print_line(line: str) -> int:
    sys.stderr.write(f"tui-trace: {line}\n")
    return CANNOT


def _report_thread_error(broken: threading.ExceptHookArgs) -> None:
    if broken.exc_value is not None and not isinstance(broken.exc_value, SystemExit):
        _report_error(broken.exc_value)
