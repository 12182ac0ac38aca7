"""Error messages: one line for the user, and the traceback on request."""

import errno
import os
import sys
import traceback

from tui_trace.core.sanitize import sanitize

DEBUG = "TUI_TRACE_DEBUG"
"""Environment variable: 1 adds the traceback to the line."""

_spare = bytearray(2 << 20)
"""Freed when something failed, so that there is memory for the message."""
_PACKAGES = {"dns": "dnspython"}
"""Distribution packages whose name differs from the module's."""
_NO_MEMORY = "not enough memory (ulimit -v)"
_UNMAPPED = "failed to map segment"
_OURS = sys.stdlib_module_names | {"tui_trace"}
_NO_THREAD = "can't start new thread"


def one_line(error: BaseException) -> str:
    """Return one sanitized line: the missing resource, or else the name and text of the error."""
    _spare.clear()
    one: BaseException | None = error
    while one is not None:  # the cause may be an earlier error
        known = _missing_resource(one)
        if known is not None:
            return sanitize(known)
        one = one.__cause__ or one.__context__
    words = " ".join(str(error).split()) or "no reason given"
    return sanitize(f"{type(error).__name__}: {words}")


def _missing_resource(error: BaseException) -> str | None:
    """Return which resource of this machine is missing; None if the error has another cause."""
    said = None
    match error:
        case ModuleNotFoundError(name=str(name)) if (module := name.partition(".")[0]) not in _OURS:
            package = _PACKAGES.get(module, module.replace("_", "-"))
            said = f"the package {package} is missing: pip install tui-trace"
        case ImportError(msg=str(words)) if _UNMAPPED in words:
            said = _NO_MEMORY
        case MemoryError() | OSError(errno=errno.ENOMEM):
            said = _NO_MEMORY
        case RuntimeError() if str(error) == _NO_THREAD:
            said = "cannot start more threads (ulimit -u and -v)"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            said = "cannot open more files (ulimit -n)"
        case OSError(filename=str(name)) if name.startswith("/proc/"):
            said = f"{name}: {error.strerror}: /proc must be mounted"
    return said


def is_debugging() -> bool:
    """Return whether the environment asks for tracebacks."""
    return os.environ.get(DEBUG) == "1"


def format_traceback(error: BaseException) -> str:
    """Return the traceback, with a line end."""
    return "".join(traceback.format_exception(error))
