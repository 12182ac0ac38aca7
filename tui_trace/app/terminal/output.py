"""The terminal as a place to write to: control sequences in their order, and the newest picture.

Nothing here waits for the terminal but `finish` and `drain`, at the end, and those not for long.
"""

import asyncio
import contextlib
import os
import select
import termios
import threading
import time
from collections.abc import Callable, Sequence

from tui_trace.app.terminal.frame import Row
from tui_trace.app.terminal.link import QUESTION, Link
from tui_trace.app.terminal.painter import Painter
from tui_trace.core.stopping import takes_output

_AGAIN = 0.05
"""Seconds until it is looked again whether the line is free, if nothing says so."""
_LAST_ANSWERS = 0.25
"""Seconds that answers get which are still to come when the view is left: the shell would take them
for typed. Twice, the second time after what was not drawn has been thrown away."""
_DRAIN = 0.5
"""Seconds that the terminal gets to take the sequences that leave the view."""
_SYNCHRONIZED = 512
"""Bytes from which on a terminal is asked to show them at once."""
_LITTLE = 64
"""Bytes that a terminal which takes some is held to take without a wait."""
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_CANCEL = "\x18"
"""Ends a control sequence that was cut off (CAN, ECMA-48 §8.3.6)."""


class TerminalOutput:
    """Writes to a terminal from the thread of the event loop, and never more than it takes."""

    def __init__(
        self,
        file: int,
        encoding: tuple[str, str],
        lost: Callable[[OSError], None],
        *,
        erases_in_colour: bool,
    ) -> None:
        """`encoding` comes with the name of its error handler (codecs(3)).

        `lost` is called once, if the terminal cannot be written to any more.
        For `erases_in_colour` see `Painter`.
        """
        self._file, self._may_wait = _open_own(file)
        self._encoding = encoding
        self._lost: Callable[[OSError], None] | None = lost
        self._loop = asyncio.get_running_loop()
        # a signal that suspends the view may come in the middle of anything
        self._lock = threading.RLock()
        self._link = Link(time.monotonic())
        self._painter = Painter(erases_in_colour=erases_in_colour)
        self._pending = b""
        """What the kernel did not take yet."""
        self._wanted: Sequence[Row] = ()
        self._cursor: tuple[int, int] | None = None
        self._synchronized = False
        self._is_watched = False
        """The kernel tells when it takes more."""
        self._later: asyncio.TimerHandle | asyncio.Handle | None = None
        self._is_over = False

    def ask(self) -> None:
        """Ask the terminal whether it answers."""
        self._add(QUESTION, asks=True)
        self._flush()

    def write(self, sequence: str) -> None:
        """Write control sequences that move no cursor and change no cell or colour."""
        self._add(sequence)
        self._flush()

    def show(
        self, rows: Sequence[Row], *, cursor: tuple[int, int] | None, synchronized: bool
    ) -> None:
        """Let the terminal show this picture as soon as it can; the ones before it are forgotten.

        `cursor` is the line and column, from 0, where something is typed; None: nowhere.
        `synchronized`: the terminal can be told to show what follows all at once.
        """
        if self._is_over:
            return
        self._wanted = list(rows)
        self._cursor = cursor
        self._synchronized = synchronized
        if self._later is None:
            self._later = self._loop.call_soon(self._pump)

    def forget(self) -> None:
        """What the terminal shows is not known any more: paint all of it.

        It may be called from a signal handler, and so in the middle of painting.
        """
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._forget)

    def answered(self) -> None:
        """The terminal has answered the question; thread-safe."""
        with self._lock:
            self._link.answer(time.monotonic())
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._pump)

    def stop_painting(self) -> None:
        """Paint nothing more: the view is being left."""
        self._is_over = True
        self._wanted = ()

    def finish(self) -> None:
        """Throw away what the terminal has not drawn; it takes at most half a second."""
        self.stop_painting()
        self._wait_for_answers()
        if self._pending or self._link.unanswered:
            self._discard()
            self._wait_for_answers()
        self._add("\x1b[m")

    def drain(self) -> None:
        """Wait until the terminal has taken what is written, for at most half a second."""
        end = time.monotonic() + _DRAIN
        self._flush()
        while self._pending and (left := end - time.monotonic()) > 0:
            asked = select.poll()
            asked.register(self._file, select.POLLOUT)
            asked.poll(left * 1000)
            self._flush()

    def close(self) -> None:
        """Write no more."""
        self.stop_painting()
        self._watch(False)
        if self._later is not None:
            self._later.cancel()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _forget(self) -> None:
        if self._is_over:
            return
        self._painter.forget()
        if self._link.is_stalled(time.monotonic()):
            self._link = Link(time.monotonic())
            self.ask()
        self._pump()

    def _wait_for_answers(self) -> None:
        end = time.monotonic() + _LAST_ANSWERS
        while self._link.awaits and time.monotonic() < end:
            self._flush()
            time.sleep(0.002)

    def _discard(self) -> None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._file, termios.TCOFLUSH)
        self._pending = b""
        self._add(_CANCEL)

    def _pump(self) -> None:
        """Write as much of the newest picture as may be on its way."""
        if self._later is not None:
            self._later.cancel()
        self._later = None
        self._flush()
        while not self._pending and not self._is_over and self._wanted:
            with self._lock:
                room = self._link.room(time.monotonic())
            if room <= 0:
                if not self._painter.shows(self._wanted):
                    self._ask_if_due(waits=True)
                    self._flush()
                    self._later = self._loop.call_later(_AGAIN, self._pump)
                return
            painted, is_all = self._painter.paint(self._wanted, room)
            if is_all and self._cursor is not None:
                painted += self._painter.move_cursor(*self._cursor)
            if self._synchronized and len(painted) >= _SYNCHRONIZED:
                painted = f"{_BEGIN}{painted}{_END}"
            if painted:
                self._add(painted)
                self._ask_if_due(waits=not is_all)
                self._flush()
            if is_all:
                return

    def _ask_if_due(self, *, waits: bool) -> None:
        with self._lock:
            asks = self._link.should_ask(time.monotonic(), waits=waits)
        if asks:
            self._add(QUESTION, asks=True)

    def _add(self, text: str, *, asks: bool = False) -> None:
        data = text.encode(*self._encoding)
        self._pending += data
        with self._lock:
            self._link.wrote(len(data), time.monotonic(), asks=asks)

    def _flush(self) -> None:
        if self._file < 0:
            return
        try:
            while self._pending:
                if self._may_wait and not takes_output(self._file):
                    raise BlockingIOError
                some = self._pending[: _LITTLE if self._may_wait else None]
                self._pending = self._pending[os.write(self._file, some) :]
        except BlockingIOError:
            with self._lock:
                self._link.is_full(time.monotonic())
        except OSError as error:
            self._pending = b""
            lost, self._lost = self._lost, None
            if lost is not None:
                lost(error)
        self._watch(bool(self._pending))

    def _watch(self, wanted: bool) -> None:
        if wanted == self._is_watched:
            return
        self._is_watched = wanted
        if wanted:
            self._loop.add_writer(self._file, self._pump)
        else:
            self._loop.remove_writer(self._file)


def _open_own(file: int) -> tuple[int, bool]:
    """Open the terminal once more: that writing does not wait shall hold for nobody else.

    Where the user may not open it (after `su`), it is the same file, and a write may wait: True.
    """
    with contextlib.suppress(OSError):
        return os.open(os.ttyname(file), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY), False
    return os.dup(file), True
