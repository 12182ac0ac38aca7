"""An end that is asked for from outside: by SIGINT, SIGTERM, SIGHUP or SIGQUIT (signal(7)).

Where nothing would be lost, these have their default action: the kernel ends the process at once,
whatever it waits for, a resolver or a full pipe. While there is something to be put in order,
`Stopping` takes them, in a thread that waits for nothing else.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that ask for an end in order."""
GRACE = 0.25
"""Seconds after the first signal for which an output may take nothing."""
LAST_RESORT = 4.0
"""Seconds after the first signal when the process ends in any case."""
_TICK = 0.05
_IDLE = 0.25


class Stopping:
    """While it is entered, the first signal asks for an end, and a second one brings it about.

    So does an output that takes nothing more, or an end that takes too long; the exit code is 128
    and the number of the signal then. To be entered before other threads start: it holds for them,
    too. What is ignored (nohup(1)) stays ignored.
    """

    def __init__(
        self,
        stop: Callable[[int], object],
        restore: Callable[[], object] = lambda: None,
        at_once: frozenset[signal.Signals] = frozenset(),
    ) -> None:
        """`stop` gets the signal's number and comes back soon; it is called in another thread.

        `restore` is called before the process is ended by force, which the signals of `at_once` do
        without asking.
        """
        self._stop = stop
        self._restore = restore
        self._at_once = at_once
        self._signals = {
            number
            for number in STOP_SIGNALS | at_once
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Take the signals from now on."""
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        threading.Thread(target=self._run, name="signals", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give them back: what follows may be ended at once."""
        self._over.set()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def _run(self) -> None:
        first = None
        while first is None and not self._over.is_set():
            first = self._next(_IDLE)
        if first is None:
            return
        if first in self._at_once or self._over.is_set():
            self._end(first)
        self._stop(first)
        asked = taken = time.monotonic()
        while not self._over.is_set():
            second = self._next(_TICK)
            now = time.monotonic()
            taken = now if _outputs_take() else taken
            if second is not None or now - taken > GRACE or now - asked > LAST_RESORT:
                self._end(second or first)

    def _next(self, patience: float) -> int | None:
        taken = signal.sigtimedwait(self._signals, patience)
        return None if taken is None else taken.si_signo

    def _end(self, number: int) -> None:
        self._restore()
        os._exit(128 + number)


def _outputs_take() -> bool:
    """Whether more could be written; an output that is closed or broken holds nobody up."""
    return all(_takes(number) for number in (1, 2))


def _takes(file: int) -> bool:
    asked = select.poll()
    asked.register(file, select.POLLOUT)
    return bool(asked.poll(0))


def end_by_signals() -> None:
    """Let Ctrl-C have its default action, not Python's, whose traceback is nobody's wish."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
