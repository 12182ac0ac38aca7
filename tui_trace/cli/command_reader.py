"""The thread that reads `--commands` and asks the sources for what they say."""

import threading
from collections.abc import Sequence
from io import RawIOBase
from typing import NamedTuple

from msgspec.structs import replace

from tui_trace.cli.source_factory import ResolvedTarget, SourceFactory
from tui_trace.core.events import Notice
from tui_trace.core.sanitize import sanitize
from tui_trace.core.settings import ProbeSettings
from tui_trace.core.stream import Command, FindWays, Inject, Source, SourceError, Switch, TakeTurns
from tui_trace.options.command_lines import LONGEST_LINE, CommandLineError, CommandLines, Stop


class Commanded(NamedTuple):
    """A source, and the target that it probes."""

    source: Source
    target: ResolvedTarget


class CommandReader:
    """Obeys lines until there are no more."""

    def __init__(
        self, lines: CommandLines, factory: SourceFactory, commanded: Sequence[Commanded]
    ) -> None:
        """`commanded` are the sessions, in the order of their numbers."""
        self._lines = lines
        self._factory = factory
        self._commanded = commanded

    def start(self, stream: RawIOBase) -> None:
        """Read this stream in a thread of its own, which keeps nothing from ending.

        It has no buffer: the interpreter could not end while a thread waits with the lock of one.
        """
        threading.Thread(target=self._run, args=(stream,), name="commands", daemon=True).start()

    def _run(self, stream: RawIOBase) -> None:
        while line := stream.readline(LONGEST_LINE):
            if not line.strip():
                continue
            if not line.endswith(b"\n") and len(line) >= LONGEST_LINE:
                self._refuse(self._commanded, f"longer than {LONGEST_LINE} bytes")
                break
            self._obey(line)
        for each in self._commanded:
            each.source.stop()

    def _obey(self, line: bytes) -> None:
        try:
            number, command = self._lines.read(line)
        except CommandLineError as error:
            self._refuse(self._commanded, str(error))
            return
        meant = self._commanded if number is None else self._commanded[number - 1 : number]
        if not meant:
            self._refuse(self._commanded, f"there is no session {number}")
        for each in meant:
            if isinstance(command, Stop):
                each.source.stop()
                continue
            try:
                each.source.command(self._fitted(command, each.target))
            except SourceError as error:
                self._refuse((each,), str(error))

    def _fitted(self, command: Command, target: ResolvedTarget) -> Command:
        """Return the command with settings that fit its target; `SourceError`."""

        def fitted(settings: ProbeSettings) -> ProbeSettings:
            return self._factory.resolve_target(target.host, settings, target.address).settings

        match command:
            case Switch(settings) | FindWays(settings):
                return replace(command, settings=fitted(settings))
            case TakeTurns(settings=several):
                return replace(command, settings=tuple(map(fitted, several)))
        return command

    def _refuse(self, meant: Sequence[Commanded], why: str) -> None:
        for each in meant:
            each.source.command(Inject(Notice(at=0, text=f"command refused: {sanitize(why)}")))
