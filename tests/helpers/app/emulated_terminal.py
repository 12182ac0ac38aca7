"""A program in a pseudo-terminal, seen through a terminal emulator."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

from tests.helpers.places import ROOT


class Terminal:
    """Runs `python ARGUMENTS` with stdin, stdout and stderr on a terminal of its own."""

    def __init__(
        self,
        *arguments: str,
        size: tuple[int, int] = (100, 24),
        env: dict[str, str] | None = None,
        errors: str | None = None,
    ) -> None:
        """`errors`: the file that standard error goes to."""
        self.raw = b""
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ.pop("NO_COLOR", None)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.update(env or {})
            if errors is not None:
                os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.code: int | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    @property
    def modes(self) -> list[object]:
        """The terminal's settings, as a shell would find them."""
        return termios.tcgetattr(self._fd)

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        self.wait_for_any(text, seconds=seconds)

    def wait_for_any(self, *texts: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not any(text in self.text for text in texts):
            if time.monotonic() > end or not self._read(0.1):
                raise AssertionError(f"{texts} never came:\n{self.text}")

    def wait_for_raw(self, sent: bytes, seconds: float = 20) -> None:
        """Until the program has written these bytes."""
        end = time.monotonic() + seconds
        while sent not in self.raw:
            assert time.monotonic() < end, self.text
            assert self._read(0.1), self.text

    def wait_until_gone(self, text: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while text in self.text:
            if time.monotonic() > end or not self._read(0.1):
                raise AssertionError(f"{text!r} never went:\n{self.text}")

    def wait(self, seconds: float = 20) -> int:
        """Read on until the program has ended; its exit code."""
        end = time.monotonic() + seconds
        while self.code is None:
            assert time.monotonic() < end, f"it did not end:\n{self.text}"
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        while select.select([self._fd], [], [], 0)[0] and self._read(0):
            pass
        return self.code

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        if self.code is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        if self._fd >= 0:
            os.close(self._fd)
