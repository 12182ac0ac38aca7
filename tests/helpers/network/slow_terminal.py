"""A terminal at the far end of a slow line: it takes so many bytes a second, and no more."""

import contextlib
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from fcntl import ioctl

import pyte

from tests.helpers.closing import Closing

_TICK = 0.01
"""Seconds between two looks at what may be read."""
_QUERY = re.compile(rb"\x1b\[5n|\x1b\[\?2026\$p")
_ANSWERS = {b"\x1b[5n": b"\x1b[0n", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}
_PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]")
"""What pyte does not know."""

Start = Callable[..., "subprocess.Popen[bytes]"]
"""As `subprocess.Popen` or `Netns.popen`."""


class SlowTerminal(Closing):
    """A program on a pty that is read at a rate, drawn by pyte, and stamped as it comes.

    A thread reads. What the program asks of a terminal is answered when the question has come
    through, as a terminal does, unless `answers` is False.
    """

    def __init__(
        self,
        start: Start,
        args: Sequence[str],
        *,
        rate: float | None = None,
        answers: bool = True,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`rate` in bytes a second; None: as fast as they come."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.rate = rate
        self.answers = answers
        self._lock = threading.Lock()
        self._pieces: list[tuple[float, bytes]] = []
        self._drawn = 0
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        """Modes of the terminal before the program ran."""
        self.started = time.monotonic()
        """Just before the program was started, on `time.monotonic`."""
        self.process = start(
            ["setsid", "--ctty", *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**(os.environ if env is None else env), "TERM": "xterm-256color"},
        )
        self._slave = slave
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        allowed, before, tail = 0.0, time.monotonic(), b""
        while not self._over.wait(_TICK if self.rate else 0):
            now = time.monotonic()
            if self.rate:
                # a line that stood idle has no more than its next bytes free
                allowed = min(allowed + self.rate * (now - before), max(self.rate * 3 * _TICK, 1))
            before = now
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                data = (
                    os.read(self._master, int(allowed) if self.rate else 65536)
                    if (not self.rate or allowed >= 1)
                    else b""
                )
            except OSError:
                return
            allowed -= len(data)
            with self._lock:
                if data:
                    self._pieces.append((time.monotonic(), data))
            if self.answers:
                seen = tail + data
                end = 0
                for query in _QUERY.finditer(seen):
                    end = query.end()
                    with contextlib.suppress(OSError):
                        os.write(self._master, _ANSWERS[query.group()])
                tail = seen[max(end, len(seen) - 10) :]

    @property
    def raw(self) -> bytes:
        """Every byte that was taken."""
        return b"".join(data for _, data in self.pieces())

    def pieces(self) -> list[tuple[float, bytes]]:
        """What was taken, each with its stamp on `time.monotonic`."""
        with self._lock:
            return list(self._pieces)

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        for _, data in self.pieces()[self._drawn :]:
            self._draw(data)
        return list(self.screen.display)

    def _draw(self, data: bytes) -> None:
        self._drawn += 1
        self._stream.feed(_PRIVATE.sub(b"", data))

    def drawn_when(self, shows: Callable[[list[str]], bool]) -> float | None:
        """Draw on until `shows` holds of the lines; the stamp of the bytes that brought it."""
        for stamp, data in self.pieces()[self._drawn :]:
            self._draw(data)
            if shows(list(self.screen.display)):
                return stamp
        return None

    def wait_for(self, shows: Callable[[list[str]], bool], seconds: float = 60) -> float:
        """Wait until `shows` holds of the lines; the stamp of the bytes that brought it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stamp = self.drawn_when(shows)
            if stamp is not None:
                return stamp
            time.sleep(0.02)
        raise AssertionError("it never came:\n" + "\n".join(self.lines))

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def wait(self, seconds: float) -> float:
        """Wait for the end of the program; the moment of it on `time.monotonic`."""
        self.process.wait(seconds)
        return time.monotonic()

    def drained(self, seconds: float) -> float:
        """Wait until nothing has come for a second; the stamp of the last byte."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pieces = self.pieces()
            last = pieces[-1][0] if pieces else self.started
            if time.monotonic() - last > 1:
                return last
            time.sleep(0.05)
        raise AssertionError(f"it still writes after {seconds:g} s")

    def modes(self) -> list[object]:
        """Modes of the terminal now."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        """End the program if it still runs, and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._over.set()
        self._reader.join(5)
        os.close(self._slave)
        os.close(self._master)
