"""The program where Linux's sockets, calls and folders are missing, as on macOS.

What macOS lacks is read from typeshed, which mypy brings: its stubs say by `sys.platform` what each
system has, and are held against CPython on macOS and on Linux.
"""

import ast
import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import util
from pathlib import Path

_MODULES = {
    "_socket": ("_socket", "socket"),
    "errno": ("errno",),
    "fcntl": ("fcntl",),
    "os": ("os", "posix"),
    "resource": ("resource",),
    "select": ("select",),
    "signal": ("signal", "_signal"),
    "socket": ("socket",),
    "termios": ("termios",),
    "time": ("time",),
}
"""Stubs, and the modules that each of them describes."""

LIBC = (
    "capget", "capset", "epoll_create1", "eventfd", "prctl", "recvmmsg", "sendmmsg", "setns",
    "setresgid", "setresuid", "unshare",
)  # fmt: skip
"""Calls of Linux that a program may ask libc for; the manual pages call them Linux's own."""

_HIDE = """
import os, sys
lacking = {lacking}
modules = {{name: __import__(name) for name in lacking}}
for name, names in lacking.items():
    for one in names:
        vars(modules[name]).pop(one, None)
        for kind in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            kind.discard(one)
del modules
for name in {imported}:
    sys.modules.pop(name, None)
name, node, *_ = os.uname()
here = os.uname_result(("Darwin", node, "24.0.0", "Darwin Kernel Version 24.0.0", "arm64"))
os.uname = lambda: here
import sysconfig

sysconfig.get_config_vars()  # its data are those of the real system
sys.platform = "darwin"

def hide(event, given):
    if event in ("open", "os.listdir", "os.scandir", "os.chdir"):
        path = given[0]
        path = os.fsdecode(path) if isinstance(path, (str, bytes)) else ""
        if path.startswith(("/proc", "/sys/", "/run/")):
            raise FileNotFoundError(2, "No such file or directory", path)
    elif event == "ctypes.dlsym" and given[1] in {libc}:
        raise AttributeError(f"dlsym(RTLD_DEFAULT, {{given[1]}}): symbol not found")

sys.addaudithook(hide)

def pair(family=None, type=1, proto=0):
    if type == socket.SOCK_SEQPACKET:
        raise OSError(43, "Protocol not supported")
    return socketpair(family, type, proto)

import ctypes, socket
socketpair, socket.socketpair = socket.socketpair, pair

@ctypes.CFUNCTYPE(ctypes.c_int)
def sysctl():
    return -1

ctypes.CDLL.sysctl = sysctl  # scapy asks it for routes; Linux has no such call
"""
_RUN = """
from tui_trace.cli.entry import run
run()
"""


def lacking(system: str = "darwin") -> dict[str, list[str]]:
    """What CPython's modules have on Linux and not on another system, by module."""
    found: dict[str, list[str]] = {}
    for stub, modules in _MODULES.items():
        names = sorted(_names(stub, "linux") - _names(stub, system))
        for module in modules:
            found[module] = sorted({*found.get(module, ()), *names})
    return found


@cache
def code(then: str = _RUN) -> str:
    """A program that hides what macOS lacks, and then runs tui-trace, or other code."""
    hide = _HIDE.format(lacking=json.dumps(lacking()), libc=LIBC, imported=("selectors",))
    return hide + then


def command(*words: str) -> list[str]:
    """The command line of tui-trace as it would be on macOS."""
    return [sys.executable, "-c", code(), *words]


@cache
def _names(stub: str, system: str) -> frozenset[str]:
    spec = util.find_spec("mypy")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "typeshed" / "stdlib" / f"{stub}.pyi"
    if not path.exists():
        path = path.with_suffix("") / "__init__.pyi"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(_defined(tree.body, system))


def _defined(body: Sequence[ast.stmt], system: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.If(test=test):
                yield from _defined(node.body if _holds(test, system) else node.orelse, system)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))
            case ast.ImportFrom(names=names):
                yield from (each.asname or each.name for each in names)


def _holds(test: ast.expr, system: str) -> bool:
    """Whether a condition of a stub is so; it has only `sys.platform` and `sys.version_info`."""
    names = {"sys": _System(system), "TYPE_CHECKING": True}
    return bool(eval(compile(ast.Expression(test), "stub", "eval"), {"__builtins__": {}}, names))


class _System:
    """`sys` of another system, of the same version of Python."""

    version_info = sys.version_info

    def __init__(self, platform: str) -> None:
        self.platform = platform
