"""tui-trace with `--jsonl --commands` in a namespace: commands go in, events come out."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from tests.helpers.closing import Closing
from tests.helpers.network import tui_trace_process as program
from tests.helpers.network.netns import Netns
from tui_trace.core.events import Event


class Commanded(Closing):
    """The running program; whoever waits for it waits a bounded time."""

    def __init__(self, space: Netns, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.stream: list[Event] = []
        """Every event so far."""
        self.process = space.popen(
            program.command("--jsonl", "--commands", "-n", *args),
            stdin=subprocess.PIPE,
            env=env or program.environment(),
        )
        self._rest = b""

    def send(self, text: str) -> None:
        """Write a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def run_until(self, done: Callable[[list[Event]], object], timeout: float = 20) -> list[Event]:
        """Read until the stream fulfils `done`; `timeout` in seconds."""
        end = time.monotonic() + timeout
        while not done(self.stream):
            left = end - time.monotonic()
            if left < 0 or not self._read(left):
                raise AssertionError(f"never happened; last: {self.stream[-6:]}; {self.errors()}")
        return self.stream

    def close_input(self) -> None:
        """The commander leaves."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self, timeout: float = 10) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + timeout
        while self._read(max(end - time.monotonic(), 0)):
            if time.monotonic() > end:
                raise AssertionError("does not end")
        return self.process.wait(max(end - time.monotonic(), 1))

    def errors(self) -> str:
        """What it wrote to standard error up to now."""
        assert self.process.stderr is not None
        ready, _, _ = select.select([self.process.stderr], [], [], 0.2)
        return os.read(self.process.stderr.fileno(), 65536).decode() if ready else ""

    def _read(self, timeout: float) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        whole, newline, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if newline:
            self.stream += program.decode(whole.decode())
        return bool(data)

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()
