"""`--commands`: commands as JSON lines on standard input, while `--jsonl` writes the events.

One object a line. `command` names its kind; a key that is not known, or a value that the command
line would refuse, makes the line a bad one: a `notice` in the stream says so, and nothing else
happens. Lines have at most 64 KiB, and at most 100 a second are read. The end of standard input
ends the session, as `stop` does, so that it never outlives its commander. Names that are looked up
are kept in memory only.

==============  ====================================================================================
command         keys besides `command`
==============  ====================================================================================
switch          settings: probe with these from now on
take-turns      settings: 2 to 64 that differ, round by round; rounds of each, or null: until
                another command
find-ways       settings; confidence (0.5 to 0.9999; 0.95), budget (most probes, to 100000; 3000)
watch-ways      settings; flows (their indices in `flow-opened`), last_ttl
stop-ways       no more: ends either of the two
find-path-mtu   settings; largest (the size to begin with, 68 to 65535, or null: what the interface
                takes): find the path MTU beside what is probed
stop-path-mtu   no more: ends that
go-back         no more: go on as before a `take-turns` with `rounds`
set-pace        pace: probe at this one from now on
reset           no more: another run with the same settings
set-asn-lookup  origins (true or false): whether AS numbers are looked up
query-registry  address: its registry record, which follows as `registered`
keep-alive      seconds (1 to 3600): end the session unless a line, be it empty, comes within these,
                and so on after each
stop            no more: ends the session in order
==============  ====================================================================================

`settings` and `pace` have the keys that they have in `run-opened` and `pace-set`, times in ns. A
key that is missing has the value that the command line gives it, whatever was in force: `port` and
`size` are those of the protocol. A size that is too small for the headers is raised, with a notice.
What a command changed, the stream says: a `switch` is followed by `run-opened`, for example.
"""

import os
import select
import threading
import time
from collections import deque

from msgspec.structs import replace

from tui_trace.core.bounded_lines import BoundedLines
from tui_trace.core.commands import (
    LONGEST_LINE,
    CommandError,
    KeepAlive,
    Stop,
    decode_command,
)
from tui_trace.core.events import Event, Notice, SessionBegan, SessionEnded
from tui_trace.core.ip_literals import parse_literal
from tui_trace.core.probe_size import fit_size
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import ProbeSettings, SettingError
from tui_trace.core.source_filter import SourceFilter
from tui_trace.core.stream import (
    Command,
    FindPathMtu,
    FindWays,
    Source,
    Switch,
    TakeTurns,
    WatchWays,
)

_CHUNK = 64 << 10
_GAP = 0.01
"""Seconds between two lines: their effects, notices above all, wait in memory for their turn."""


class CommandedSource(SourceFilter):
    """A source that obeys the commands which another program writes to a file descriptor."""

    def __init__(self, source: Source, descriptor: int) -> None:
        """Read commands from `descriptor` once the session has begun; its end ends the source."""
        super().__init__(source)
        self._descriptor = descriptor
        self._family = 0
        self._said: deque[str] = deque()
        """Lines for the stream, from the thread that reads commands to the source's."""
        self._patience: int | None = None
        """Seconds without a line after which the session ends; None: any number."""

    def event(self, event: Event) -> None:
        """Pass the event on; the first one begins the reading of commands."""
        if isinstance(event, SessionEnded):
            self._tell(event.at)
        self._sink.event(event)
        if isinstance(event, SessionBegan) and not self._family:
            self._family = event.family
            threading.Thread(target=self._read, name="commands", daemon=True).start()

    def pulse(self, at: int) -> None:
        """Add what there is to say of commands, and pass the pulse on."""
        self._tell(at)
        self._sink.pulse(at)

    def _tell(self, at: int) -> None:
        while self._said:
            self._sink.event(Notice(at=at, text=self._said.popleft()))

    def _read(self) -> None:
        lines = BoundedLines(LONGEST_LINE)
        number = 0
        try:
            while data := self._next():
                for line in lines.feed(data):
                    number += 1
                    self._obey(number, line)
                    time.sleep(_GAP)
            if lines.last().strip():
                self._obey(number + 1, lines.last())
        except OSError:
            pass  # a closed or broken standard input has ended, too
        self.stop()

    def _next(self) -> bytes:
        """Return the bytes that come next; none at the end, or if they do not come in time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(None if self._patience is None else 1000 * self._patience):
            self._said.append(
                f"no command for {self._patience} s: whoever asked for this session is gone"
            )
            return b""
        return os.read(self._descriptor, _CHUNK)

    def _obey(self, number: int, line: bytes | None) -> None:
        """Obey one line; None stands for one that is too long."""
        if line is not None and not line.strip():
            return
        try:
            if line is None:
                raise CommandError(f"more than {LONGEST_LINE} bytes")
            command = decode_command(line)
            match command:
                case Stop():
                    self.stop()
                case KeepAlive(seconds):
                    self._patience = seconds
                case _:
                    self.command(self._fitted(command))
        except (CommandError, SettingError) as error:
            self._said.append(f"line {number} is no command: {sanitize(str(error))}")

    def _fitted(self, command: Command) -> Command:
        """Return the command with settings that fit the target's IP version."""
        match command:
            case (
                Switch(settings) | FindWays(settings) | WatchWays(settings) | FindPathMtu(settings)
            ):
                return replace(command, settings=self._fit(settings))
            case TakeTurns(settings=several):
                return replace(command, settings=tuple(map(self._fit, several)))
        return command

    def _fit(self, settings: ProbeSettings) -> ProbeSettings:
        source = None if settings.source is None else parse_literal(settings.source)
        if source is not None and source.version != self._family:
            raise SettingError("source", source, f"an IPv{self._family} address, as the target has")
        settings, warning = fit_size(settings, self._family)
        if warning is not None:
            self._said.append(warning)
        return settings
