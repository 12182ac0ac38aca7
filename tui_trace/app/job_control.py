"""Ctrl-Z, `fg` and `bg`: the view gives its terminal back to the shell, and takes it again.

A stopped process runs in none of its threads, so nothing is sent while it is stopped. `bg` lets it
go on without the terminal; where the config asks for that (`suspended = "probe"`), a timer of the
kernel's continues the process as soon as the shell has taken the terminal, as `bg` would. The view
comes back when the shell makes this process group the terminal's foreground again. Not every shell
sends SIGCONT then, hence the looking.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

_SHELL_TAKES = (0.3, 0.6, 1.2)
"""Seconds that a shell gets to notice that its job has stopped; a busy machine takes longer."""
_LOOK = 0.25
"""Seconds between two looks whether the terminal is ours again."""
_MOST_ANCESTORS = 32
NO_JOB_CONTROL = "no shell could bring the view back: not suspended"
STOPPED = "suspended, nothing is sent · fg comes back, bg probes without a view"
PROBES_ON = "suspended, probing goes on · fg comes back"


class Suspendable(Protocol):
    """What draws the view."""

    fileno: int
    """Of the terminal."""

    @property
    def is_drawing(self) -> bool:
        """Return whether the terminal is in use."""
        ...

    def suspend_application_mode(self) -> None:
        """Give the terminal back as it was."""
        ...

    def resume_application_mode(self) -> None:
        """Take the terminal."""
        ...

    def abandon(self) -> None:
        """Use the terminal no more, and leave it as it is."""
        ...


class JobControl:
    """Suspends the view of one driver, and brings it back. For the thread of the view."""

    def __init__(
        self,
        driver: Suspendable,
        *,
        may_stop: bool,
        probes_on: bool,
        came_back: Callable[[float], object],
    ) -> None:
        """`may_stop`: whoever started this program did not have it ignore SIGTSTP.

        `probes_on`: go on in the background. `came_back` is called with the seconds away.
        """
        self._driver = driver
        self._may_stop = may_stop
        self._probes_on = probes_on
        self._came_back = came_back
        self._loop = asyncio.get_running_loop()
        self._look_again: asyncio.TimerHandle | None = None
        self._left_at = 0.0
        self._is_stopping = False
        self.is_away = False
        """The terminal is the shell's."""
        signal.signal(signal.SIGTSTP, self._asked)
        signal.signal(signal.SIGCONT, self._continued)

    def suspend(self) -> str:
        """Stop until somebody continues this process; return a line that says why not, or none."""
        if self.is_away:
            return ""
        if not self._may_stop or not self._somebody_continues():
            return NO_JOB_CONTROL
        self._leave(self._driver.suspend_application_mode)
        line = PROBES_ON if self._probes_on else STOPPED
        with contextlib.suppress(OSError):
            os.write(self._driver_output, f"tui-trace: {line}\n".encode())
        self._is_stopping = True
        try:
            self._stop()
        finally:
            self._is_stopping = False
        self._look()
        return ""

    @property
    def _driver_output(self) -> int:
        return sys.__stdout__.fileno() if sys.__stdout__ is not None else self._driver.fileno

    def _stop(self) -> None:
        timer = ContinueTimer.create() if self._probes_on else None
        for seconds in _SHELL_TAKES:
            if timer is not None:
                timer.start(seconds)
            # all of the group, as the terminal does: a shell may wait for a script around us
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.killpg(0, signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._asked)
            if timer is None or not timer.has_fired:
                return
            if not self._is_foreground():
                os.killpg(0, signal.SIGCONT)
                return

    # --- signals; Python runs these in the thread of the view, between any two instructions

    def _asked(self, *_: object) -> None:
        """Suspend, as SIGTSTP asks for (`kill -TSTP`)."""
        self._soon(self.suspend)

    def _continued(self, *_: object) -> None:
        if not self._is_stopping:
            self._soon(self._after_stop)

    def _soon(self, work: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are leaving
            self._loop.call_soon_threadsafe(work)

    # ---

    def _after_stop(self) -> None:
        """Draw anew: somebody used SIGSTOP, and a shell may have used the terminal since."""
        if not self.is_away:
            ours = self._is_foreground()
            self._leave(self._driver.suspend_application_mode if ours else self._driver.abandon)
        self._look()

    def _leave(self, let_go: Callable[[], None]) -> None:
        self.is_away = True
        self._left_at = time.monotonic()
        let_go()

    def _look(self) -> None:
        """Take the terminal if it is ours again, or look later."""
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        if not self.is_away:
            return
        if self._is_foreground():
            self._driver.resume_application_mode()
        if self._driver.is_drawing:
            self.is_away = False
            self._came_back(time.monotonic() - self._left_at)
        else:
            self._look_again = self._loop.call_later(_LOOK, self._look)

    def _is_foreground(self) -> bool:
        return is_foreground(self._driver.fileno)

    def _somebody_continues(self) -> bool:
        """Return whether a process of this session, and of another group, is above this group.

        The kernel does not stop a group that has none, an orphaned one (setpgid(2)).
        """
        try:
            os.tcgetpgrp(self._driver.fileno)
            pid = os.getppid()
            for _ in range(_MOST_ANCESTORS):
                if pid == 0 or os.getsid(pid) != os.getsid(0):
                    return False
                if os.getpgid(pid) != os.getpgrp():
                    return True
                # the name in brackets may have any characters, brackets too
                stat = Path("/proc", str(pid), "stat").read_bytes()
                pid = int(stat.rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            pass
        return False


def is_foreground(terminal: int) -> bool:
    """Return whether this process may use the terminal; one that is not its own it always may."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True


class _SignalEvent(ctypes.Structure):
    """`struct sigevent` of sigevent(3type), which has 64 bytes."""

    _fields_: ClassVar = [
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * (64 - 8 - ctypes.sizeof(ctypes.c_void_p))),
    ]


class _TimerValue(ctypes.Structure):
    """`struct itimerspec`: seconds and nanoseconds of the interval, and until the first time."""

    _fields_: ClassVar = [
        (name, ctypes.c_long) for name in ("every_s", "every_ns", "after_s", "after_ns")
    ]


class ContinueTimer:
    """A timer of the kernel's that continues this process: timer_create(2) with SIGCONT."""

    def __init__(self, libc: ctypes.CDLL, number: ctypes.c_void_p) -> None:
        self._libc = libc
        self._number = number

    @classmethod
    def create(cls) -> "ContinueTimer | None":
        """Return a timer; None if this machine has none."""
        number = ctypes.c_void_p()
        event = _SignalEvent(None, signal.SIGCONT, 0)
        try:
            libc = ctypes.CDLL(None)
            clock = time.CLOCK_MONOTONIC
            failed = libc.timer_create(clock, ctypes.byref(event), ctypes.byref(number))
        except (OSError, AttributeError):
            return None
        return None if failed else cls(libc, number)

    def start(self, seconds: float) -> None:
        """Continue this process after so many seconds, below one minute."""
        whole, part = divmod(round(seconds * 1e9), 10**9)
        value = _TimerValue(0, 0, whole, part)
        self._libc.timer_settime(self._number, 0, ctypes.byref(value), None)

    @property
    def has_fired(self) -> bool:
        """Return whether it has continued this process since `start`."""
        left = _TimerValue()
        self._libc.timer_gettime(self._number, ctypes.byref(left))
        return bool(left.after_s == left.after_ns == 0)
