"""`--on-event`: the process that runs the user's command.

It is forked before anything is opened and before rights are given up, becomes the user, and knows
the command from the command line alone: whoever takes the tracing process over by a packet can have
that command run with other facts in its environment, and nothing else.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from tui_trace.core.forked import detach
from tui_trace.core.privileges import RightsError, act_as_user
from tui_trace.core.sanitize import sanitize

TIME_LIMIT = 30.0
"""Seconds after which a command is killed, with all that it started in its process group."""
MOST_AT_ONCE = 8
"""Commands that run at the same time; those of one episode never do."""
MOST_WAITING = 200
"""Commands that wait for their turn; what comes then is not run."""
LONGEST_MESSAGE = 64 << 10
"""Bytes of one message between the two processes."""
READY = b"ready"
_FACT = re.compile(r"TUI_TRACE_[A-Z_]{1,40}")
"""Names that an order may set."""
_TICK = 0.05
"""Seconds between two looks at commands that run."""
_TAIL = 2000
"""Bytes of a command's output that are kept, for the line about its failure."""

_READS = 16
"""Reads of one command's output before others are looked at."""


class Order(msgspec.Struct, frozen=True):
    """A command to be run."""

    session: int
    """Which session it is of, for the answer."""
    episode: int
    """Commands of one episode run one after another."""
    about: str
    """What it is about, in a few words, for the line about its failure."""
    environment: dict[str, str]
    """What its environment has beside this process's own."""


class Failure(msgspec.Struct, frozen=True):
    """A command that failed, in one line."""

    session: int
    line: str


def run_command_process(orders: socket.socket, words: Sequence[str]) -> NoReturn:
    """Be the process that runs commands, until the other end is closed and all are over."""
    try:
        detach(keep=(orders.fileno(),))
        # whom it tells may be gone
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        # what is meant for the program may go to all its processes (systemd.kill(5)); a handler, as
        # commands would inherit what is ignored
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        reason = _become_ready(words)
        orders.send(reason.encode() or READY)
        if not reason:
            _Commands(orders, words).serve()
    finally:
        # run no atexit, no finally and no traceback of the parent, of which this is a copy
        os._exit(0)


def _become_ready(words: Sequence[str]) -> str:
    """Become the user; return why the command cannot be run, or an empty text."""
    try:
        act_as_user()
    except RightsError as error:
        return str(error)
    return "" if shutil.which(words[0]) else f"there is no program {sanitize(words[0])!r}"


def _facts(order: Order) -> dict[str, str]:
    """Return what an order may put into the environment: what loads no code, and has no NUL."""
    return {
        name: value.replace("\0", "")
        for name, value in order.environment.items()
        if _FACT.fullmatch(name)
    }


class _Running:
    """A command that runs."""

    def __init__(self, order: Order, words: Sequence[str]) -> None:
        """Start it; `OSError`."""
        self.order = order
        self.deadline = time.monotonic() + TIME_LIMIT
        self._tail = b""
        self._output, theirs = os.pipe()
        os.set_blocking(self._output, False)
        try:
            self._process = subprocess.Popen(  # noqa: S603  (the command is the user's own)
                words,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                env={**os.environ, **_facts(order)},
                start_new_session=True,
            )
        except OSError:
            os.close(self._output)
            raise
        finally:
            os.close(theirs)

    def failure(self) -> str | None:
        """Return why it failed, or an empty text if it did not; None: it still runs."""
        self._read()
        code = self._process.poll()
        if code is None and time.monotonic() < self.deadline:
            return None
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._read()
        os.close(self._output)
        if code is None:
            return f"killed after {TIME_LIMIT:g} s"
        if not code:
            return ""
        why = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
        lines = self._tail.decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f"{why}: {sanitize(last.strip())}" if last else why

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_READS):
                self._tail = (self._tail + os.read(self._output, 1 << 16))[-_TAIL:]


class _Commands:
    """Commands that run, and those that wait for their turn."""

    def __init__(self, orders: socket.socket, words: Sequence[str]) -> None:
        self._orders = orders
        self._words = words
        self._waiting: deque[Order] = deque()
        self._running: list[_Running] = []
        self._is_open = True

    def serve(self) -> None:
        """Obey, until nothing more can come and nothing runs."""
        while self._is_open or self._waiting or self._running:
            self._take()
            self._look()
            self._start()

    def _take(self) -> None:
        """Take an order, if one comes soon."""
        if not self._is_open:
            time.sleep(_TICK)
            return
        if not select.select([self._orders], [], [], _TICK if self._running else None)[0]:
            return
        try:
            message = self._orders.recv(LONGEST_MESSAGE)
        except ConnectionResetError:
            # the other end closed without having read all: what it sent before is still to come
            return
        if not message:
            self._is_open = False
            return
        try:
            order = msgspec.msgpack.decode(message, type=Order)
        except msgspec.MsgspecError:
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(order)
        else:
            self._tell(order, f"not run: {MOST_WAITING} others wait for their turn")

    def _look(self) -> None:
        for running in list(self._running):
            why = running.failure()
            if why is not None:
                self._running.remove(running)
            if why:
                self._tell(running.order, why)

    def _start(self) -> None:
        """Start what may run: the oldest first, never two of one episode."""
        busy = {running.order.episode for running in self._running}
        for order in list(self._waiting):
            if len(self._running) >= MOST_AT_ONCE:
                return
            if order.episode in busy:
                continue
            self._waiting.remove(order)
            try:
                self._running.append(_Running(order, self._words))
                busy.add(order.episode)
            except OSError as error:
                self._tell(order, f"not run: {error.strerror}")

    def _tell(self, order: Order, why: str) -> None:
        line = f"--on-event {sanitize(self._words[0])} ({order.about}): {why}"
        with contextlib.suppress(OSError):
            self._orders.send(msgspec.msgpack.encode(Failure(order.session, line)))
