"""What went wrong, in one line for the user; and the whole of it for who asks."""

import errno
import os
import traceback

from tui_trace.text import clean

DEBUG = "TUI_TRACE_DEBUG"
"""Set to 1 in the environment, it brings the traceback beside the line."""

_PACKAGES = {"dns": "dnspython"}
"""Packages whose name is not that of what is imported."""
_NO_THREAD = "can't start new thread"


def line(error: BaseException) -> str:
    """One harmless line that says what is missing, or else names the error."""
    match error:
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] != "tui_trace":
            module = name.partition(".")[0]
            package = _PACKAGES.get(module, module.replace("_", "-"))
            return clean(f"the package {package} is missing: pip install tui-trace")
        case MemoryError():
            return "there is not enough memory (ulimit -v)"
        case RuntimeError() if str(error) == _NO_THREAD:
            return "no more threads can be started here (ulimit -u)"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "no more files can be opened here (ulimit -n)"
        case OSError(filename=str(name)) if name.startswith("/proc/"):
            return clean(f"{name}: {error.strerror}: /proc has to be mounted")
    words = " ".join(str(error).split()) or "no reason given"
    return clean(f"{type(error).__name__}: {words}")


def details(error: BaseException) -> str:
    """The traceback, with its line end, if the environment asks for it; else nothing."""
    if os.environ.get(DEBUG) != "1":
        return ""
    return "".join(traceback.format_exception(error))
