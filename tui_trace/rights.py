"""Giving up rights for good, once what needs them is open. capabilities(7), prctl(2)."""

import ctypes
import os
import sys
import threading
from pathlib import Path

_CAP_NET_RAW = 13
_VERSION_3 = 0x2008_0522
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_MAX_CAPABILITY = 63


class _Head(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def has_net_raw() -> bool:
    """This thread may open raw sockets, as far as capabilities go."""
    return bool(_effective() >> _CAP_NET_RAW & 1)


def keep_modules_in_reach() -> None:
    """Let root import from a private home after the capabilities are gone, too.

    What is imported only when it is needed (statistics) is then found by way of folders that are
    open already, so that nobody looks at those above them. What is there must be readable itself.
    """
    if os.geteuid() == 0:
        for folder in [
            entry for entry in sys.path if os.path.isabs(entry) and os.path.isdir(entry)
        ]:
            handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            sys.path.append(f"/proc/self/fd/{handle}")


def drop_capabilities() -> None:
    """Give up every capability for good: of this process, and of all that it ever executes.

    Capabilities are a thread's own, so this comes before any thread is started: `RuntimeError` if
    there are others. `OSError` if the kernel refuses or any capability is left. The user id stays
    as it is; a root without capabilities regains none, for the bounding set is empty where the
    kernel allows that, and no new privileges may come by exec.
    """
    if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("capabilities must be dropped before the first thread starts")
    libc = ctypes.CDLL(None, use_errno=True)

    def prctl(option: int, *values: int) -> int:
        arguments = (*values, 0, 0, 0, 0)[:4]
        return int(libc.prctl(option, *map(ctypes.c_ulong, arguments)))

    for capability in range(_MAX_CAPABILITY + 1):
        # EINVAL: past the kernel's last; EPERM: no CAP_SETPCAP, and no_new_privs must do
        prctl(_PR_CAPBSET_DROP, capability)
    if prctl(_PR_SET_NO_NEW_PRIVS, 1) != 0:
        raise _failure("PR_SET_NO_NEW_PRIVS")
    # The ambient set follows: it holds nothing that is not permitted and inheritable.
    nothing = (_Sets * 2)()
    if libc.capset(ctypes.byref(_Head(_VERSION_3, 0)), ctypes.byref(nothing)) != 0:
        raise _failure("capset")
    if _effective():
        raise OSError("capabilities are left after capset")


def _failure(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _effective() -> int:
    for line in Path("/proc/thread-self/status").read_text("utf-8", "replace").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
