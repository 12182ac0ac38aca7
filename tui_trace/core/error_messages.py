"""What went wrong, in one line for the user; and the whole of it for who asks."""

import errno
import os
import sys
import traceback

from tui_trace.core.sanitize import sanitize

DEBUG = "TUI_TRACE_DEBUG"
"""Set to 1 in the environment, it brings the traceback beside the line."""

_spare = bytearray(2 << 20)
"""Given back when something failed, so that there is memory to say so."""
_PACKAGES = {"dns": "dnspython"}
"""Packages whose name is not that of what is imported."""
_NO_MEMORY = "there is not enough memory (ulimit -v)"
_UNMAPPED = "failed to map segment"
_OURS = sys.stdlib_module_names | {"tui_trace"}
_NO_THREAD = "can't start new thread"


def one_line(error: BaseException) -> str:
    """One harmless line that says what is missing, or else names the error."""
    _spare.clear()
    one: BaseException | None = error
    while one is not None:  # what failed while another was dealt with is not what is missing
        known = _missing_resource(one)
        if known is not None:
            return sanitize(known)
        one = one.__cause__ or one.__context__
    words = " ".join(str(error).split()) or "no reason given"
    return sanitize(f"{type(error).__name__}: {words}")


def _missing_resource(error: BaseException) -> str | None:
    """What this machine does not give; None if it is something else that failed."""
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
            said = "no more threads can be started here (ulimit -u and -v)"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            said = "no more files can be opened here (ulimit -n)"
        case OSError(filename=str(name)) if name.startswith("/proc/"):
            said = f"{name}: {error.strerror}: /proc has to be mounted"
    return said


def is_debugging() -> bool:
    """The environment asks for tracebacks."""
    return os.environ.get(DEBUG) == "1"


def format_traceback(error: BaseException) -> str:
    """The traceback, with its line end."""
    return "".join(traceback.format_exception(error))
