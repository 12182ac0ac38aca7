"""How SIGINT, SIGTERM, SIGHUP and SIGQUIT end the program (signal(7)).

If nothing would be lost, these signals have their default action: the kernel ends the process at
once, even while it waits for a resolver or a full pipe. If files or the terminal must be restored
first, `Stopping` handles the signals in a thread of its own.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Self

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that ask for an orderly end."""
GRACE = 0.25
"""Seconds after the first signal for which an output may be blocked."""
LAST_RESORT = 4.0
"""Seconds after the first signal when the process ends in any case."""
_TICK = 0.05
_IDLE = 0.25


class Stopping:
    """A context in which the first signal asks for an orderly end, and a second one forces it.

    A blocked output, or an end that takes too long, forces it too. The exit code is then 128 plus
    the number of the signal. Enter it before other threads start, so that it holds for them, too.
    A signal that is ignored (nohup(1)) stays ignored.
    """

    def __init__(
        self,
        stop: Callable[[int], object],
        restore: Callable[[], object] = lambda: None,
        at_once: frozenset[signal.Signals] = frozenset(),
        asked: Mapping[signal.Signals, Callable[[], object]] = MappingProxyType({}),
    ) -> None:
        """`stop` is called with the signal's number, in another thread, and must return soon.

        `restore` is called before the process is ended by force. The signals of `at_once` end it by
        force at once. Those of `asked` end nothing: what they are for is called in that thread.
        """
        self._stop = stop
        self._restore = restore
        self._at_once = at_once
        self._asked = asked
        self._signals = {
            number
            for number in STOP_SIGNALS | at_once | asked.keys()
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """Handle the signals from now on."""
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        threading.Thread(target=self._run, name="signals", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals their default action again."""
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
        # after a SIGCONT that comes late, CPython returns what the kernel has never filled in
        if taken is None or taken.si_signo not in self._signals:
            return None
        for number, action in self._asked.items():
            if number == taken.si_signo:
                action()
                return None
        return taken.si_signo

    def _end(self, number: int) -> None:
        self._restore()
        os._exit(128 + number)


def _outputs_take() -> bool:
    """Return whether both outputs take data; a closed or broken output counts as taking it."""
    return all(takes_output(number) for number in (1, 2))


def takes_output(file: int) -> bool:
    """Return whether a write to this descriptor would not block; a broken one never does."""
    asked = select.poll()
    asked.register(file, select.POLLOUT)
    return bool(asked.poll(0))


def end_by_signals() -> None:
    """Give Ctrl-C its default action in place of Python's traceback."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
