"""The command lines and the line output of `tcptraceroute` and `traceroute-nanog`.

Each program is a module with a parser, which follows the rules of that program, and a printer,
which turns the stream of events into its lines. `line_output.print_lines` runs both.
"""

from collections.abc import Sequence
from pathlib import Path

from tui_trace.core.settings import SettingError

PROGRAMS = ("tcptraceroute", "traceroute-nanog")
"""Values of `--as`, and names of links to this program."""


def called_as(command: str) -> str | None:
    """Return the program of which `command` has the name; None if it is neither."""
    name = Path(command).name
    return name if name in PROGRAMS else None


def named_program(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return program and arguments of `--as PROGRAM ARGUMENTS…`; raise `SettingError`."""
    name = words[1] if len(words) > 1 else ""
    if name not in PROGRAMS:
        raise SettingError("--as", name, " or ".join(PROGRAMS))
    return name, words[2:]
