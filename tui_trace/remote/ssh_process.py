"""OpenSSH's client as a child process: never blocks, and never outlives its session."""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from tui_trace.core.stream import SourceError
from tui_trace.remote.place import Place

_OPTIONS = (
    "BatchMode=yes",  # no password is asked for: nobody would see the question
    "ConnectTimeout=15",
    # a link that is dead is told within 15 s
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    # what a config may have for logins would be in the way here, or change the other machine
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "ForwardAgent=no",
    "ForwardX11=no",
)
_CHUNK = 64 << 10
_KEPT_ERRORS = 8 << 10
"""Last bytes of standard error that are kept."""
_MAX_UNSENT = 1 << 20
"""Most bytes of commands that wait for a slow link."""
_ORDERLY_END = 0.6
"""Seconds for an end in order."""
_TERMINATION = 0.2


def ssh_command(place: Place, words: Sequence[str]) -> list[str]:
    """Return the command line that runs `words` at the place.

    The other machine's shell reads what ssh sends, hence the quotes. `--` ends ssh's own options.
    """
    options = (word for option in _OPTIONS for word in ("-o", option))
    return ["ssh", "-T", *options, "--", place.destination, shlex.join(words)]


class SshProcess:
    """The running client. All of it but `wake` is for one thread."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it; `SourceError` if there is no such program."""
        try:
            # a session of its own: no terminal to ask at, and no Ctrl-C from ours
            self._child = subprocess.Popen(  # noqa: S603  (no shell, and no option from outside)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise SourceError("--from ssh: needs ssh, OpenSSH's client, in the PATH") from None
        except OSError as error:
            raise SourceError(f"ssh cannot be started: {error.strerror}") from None
        pipes = (self._child.stdin, self._child.stdout, self._child.stderr)
        self._input, self._output, self._errors = (
            pipe.fileno() for pipe in pipes if pipe is not None
        )
        for descriptor in (self._input, self._output, self._errors):
            os.set_blocking(descriptor, False)
        self._wakeup, self._waker = os.pipe()
        for descriptor in (self._wakeup, self._waker):
            os.set_blocking(descriptor, False)
        self._wakeup_lock = threading.Lock()
        self._has_no_files = False
        self._selector = selectors.DefaultSelector()
        for descriptor in (self._output, self._errors, self._wakeup):
            self._selector.register(descriptor, selectors.EVENT_READ)
        self._unsent = b""
        self._input_is_open = True
        self._error_text = b""
        self.is_over = False
        """Nothing more will come."""

    def wake(self) -> None:
        """End a `receive` early; thread-safe."""
        with self._wakeup_lock:  # its number may be another file's after `end`
            if not self._has_no_files:
                with contextlib.suppress(BlockingIOError):  # so many ask already
                    os.write(self._waker, b"\0")

    def send(self, line: bytes) -> bool:
        """Send a line as soon as the pipe takes it; return False if too much waits already."""
        if not self._input_is_open:
            return True  # the session is ending, and nobody waits for what it would change
        if len(self._unsent) + len(line) > _MAX_UNSENT:
            return False
        self._unsent += line + b"\n"
        self._write()
        return True

    def close_input(self) -> None:
        """Tell the other end, by the end of its input, that the session is over."""
        if self._input_is_open:
            self._input_is_open = False
            self._unsent = b""
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._input)
            if self._child.stdin is not None:
                self._child.stdin.close()

    def receive(self, timeout: float) -> bytes:
        """Return what the child wrote within `timeout` seconds, or nothing."""
        data = b""
        ready = self._selector.select(timeout)
        for key, _ in ready:
            if key.fd == self._output:
                read = self._read(self._output)
                self.is_over |= read == b""
                data = read or b""
            elif key.fd == self._errors:
                self._read_errors()
            elif key.fd == self._input:
                self._write()
            else:
                self._read(self._wakeup)
        # a helper that the child left behind may keep its pipes open for good
        if not ready and self._child.poll() is not None:
            self.is_over = True
        return data

    def end(self) -> None:
        """End the child, in order if it does so soon, and free all descriptors; bounded in time."""
        self.close_input()
        deadline = time.monotonic() + _ORDERLY_END
        while not self._has_ended() and time.monotonic() < deadline:
            if self.is_over:
                time.sleep(0.005)
            else:
                self.receive(0.02)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._has_ended():
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_TERMINATION)
        self._read_errors()
        self._selector.close()
        with self._wakeup_lock:
            self._has_no_files = True
            os.close(self._wakeup)
            os.close(self._waker)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None if it could not be ended."""
        return self._child.returncode

    @property
    def error_lines(self) -> list[str]:
        """The last lines of its standard error."""
        lines = self._error_text.decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def _has_ended(self) -> bool:
        return self._child.poll() is not None

    def _read(self, descriptor: int) -> bytes | None:
        """Return what is there, empty at the end; None if there is nothing yet."""
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _read_errors(self) -> None:
        data = self._read(self._errors)
        if data is None:
            return
        if not data:
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._errors)
        self._error_text = (self._error_text + data)[-_KEPT_ERRORS:]

    def _write(self) -> None:
        if not self._input_is_open:
            return
        try:
            written = os.write(self._input, self._unsent) if self._unsent else 0
        except BlockingIOError:
            written = 0
        except OSError:  # nobody reads any more: its end says why
            self.close_input()
            return
        self._unsent = self._unsent[written:]
        is_waiting = self._input in self._selector.get_map()
        if self._unsent and not is_waiting:
            self._selector.register(self._input, selectors.EVENT_WRITE)
        elif not self._unsent and is_waiting:
            self._selector.unregister(self._input)
