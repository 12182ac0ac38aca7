"""The program in a terminal: tmux for a real one with keys, a pty for what a shell would see."""

import itertools
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl

import pyte

from tests.helpers.closing import Closing
from tests.helpers.network.netns import Netns

_numbers = itertools.count()


def _environment() -> dict[str, str]:
    """What a shell in a new terminal would have: no size or session of another one."""
    foreign = {"COLUMNS", "LINES", "TMUX", "TMUX_PANE"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


class Tmux(Closing):
    """A tmux server of its own inside a namespace, with one window that runs a shell."""

    def __init__(self, space: Netns, columns: int = 120, rows: int = 40) -> None:
        self._space = space
        self._socket = f"tt{os.getpid()}-{next(_numbers)}"
        self._env = _environment()
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows)),
            "env PS1='prompt> ' sh",
        )
        self.wait_for("prompt>")

    def _tmux(self, *words: str) -> str:
        return self._space.run(["tmux", "-L", self._socket, *words], env=self._env).stdout

    def start(self, args: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Type a command line and Enter; `env` is added to the environment."""
        words = ["env", *(f"{name}={value}" for name, value in (env or {}).items()), *args]
        self.write(" " + shlex.join(words))
        self.press("Enter")

    def write(self, text: str) -> None:
        """Type text as it stands."""
        self._tmux("send-keys", "-l", text)

    def press(self, *names: str) -> None:
        """Press keys by tmux's names: `Enter`, `Escape`, `C-c`, `q`."""
        self._tmux("send-keys", *names)

    def answer(self, value: str) -> None:
        """Put a value in place of the one that the view's prompt starts with; no Enter yet."""
        self.wait_for("Enter applies")
        self.press("C-u")
        # a binding's key takes another way through Textual than a letter, and may come later
        self.wait_for("› *$")
        self.write(value)

    def screen(self) -> str:
        """What the terminal shows."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, pattern: str, timeout: float = 20) -> str:
        """The screen, as soon as `pattern` (a regular expression) is on it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            screen = self.screen()
            if re.search(pattern, screen, re.MULTILINE):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} not on the screen:\n{screen}")

    def wait_without(self, pattern: str, timeout: float = 20) -> str:
        """The screen, as soon as `pattern` is no longer on it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            screen = self.screen()
            if not re.search(pattern, screen, re.MULTILINE):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} still on the screen:\n{screen}")

    def close(self) -> None:
        """End the server and what runs in it."""
        self._space.run(["tmux", "-L", self._socket, "kill-server"], env=self._env, check=False)


class Terminal(Closing):
    """A program on a pty, its output drawn by pyte and stamped as it comes."""

    def __init__(
        self,
        space: Netns,
        args: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = bytearray()
        """Every byte the program wrote."""
        self._master, self._slave = pty.openpty()
        self._is_open = True
        ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        """Modes of the terminal before the program ran."""
        self.started = time.time_ns()
        """Nanoseconds since 1970 just before the program was started."""
        self.process: subprocess.Popen[bytes] = space.popen(
            # its controlling terminal, so that it is told when the terminal goes away
            ["setsid", "--ctty", *args],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**_environment(), **(env or {})},
        )

    def read(self, timeout: float) -> int | None:
        """Draw what comes within `timeout` seconds; the stamp in ns since 1970, None if nothing."""
        taken = self.take(timeout)
        if taken is None:
            return None
        self.draw(taken[1])
        return taken[0]

    def take(self, timeout: float) -> tuple[int, bytes] | None:
        """What comes within `timeout` seconds, with its stamp in ns since 1970; not drawn yet."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return None
        data = os.read(self._master, 65536)
        stamp = time.time_ns()
        self.raw += data
        return stamp, data

    def draw(self, data: bytes) -> None:
        """Draw what was taken."""
        # pyte knows no private sequences other than with `?`
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", data))

    @property
    def lines(self) -> list[str]:
        """What the terminal shows."""
        return list(self._screen.display)

    def wait_for(self, pattern: str, timeout: float = 20) -> int:
        """Read until `pattern` is on the screen; the stamp of the bytes that brought it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            stamp = self.read(end - time.monotonic())
            if stamp is not None and re.search(pattern, "\n".join(self.lines)):
                return stamp
        raise AssertionError(f"{pattern!r} not on the screen:\n" + "\n".join(self.lines))

    def write(self, data: bytes) -> None:
        """Type."""
        os.write(self._master, data)

    def wait(self, timeout: float = 10) -> int:
        """Read until the program has ended; its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError("did not end:\n" + "\n".join(self.lines))
            self.read(0.05)
        while self.read(0.05) is not None:
            pass
        return self.process.returncode

    def modes(self) -> list[object]:
        """Modes of the terminal now."""
        return termios.tcgetattr(self._slave)

    def hang_up(self) -> None:
        """The terminal goes away."""
        if self._is_open:
            os.close(self._slave)
            os.close(self._master)
            self._is_open = False

    def close(self) -> None:
        """End the program if it still runs, and the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        self.hang_up()


def assert_sane(terminal: Terminal) -> None:
    """The modes are those of before, and each private mode set was reset."""
    assert terminal.modes() == terminal.before
    last = {}
    for mode, switch in re.findall(rb"\x1b\[\?([\d;]+)([hl])", bytes(terminal.raw)):
        for number in mode.split(b";"):
            last[number] = switch
    assert last.pop(b"25") == b"h", "the cursor is hidden"
    assert b"1049" in last, "it never was in the alternate screen"
    # 7: lines wrap; 2026: synchronised output, ended by l
    assert {number for number, switch in last.items() if switch == b"h"} <= {b"7"}
    keyboard = re.findall(rb"\x1b\[([<>])\d*u", bytes(terminal.raw))
    assert keyboard.count(b"<") >= keyboard.count(b">"), "the keyboard protocol is still on"
