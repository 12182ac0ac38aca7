"""A session on another machine, as a source: its events come through ssh, commands go there."""

import os
import queue
import time
from collections.abc import Sequence

from msgspec.structs import replace

from tui_trace.core.commands import KeepAlive, encode_command
from tui_trace.core.events import Event, Notice, SessionBegan, SessionEnded, at_time
from tui_trace.core.stream import Command, Inject, Sink, SourceError
from tui_trace.remote import agent
from tui_trace.remote.clock_offset import ClockOffset
from tui_trace.remote.failure import describe_failure
from tui_trace.remote.place import Place
from tui_trace.remote.ssh_process import SshProcess, ssh_command
from tui_trace.remote.stream_reader import StreamError, StreamReader

PROGRAM = ("tui-trace", "--jsonl", "--commands")
_TICK = 0.1
"""Seconds between two pulses when nothing arrives."""
_KEEP_ALIVE = KeepAlive(60)
"""Without it, a session whose link died would probe on until TCP gives up, for a quarter hour."""
_ALIVE_GAP = 15.0
"""Seconds between two of them."""
_PATIENCE = 0.5
"""Seconds that an asked end may take before the connection is closed."""


class RemoteSource:
    """Runs tui-trace at a place, and passes its stream on. See `stream.Source`.

    The other machine probes, keeps time and looks names up; it records nothing. All times are by
    its clocks: if its wall clock is certainly another one, a `Notice` says by how much.
    """

    def __init__(self, place: Place, words: Sequence[str]) -> None:
        """`words` are options and target for the program there."""
        self._place = place
        self._command = ssh_command(place, (*PROGRAM, *words))
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._reader = StreamReader(place.host)
        self._process: SshProcess | None = None
        self._stopping = False
        self._told_unread = False
        self.broke_off = False
        """The session ended before its time, which a `Notice` says, too."""

    def command(self, command: Command) -> None:
        """Send a command there; what is injected, is injected here. Thread-safe."""
        self._commands.put(command)
        self._wake()

    def stop(self) -> None:
        """End the session there soon; thread-safe."""
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        if self._process is not None:
            self._process.wake()

    def run(self, sink: Sink) -> None:
        """Pass the stream on until its end; blocks.

        Raises `SourceError`, one line, if there is no session: ssh cannot log in, there is no
        tui-trace, or it refuses. What ends a session before its time is a last `Notice`.
        """
        started = time.time_ns()
        process = self._process = SshProcess(self._command, agent.environment(os.environ))
        why = None
        try:
            if self._follow(process, sink, started):
                return
            if self._stopping and self._reader.has_begun:
                # told before the wait for ssh: whoever asked for the end waits for this
                self._end(sink)
                return
        except StreamError as error:
            why = str(error)
        finally:
            process.end()
        host, code = self._place.host, process.exit_code
        has_begun = self._reader.has_begun
        if self._stopping:
            raise SourceError(f"stopped before {host} answered")
        why = why or describe_failure(host, code, process.error_lines, has_begun=has_begun)
        if not has_begun:
            raise SourceError(why)
        self.broke_off = True
        self._say(sink, why)
        self._end(sink)

    def _end(self, sink: Sink) -> None:
        sink.event(SessionEnded(at=self._reader.last_at))
        sink.pulse(self._reader.last_at)

    def _follow(self, process: SshProcess, sink: Sink, started: int) -> bool:
        """Pass events on and commands back; return whether the session ended in order."""
        reader = self._reader
        deadline, next_sign = None, 0.0
        while not process.is_over:
            if self._stopping and deadline is None:
                process.close_input()
                deadline = time.monotonic() + _PATIENCE
            if deadline is not None and (not reader.has_begun or time.monotonic() > deadline):
                return False
            for event in reader.feed(process.receive(_TICK)):
                self._pass_on(sink, event, started)
                if isinstance(event, SessionEnded):
                    sink.pulse(event.at)
                    return True
            if reader.has_begun:
                if time.monotonic() >= next_sign:
                    next_sign = time.monotonic() + _ALIVE_GAP
                    process.send(encode_command(_KEEP_ALIVE))
                self._obey(process, sink)
                sink.pulse(reader.last_at)
        return False

    def _pass_on(self, sink: Sink, event: Event, started: int) -> None:
        if not isinstance(event, SessionBegan):
            sink.event(event)
            if self._reader.unread and not self._told_unread:
                self._told_unread = True
                self._say(sink, f"{self._place.host} sent lines that this version cannot read")
            return
        arrived = time.time_ns()
        sink.event(replace(event, vantage=self._place.host))
        offset = ClockOffset.measure(there=event.wall, started=started, arrived=arrived)
        sentence = offset.describe(self._place.host)
        if sentence is not None:
            self._say(sink, sentence)

    def _obey(self, process: SshProcess, sink: Sink) -> None:
        """Send the commands that wait, and inject the events."""
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            if isinstance(command, Inject):
                sink.event(at_time(command.event, self._reader.last_at))
            elif not process.send(encode_command(command)):
                self._say(sink, f"the link to {self._place.host} is too slow: a command was lost")

    def _say(self, sink: Sink, text: str) -> None:
        sink.event(Notice(at=self._reader.last_at, text=text))
