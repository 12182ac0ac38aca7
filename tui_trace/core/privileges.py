"""Gives up privileges for good, once the sockets are open. capabilities(7), prctl(2), sudo(8)."""

import contextlib
import ctypes
import os
import pwd
import sys
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

_VERSION_3 = 0x2008_0522
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_MAX_CAPABILITY = 63
_HAS_CAPABILITIES = sys.platform == "linux"
_LARGEST_ID = 0xFFFF_FFFE
"""The number above means "leave it as it is" to setresuid(2)."""
_XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


class RightsError(OSError):
    """The kernel does not allow to give up privileges; `str()` is one line to show."""


class Caller(NamedTuple):
    """The user who called sudo."""

    uid: int
    gid: int
    name: str
    """Name in the password database; empty if the user is not in it."""
    home: str


def caller(environment: Mapping[str, str]) -> Caller | None:
    """Return the user who called sudo, by `SUDO_UID` and `SUDO_GID` (sudo(8), ENVIRONMENT).

    None without sudo, if root called it, or if the variables are no valid numbers.
    """
    uid, gid = (_id(environment.get(name, "")) for name in ("SUDO_UID", "SUDO_GID"))
    if not uid:
        return None
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return None if gid is None else Caller(uid, gid, "", "/")
    return Caller(uid, entry.pw_gid if gid is None else gid, entry.pw_name, entry.pw_dir)


def _id(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal()) or len(text) > 10:
        return None
    number = int(text)
    return number if number <= _LARGEST_ID else None


def give_up_rights(preload: Callable[[], object]) -> None:
    """Become the user who called sudo, and give up every capability, for good.

    Without sudo, root stays root, without capabilities. `preload` is called first if modules could
    not be imported afterwards, because the program is in a home that is closed to that user.
    From then on `HOME` is the home of the user, and the XDG folders are below it. Raises
    `RightsError` if the kernel refuses, and `RuntimeError` if there are other threads, because each
    thread has its own capabilities.
    """
    if threading.active_count() != 1 or _other_tasks():
        raise RuntimeError("rights must be given up before the first thread starts")
    user = caller(os.environ)
    if os.geteuid() == 0:
        if not _stays_readable(user):
            preload()
        _become(user)
    else:
        drop_capabilities()
    if user is not None and user.uid == os.geteuid():
        _settle_in(user)


def act_as_user() -> None:
    """Become the user for whom this program runs, with the rights that they have at a shell.

    Under sudo that is who called it; root without sudo stays root. Whoever is not root has no
    capability, not even one that this program was given, but what they execute may get what it
    always gets: it may be set-user-ID. Raises `RightsError` if the kernel refuses.
    """
    user = caller(os.environ)
    if os.geteuid() == 0 and user is not None:
        _change_user(user)
    if os.geteuid() != 0:
        _clear_capabilities()
    if user is not None and user.uid == os.geteuid():
        _settle_in(user)


def _other_tasks() -> bool:
    with contextlib.suppress(OSError):  # no /proc
        return len(os.listdir("/proc/self/task")) != 1
    return False


def _become(user: Caller | None) -> None:
    _drop_bounding_set()
    if user is not None:
        _change_user(user)
    drop_capabilities()


def _change_user(user: Caller) -> None:
    try:
        if user.name:
            os.initgroups(user.name, user.gid)
        else:
            os.setgroups([user.gid])
        # of root these set the saved numbers, too (POSIX)
        os.setgid(user.gid)
        os.setuid(user.uid)
    except OSError as error:
        who = user.name or str(user.uid)
        raise RightsError(f"cannot become {who}, who called sudo: {error.strerror}") from None
    if not _has_become(user):
        raise RightsError("the kernel did not change the user")


def _has_become(user: Caller) -> bool:
    if sys.platform == "linux":
        return (os.getresuid(), os.getresgid()) == ((user.uid,) * 3, (user.gid,) * 3)
    # without a call that tells the saved user, an attempt does
    with contextlib.suppress(OSError):
        os.setuid(0)
    return (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) == (user[:1] * 2 + user[1:2] * 2)


def _settle_in(user: Caller) -> None:
    """Set the environment to that of the user's own programs."""
    for name in _XDG:
        os.environ.pop(name, None)
    os.environ["HOME"] = user.home
    if user.name:
        os.environ["USER"] = os.environ["LOGNAME"] = user.name


def _stays_readable(user: Caller | None) -> bool:
    """Return whether modules stay readable without privileges: a child process tries it."""
    places = {place for place in _places() if os.path.isdir(place)}
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        status = 1
        try:
            _become(user)
            status = 0 if all(os.access(place, os.R_OK | os.X_OK) for place in places) else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _places() -> set[str]:
    """Return every folder that modules come from."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    folders = {os.path.dirname(file) for file in files if file}
    return folders.union(entry for entry in sys.path if os.path.isabs(entry))


def drop_capabilities() -> None:
    """Give up every capability for good: of this thread, and of all that it ever executes.

    The user stays the same. A root without capabilities gets none back: the bounding set is empty,
    if the kernel allows that, and exec gives no new privileges. Raises `RightsError` if the kernel
    refuses or any capability is left. Other systems than Linux have no capabilities.
    """
    if not _HAS_CAPABILITIES:
        return
    _drop_bounding_set()
    if _prctl(_PR_SET_NO_NEW_PRIVS, 1) != 0:
        raise _failure("PR_SET_NO_NEW_PRIVS")
    _clear_capabilities()


def _clear_capabilities() -> None:
    if not _HAS_CAPABILITIES:
        return
    # The ambient set follows: it holds nothing that is not permitted and inheritable.
    nothing = (_Sets * 2)()
    head = _Head(_VERSION_3, 0)
    if _libc().capset(ctypes.byref(head), ctypes.byref(nothing)) != 0:
        raise _failure("capset")
    left = (_Sets * 2)()
    if _libc().capget(ctypes.byref(head), ctypes.byref(left)) != 0:
        raise _failure("capget")
    if any((each.effective, each.permitted, each.inheritable) != (0, 0, 0) for each in left):
        raise RightsError("capabilities are left after capset")


class _Head(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _drop_bounding_set() -> None:
    if not _HAS_CAPABILITIES:
        return
    for capability in range(_MAX_CAPABILITY + 1):
        # EINVAL: past the kernel's last; EPERM: no CAP_SETPCAP, and no_new_privs must do
        _prctl(_PR_CAPBSET_DROP, capability)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *values: int) -> int:
    arguments = (*values, 0, 0, 0, 0)[:4]
    return int(_libc().prctl(option, *map(ctypes.c_ulong, arguments)))


def _failure(what: str) -> RightsError:
    number = ctypes.get_errno()
    return RightsError(f"{what}: {os.strerror(number)}")
