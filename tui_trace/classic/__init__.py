"""The command lines and the line output of `tcptraceroute` and `traceroute-nanog`.

Each program is a module with a `parse` that reads its arguments by its own rules, and a printer
that makes its lines of our stream of events. `run` brings the two together.
"""

from collections.abc import Sequence
from pathlib import Path

from tui_trace.core.settings import SettingError

PROGRAMS = ("tcptraceroute", "traceroute-nanog")
"""What `--as` takes, and what a link to us may be called."""


def called_as(command: str) -> str | None:
    """The program whose name this command bears; None for our own or any other."""
    name = Path(command).name
    return name if name in PROGRAMS else None


def named_program(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The program that `--as PROGRAM ARGUMENTS…` names, and its arguments; `SettingError`."""
    name = words[1] if len(words) > 1 else ""
    if name not in PROGRAMS:
        raise SettingError("--as", name, " or ".join(PROGRAMS))
    return name, words[2:]
