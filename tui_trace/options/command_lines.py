"""`--commands`: what a program asks of a running trace, one JSON object a line.

========================================  =====================================================
line                                      asks for
========================================  =====================================================
{"command": "probe",                      these options of the probe instead of those of the
 "options": "-T -P 443"}                  command line, from now on
{"command": "turns", "rounds": 10,        several probes in turns, round by round; without
 "options": ["-T -P 443", "--icmp"]}      `rounds` until another command
{"command": "pace", "options": "-i 0.5"}  these options of the pace instead of those of the
                                          command line
{"command": "pause"}                      no probe until `resume`
{"command": "resume"}
{"command": "reset"}                      a new run with the same probe
{"command": "back"}                       an end of turns that have a number of rounds
{"command": "ways", "confidence": 95}     every way through the network, in percent how sure
{"command": "stop-ways"}                  an end of that search
{"command": "stop"}                       an end of the trace
========================================  =====================================================

With several targets a line may have the number of a `session`, as the events have it; else it is
for all. What is wrong with a line is a `notice` in the stream. The end of the input ends the trace.
"""

import argparse
import shlex
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from tui_trace.core.settings import Pace, ProbeSettings, SettingError
from tui_trace.core.stream import (
    CONFIDENCE,
    Command,
    FindWays,
    GoBack,
    Reset,
    SetPace,
    StopWays,
    Switch,
    TakeTurns,
)
from tui_trace.options.line_parser import LineError, own_options
from tui_trace.options.pace import parse_pace
from tui_trace.options.parser import add_pace, add_probe
from tui_trace.options.probe import parse_probe_settings

LONGEST_LINE = 1 << 16
"""Bytes of a line, with its end."""
_Options: TypeAlias = Annotated[str, msgspec.Meta(max_length=4096)]


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line, decoded."""

    command: Literal[
        "probe", "turns", "pace", "pause", "resume", "reset", "back", "ways", "stop-ways", "stop"
    ]
    options: _Options | Annotated[list[_Options], msgspec.Meta(max_length=16)] = ""
    rounds: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    confidence: Annotated[float, msgspec.Meta(ge=50, le=99.99)] = 100 * CONFIDENCE
    session: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Stop(NamedTuple):
    """End the trace."""


_PLAIN: dict[str, Command | Stop] = {
    "reset": Reset(),
    "back": GoBack(),
    "stop-ways": StopWays(),
    "stop": Stop(),
}
"""Commands that take nothing more."""


class CommandLineError(Exception):
    """A line that asks for nothing; `str()` says why."""


class CommandLines:
    """Reads lines, beside the command line whose options they replace."""

    def __init__(self, given: argparse.Namespace, settings: ProbeSettings, pace: Pace) -> None:
        """`given` is the command line, with these settings and this pace."""
        self._given = given
        self._settings = settings
        self._pace = pace
        self._decoder = msgspec.json.Decoder(Line)

    def read(self, text: bytes) -> tuple[int | None, Command | Stop]:
        """Return the session, None: all, and what is asked of it; `CommandLineError`."""
        try:
            line = self._decoder.decode(text)
            return line.session, self._command(line)
        except (msgspec.MsgspecError, SettingError, LineError, ValueError) as error:
            raise CommandLineError(str(error)) from None

    def _command(self, line: Line) -> Command | Stop:
        match line.command:
            case "probe":
                (self._settings,) = self._probes(line, 1, 1)
                return Switch(self._settings)
            case "turns":
                return TakeTurns(tuple(self._probes(line, 2, 16)), line.rounds)
            case "pace":
                return SetPace(self._take_pace(line))
            case "pause" | "resume":
                self._pace = replace(self._pace, paused=line.command == "pause")
                return SetPace(self._pace)
            case "ways":
                return FindWays(self._settings, line.confidence / 100)
        return _PLAIN[line.command]

    def _words(self, line: Line) -> Iterator[list[str]]:
        for options in [line.options] if isinstance(line.options, str) else line.options:
            yield shlex.split(options)

    def _probes(self, line: Line, least: int, most: int) -> list[ProbeSettings]:
        probes = [
            parse_probe_settings(own_options(words, self._given, add_probe))
            for words in self._words(line)
        ]
        if not least <= len(probes) <= most:
            raise LineError(f"{line.command} takes {least} to {most} lists of options")
        return probes

    def _take_pace(self, line: Line) -> Pace:
        (words,) = self._words(line)
        merged = own_options(words, self._given, add_pace)
        self._pace = replace(parse_pace(merged, self._pace.rounds), paused=self._pace.paused)
        return self._pace
